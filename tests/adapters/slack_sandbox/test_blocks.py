from typing import Any

import pytest

from sandbox.slack.blocks import check_message, check_view
from sandbox.slack.refusal import Refused

Json = dict[str, Any]


def plain(length: int | str = 1) -> Json:
    return {"type": "plain_text", "text": "x" * length if isinstance(length, int) else length}


def mrkdwn(length: int) -> Json:
    return {"type": "mrkdwn", "text": "x" * length}


def option(number: int = 0, text: int = 3, value: int | None = None) -> Json:
    return {"text": plain(text), "value": str(number) if value is None else "v" * value}


def options(count: int) -> list[Json]:
    return [option(number) for number in range(count)]


def button(**fields: Any) -> Json:
    return {"type": "button", "text": plain(), **fields}


def confirm(**fields: Any) -> Json:
    return {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain(), **fields}


def section(**fields: Any) -> Json:
    return {"type": "section", "text": plain(), **fields}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def table(rows: int, cells: int = 1, length: int = 1) -> Json:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x" * length}] * cells] * rows}


def field(kind: str, **fields: Any) -> Json:
    return {"type": "input", "label": plain(), "element": {"type": kind, **fields}}


def rich(**part: Any) -> Json:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [part]}]}


def modal(*blocks: Json, **fields: Any) -> Json:
    return {"type": "modal", "title": plain(), "submit": plain(), "blocks": list(blocks) or [section()], **fields}


def static(**fields: Any) -> Json:
    return {"type": "static_select", **fields}


MESSAGE_LIMITS = [
    ("section text", section(text=mrkdwn(3000)), section(text=mrkdwn(3001))),
    ("section fields", section(fields=[plain()] * 10), section(fields=[plain()] * 11)),
    ("section field", section(fields=[plain(2000)]), section(fields=[plain(2001)])),
    ("section without text", {"type": "section", "fields": [plain()]}, {"type": "section"}),
    ("section empty text", section(text=plain(1)), section(text=plain(0))),
    ("block id", section(block_id="b" * 255), section(block_id="b" * 256)),
    ("header", {"type": "header", "text": plain(150)}, {"type": "header", "text": plain(151)}),
    ("header format", {"type": "header", "text": plain()}, {"type": "header", "text": mrkdwn(1)}),
    ("context", {"type": "context", "elements": [plain()] * 10}, {"type": "context", "elements": [plain()] * 11}),
    ("actions", actions(*[button()] * 25), actions(*[button()] * 26)),
    ("no actions", actions(button()), actions()),
    ("markdown", {"type": "markdown", "text": "x" * 12_000}, {"type": "markdown", "text": "x" * 12_001}),
    ("button text", actions(button(text=plain(75))), actions(button(text=plain(76)))),
    ("button format", actions(button(text=plain())), actions(button(text=mrkdwn(1)))),
    ("button value", actions(button(value="v" * 2000)), actions(button(value="v" * 2001))),
    ("button url", actions(button(url="u" * 3000)), actions(button(url="u" * 3001))),
    ("button label", actions(button(accessibility_label="a" * 75)), actions(button(accessibility_label="a" * 76))),
    ("button style", actions(button(style="danger")), actions(button(style="loud"))),
    ("action id", actions(button(action_id="a" * 255)), actions(button(action_id="a" * 256))),
    (
        "confirm title",
        actions(button(confirm=confirm(title=plain(100)))),
        actions(button(confirm=confirm(title=plain(101)))),
    ),
    (
        "confirm text",
        actions(button(confirm=confirm(text=mrkdwn(300)))),
        actions(button(confirm=confirm(text=plain(301)))),
    ),
    (
        "confirm yes",
        actions(button(confirm=confirm(confirm=plain(30)))),
        actions(button(confirm=confirm(confirm=plain(31)))),
    ),
    ("confirm no", actions(button(confirm=confirm(deny=plain(30)))), actions(button(confirm=confirm(deny=plain(31))))),
    ("select options", actions(static(options=options(100))), actions(static(options=options(101)))),
    ("select nothing", actions(static(options=options(1))), actions(static())),
    ("option text", actions(static(options=[option(text=75)])), actions(static(options=[option(text=76)]))),
    ("option value", actions(static(options=[option(value=150)])), actions(static(options=[option(value=151)]))),
    (
        "option groups",
        actions(static(option_groups=[{"label": plain(75), "options": options(1)}] * 100)),
        actions(static(option_groups=[{"label": plain(75), "options": options(1)}] * 101)),
    ),
    (
        "group label",
        actions(static(option_groups=[{"label": plain(75), "options": options(1)}])),
        actions(static(option_groups=[{"label": plain(76), "options": options(1)}])),
    ),
    (
        "initial option",
        actions(static(options=options(2), initial_option=option(1))),
        actions(static(options=options(2), initial_option=option(2))),
    ),
    (
        "placeholder",
        actions(static(options=options(1), placeholder=plain(150))),
        actions(static(options=options(1), placeholder=plain(151))),
    ),
    (
        "multi select",
        section(accessory={"type": "multi_static_select", "options": options(100), "max_selected_items": 1}),
        section(accessory={"type": "multi_static_select", "options": options(100), "max_selected_items": 0}),
    ),
    (
        "multi select place",
        section(accessory={"type": "multi_users_select"}),
        actions({"type": "multi_users_select"}),
    ),
    (
        "external select",
        actions({"type": "external_select", "min_query_length": 0}),
        actions({"type": "external_select", "min_query_length": -1}),
    ),
    (
        "checkboxes",
        actions({"type": "checkboxes", "options": options(10)}),
        actions({"type": "checkboxes", "options": options(11)}),
    ),
    (
        "radio buttons",
        actions({"type": "radio_buttons", "options": options(10)}),
        actions({"type": "radio_buttons", "options": options(11)}),
    ),
    (
        "overflow",
        actions({"type": "overflow", "options": options(5)}),
        actions({"type": "overflow", "options": options(6)}),
    ),
    (
        "overflow one",
        actions({"type": "overflow", "options": options(1)}),
        actions({"type": "overflow", "options": []}),
    ),
    (
        "datepicker",
        actions({"type": "datepicker", "initial_date": "2026-01-31"}),
        actions({"type": "datepicker", "initial_date": "31.1.2026"}),
    ),
    (
        "timepicker",
        actions({"type": "timepicker", "initial_time": "23:59"}),
        actions({"type": "timepicker", "initial_time": "3 pm"}),
    ),
    (
        "image",
        {"type": "image", "image_url": "https://x", "alt_text": "a" * 2000},
        {"type": "image", "image_url": "https://x", "alt_text": "a" * 2001},
    ),
    ("table rows", table(100), table(101)),
    ("table cells", table(1, cells=20), table(1, cells=21)),
    ("table characters", table(100, length=100), table(100, length=101)),
    (
        "table cell kind",
        {"type": "table", "rows": [[{"type": "raw_number", "value": 3, "text": "3"}, rich(type="text", text="x")]]},
        {"type": "table", "rows": [[plain()]]},
    ),
    (
        "table columns",
        {**table(1), "column_settings": [{"align": "right", "is_wrapped": True}] * 20},
        {**table(1), "column_settings": [{"align": "right"}] * 21},
    ),
    ("rich text", rich(type="user", user_id="U1"), rich(type="user")),
    ("rich text part", rich(type="link", url="https://x", style={"bold": True}), rich(type="marquee")),
    ("kind of block", {"type": "divider"}, {"type": "carousel", "elements": []}),
    ("alert only in modals", {"type": "divider"}, {"type": "alert", "text": plain()}),
    ("kind of element", actions(button()), actions({"type": "workflow_button"})),
    ("text in actions", actions(button()), actions({"type": "plain_text_input"})),
    ("kind of field", section(), section(colour="red")),
    ("null", section(), section(accessory=None)),
    ("missing type", {"type": "divider"}, {}),
]


@pytest.mark.parametrize(("good", "bad"), [row[1:] for row in MESSAGE_LIMITS], ids=[row[0] for row in MESSAGE_LIMITS])
def test_a_message_may_go_to_a_limit_and_no_further(good: Json, bad: Json) -> None:
    check_message([good])
    with pytest.raises(Refused) as refused:
        check_message([bad])
    assert refused.value.error == "invalid_blocks"
    assert all("[json-pointer:/blocks" in message for message in refused.value.details["response_metadata"]["messages"])


VIEW_LIMITS = [
    ("title", modal(title=plain(24)), modal(title=plain(25))),
    ("title format", modal(title=plain()), modal(title=mrkdwn(1))),
    ("submit", modal(submit=plain(24)), modal(submit=plain(25))),
    ("close", modal(close=plain(24)), modal(close=plain(25))),
    ("metadata", modal(private_metadata="m" * 3000), modal(private_metadata="m" * 3001)),
    ("callback", modal(callback_id="c" * 255), modal(callback_id="c" * 256)),
    ("external id", modal(external_id="e" * 255), modal(external_id="e" * 256)),
    ("blocks", modal(*[section()] * 100), modal(*[section()] * 101)),
    ("kind of view", modal(), {**modal(), "type": "home"}),
    (
        "label",
        modal({**field("users_select"), "label": plain(2000)}),
        modal({**field("users_select"), "label": plain(2001)}),
    ),
    (
        "hint",
        modal({**field("users_select"), "hint": plain(2000)}),
        modal({**field("users_select"), "hint": plain(2001)}),
    ),
    (
        "text length",
        modal(field("plain_text_input", max_length=3000)),
        modal(field("plain_text_input", max_length=3001)),
    ),
    (
        "text lengths",
        modal(field("plain_text_input", min_length=2, max_length=2)),
        modal(field("plain_text_input", min_length=3, max_length=2)),
    ),
    (
        "initial text",
        modal(field("plain_text_input", initial_value="ab", max_length=2)),
        modal(field("plain_text_input", initial_value="abc", max_length=2)),
    ),
    (
        "text placeholder",
        modal(field("plain_text_input", multiline=True, placeholder=plain(150))),
        modal(field("plain_text_input", placeholder=plain(151))),
    ),
    (
        "number",
        modal(field("number_input", is_decimal_allowed=False, min_value="1")),
        modal(field("number_input", min_value="1")),
    ),
    ("email", modal(field("email_text_input", initial_value="a@b")), modal(field("email_text_input", initial_value=1))),
    ("url", modal(field("url_text_input")), modal(field("url_text_input", maximum=1))),
    (
        "conversations",
        modal(field("conversations_select", filter={"include": ["public"]}, response_url_enabled=True)),
        modal(field("conversations_select", filter={})),
    ),
    ("channels", modal(field("channels_select")), modal(field("channels_select", initial_channel=["C"]))),
    (
        "people",
        modal(field("multi_users_select", initial_users=["U"])),
        modal(field("multi_users_select", initial_users="U")),
    ),
    (
        "alert",
        modal({"type": "alert", "text": plain(200), "level": "warning"}),
        modal({"type": "alert", "text": plain(201), "level": "warning"}),
    ),
    ("alert level", modal({"type": "alert", "text": plain()}), modal({"type": "alert", "text": plain(), "level": "x"})),
    ("table not in modals", modal(section()), modal(table(1))),
    ("button in input", modal(field("datepicker")), modal(field("button", text=plain()))),
]


@pytest.mark.parametrize(("good", "bad"), [row[1:] for row in VIEW_LIMITS], ids=[row[0] for row in VIEW_LIMITS])
def test_a_modal_may_go_to_a_limit_and_no_further(good: Json, bad: Json) -> None:
    check_view(good)
    with pytest.raises(Refused) as refused:
        check_view(bad)
    assert refused.value.error == "invalid_arguments"
    assert refused.value.details["response_metadata"]["messages"]


def test_a_message_holds_fifty_blocks() -> None:
    check_message([section()] * 50)
    with pytest.raises(Refused, match="invalid_blocks"):
        check_message([section()] * 51)


def test_block_ids_are_unique_in_a_message() -> None:
    with pytest.raises(Refused, match="invalid_blocks") as refused:
        check_message([section(block_id="same"), section(block_id="same")])
    assert refused.value.details["response_metadata"]["messages"] == [
        '[ERROR] `block_id` "same" already exists [json-pointer:/blocks/1/block_id]'
    ]


def test_action_ids_are_unique_in_a_block_only() -> None:
    check_message([actions(button(action_id="a")), actions(button(action_id="a"))])
    with pytest.raises(Refused, match="invalid_blocks"):
        check_message([actions(button(action_id="a"), button(action_id="a"))])


def test_a_message_holds_one_table() -> None:
    check_message([table(1), section()])
    with pytest.raises(Refused, match="invalid_attachments") as refused:
        check_message([table(1), table(1)])
    assert "only_one_table_allowed" in refused.value.details["response_metadata"]["messages"][0]


def test_markdown_is_counted_over_the_whole_message() -> None:
    markdown = {"type": "markdown", "text": "x" * 6_000}
    check_message([markdown, markdown])
    with pytest.raises(Refused, match="msg_blocks_too_long"):
        check_message([markdown, markdown, {"type": "markdown", "text": "x"}])


def test_all_text_of_a_message_is_counted_together() -> None:
    check_message([section(text=mrkdwn(3000))] * 4)
    with pytest.raises(Refused, match="msg_blocks_too_long"):
        check_message([section(text=mrkdwn(3000))] * 5)


def test_a_modal_with_an_input_needs_a_submit_button() -> None:
    view = modal(field("plain_text_input"))
    del view["submit"]
    with pytest.raises(Refused, match="invalid_arguments"):
        check_view(view)


def test_a_modal_is_at_most_250_kilobytes() -> None:
    with pytest.raises(Refused, match="view_too_large"):
        check_view(modal(*[section(text=mrkdwn(3000))] * 90))


def test_a_refusal_says_where_and_why() -> None:
    with pytest.raises(Refused) as refused:
        check_message([section(), actions(button(text=plain(76)))])
    message = "must be less than 76 characters [json-pointer:/blocks/1/elements/0/text/text]"
    assert refused.value.details == {"errors": [message], "response_metadata": {"messages": [f"[ERROR] {message}"]}}
