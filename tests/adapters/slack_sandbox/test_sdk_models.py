from slack_sdk.models import blocks as kit
from slack_sdk.models.views import View

from sandbox.slack.blocks import check_message, check_view

OPTIONS = [kit.Option(text="One", value="1", description="First"), kit.Option(text="Two", value="2")]
CONFIRM = kit.ConfirmObject(title="Sure?", text="*Really*", confirm="Yes", deny="No", style="danger")
ACTIONS = [
    kit.ButtonElement(text="Go", action_id="go", value="1", style="primary", confirm=CONFIRM),
    kit.LinkButtonElement(text="Docs", url="https://example.org"),
    kit.StaticSelectElement(action_id="one", options=OPTIONS, initial_option=OPTIONS[0], placeholder="Choose"),
    kit.ExternalDataSelectElement(action_id="ext", min_query_length=1, placeholder="Search"),
    kit.UserSelectElement(action_id="user", initial_user="U1"),
    kit.ConversationSelectElement(action_id="conv", filter=kit.ConversationFilter(include=["public"])),
    kit.ChannelSelectElement(action_id="chan"),
    kit.OverflowMenuElement(action_id="more", options=OPTIONS),
    kit.DatePickerElement(action_id="day", initial_date="2026-01-01"),
    kit.TimePickerElement(action_id="time", initial_time="09:30"),
    kit.CheckboxesElement(action_id="boxes", options=OPTIONS, initial_options=OPTIONS[:1]),
    kit.RadioButtonsElement(action_id="radio", options=OPTIONS),
]
INPUTS = [
    kit.PlainTextInputElement(action_id="text", multiline=True, min_length=1, max_length=10, placeholder="Type"),
    kit.NumberInputElement(action_id="number", is_decimal_allowed=False, min_value="1"),
    kit.EmailInputElement(action_id="email"),
    kit.UrlInputElement(action_id="url"),
    kit.StaticMultiSelectElement(action_id="many", options=OPTIONS, max_selected_items=2),
    kit.ExternalDataMultiSelectElement(action_id="exts", min_query_length=0),
    kit.UserMultiSelectElement(action_id="users"),
    kit.ConversationMultiSelectElement(action_id="convs"),
    kit.ChannelMultiSelectElement(action_id="chans"),
]
RICH = kit.RichTextBlock(
    elements=[
        kit.RichTextSectionElement(
            elements=[
                kit.RichTextElementParts.Text(text="a", style=kit.RichTextElementParts.TextStyle(bold=True)),
                kit.RichTextElementParts.User(user_id="U1"),
                kit.RichTextElementParts.Link(url="https://example.org", text="there"),
                kit.RichTextElementParts.Date(timestamp=1, format="{date}", fallback="then"),
            ]
        ),
        kit.RichTextListElement(
            style="bullet", elements=[kit.RichTextSectionElement(elements=[kit.RichTextElementParts.Text(text="b")])]
        ),
        kit.RichTextQuoteElement(elements=[kit.RichTextElementParts.Text(text="c")]),
        kit.RichTextPreformattedElement(elements=[kit.RichTextElementParts.Text(text="d")]),
    ]
)


def test_what_the_sdk_builds_for_messages_is_accepted() -> None:
    built = [
        kit.HeaderBlock(text="Head"),
        kit.SectionBlock(text="*Text*", fields=["a", "b"], accessory=ACTIONS[0]),
        kit.SectionBlock(text="Text", accessory=kit.ImageElement(image_url="https://x/y.png", alt_text="y")),
        kit.DividerBlock(),
        kit.ContextBlock(elements=[kit.MarkdownTextObject(text="_note_"), kit.PlainTextObject(text="more")]),
        kit.ImageBlock(image_url="https://x/y.png", alt_text="y", title="Y"),
        kit.ActionsBlock(elements=ACTIONS),
        kit.MarkdownBlock(text="**bold**"),
        kit.TableBlock(rows=[[{"type": "raw_text", "text": "a"}]], column_settings=[{"align": "right"}]),
        RICH,
    ]
    check_message([block.to_dict() for block in built])


def test_what_the_sdk_builds_for_modals_is_accepted() -> None:
    inputs = [kit.InputBlock(label="Field", element=element, optional=True, hint="Hint") for element in INPUTS]
    alert = kit.AlertBlock(text="Careful", level="warning")
    view = View(type="modal", title="New", submit="Go", close="Cancel", callback_id="new", blocks=[alert, *inputs])
    check_view(view.to_dict())
