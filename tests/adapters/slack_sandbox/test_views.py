from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import ANA, ATTIC, BEN, GUS, MAIL, VAULT, SlackControl
from sandbox.slack.refusal import Impossible

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def field(label: str, block_id: str, element: Json | None = None, **more: Any) -> Json:
    element = {"type": "plain_text_input", "action_id": "value", **(element or {})}
    return {"type": "input", "block_id": block_id, "label": plain(label), "element": element, **more}


def choice(text: str) -> Json:
    return {"text": plain(text), "value": text.lower()}


def modal(title: str = "New", *blocks: Json, **more: Any) -> Json:
    shown = list(blocks) or [{"type": "section", "text": plain("Nothing")}]
    return {
        "type": "modal",
        "title": plain(title),
        "submit": plain("Go"),
        "callback_id": "new",
        "blocks": shown,
        **more,
    }


async def refused(client: AsyncWebClient, method: str, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as raised:
        await client.api_call(method, json=arguments)
    return str(raised.value.response["error"])


async def trigger(bot: Any, slack: SlackControl, user: str = ANA) -> str:
    await slack.person(user).types(MAIL, "/mail")
    return str(bot.of("command")[-1]["trigger_id"])


async def opened(bot: Any, slack: SlackControl, view: Json) -> Json:
    answer = await bot.client.views_open(trigger_id=await trigger(bot, slack), view=view)
    found: Json = answer["view"]
    return found


async def test_a_trigger_opens_one_view_for_its_person(running: Any, slack: SlackControl) -> None:
    trigger_id = await trigger(running, slack)
    await running.client.views_open(trigger_id=trigger_id, view=modal("First"))
    assert await refused(running.client, "views.open", trigger_id=trigger_id, view=modal()) == "exchanged_trigger_id"
    view = await slack.person(ANA).view()
    assert view
    assert (view.title, view.text) == ("First", "Nothing")
    assert await slack.person(BEN).view() is None


async def test_a_trigger_expires_after_three_seconds(running: Any, slack: SlackControl) -> None:
    trigger_id = await trigger(running, slack)
    await slack.advance_clock(3.1)
    assert await refused(running.client, "views.open", trigger_id=trigger_id, view=modal()) == "expired_trigger_id"
    await slack.advance_clock(700)
    await trigger(running, slack)
    assert await refused(running.client, "views.open", trigger_id=trigger_id, view=modal()) == "invalid_trigger_id"


async def test_a_malformed_view_is_refused_and_leaves_the_trigger(running: Any, slack: SlackControl) -> None:
    trigger_id = await trigger(running, slack)
    for view, error in ((modal("x" * 25), "invalid_arguments"), (None, "invalid_arguments")):
        assert await refused(running.client, "views.open", trigger_id=trigger_id, view=view) == error
    assert await refused(running.client, "views.open", view=modal()) == "invalid_arguments"
    await running.client.views_open(trigger_id=trigger_id, view=modal())


async def test_an_update_with_an_old_hash_is_refused(running: Any, slack: SlackControl) -> None:
    view = await opened(running, slack, modal())
    await running.client.views_update(view_id=view["id"], hash=view["hash"], view=modal("Second"))
    stale = {"view_id": view["id"], "hash": view["hash"], "view": modal("Third")}
    assert await refused(running.client, "views.update", **stale) == "hash_conflict"
    await running.client.views_update(view_id=view["id"], view=modal("Third"))
    shown = await slack.person(ANA).view()
    assert shown
    assert (shown.title, shown.id, shown.hash != view["hash"]) == ("Third", view["id"], True)


async def test_a_view_that_is_gone_is_not_found(running: Any, slack: SlackControl) -> None:
    view = await opened(running, slack, modal())
    await slack.person(ANA).closes()
    assert await refused(running.client, "views.update", view_id=view["id"], view=modal()) == "not_found"
    assert await refused(running.client, "views.update", view=modal()) == "invalid_arguments"


async def test_an_external_id_names_one_view(running: Any, slack: SlackControl) -> None:
    await opened(running, slack, modal(external_id="mine"))
    await running.client.views_update(external_id="mine", view=modal("Found", external_id="mine"))
    shown = await slack.person(ANA).view()
    assert shown
    assert shown.title == "Found"
    other = await trigger(running, slack, BEN)
    duplicate = {"trigger_id": other, "view": modal(external_id="mine")}
    assert await refused(running.client, "views.open", **duplicate) == "duplicate_external_id"


async def test_views_stack_three_deep_and_close_one_by_one(running: Any, slack: SlackControl) -> None:
    root = await opened(running, slack, modal("One"))
    pushed = await running.client.views_push(trigger_id=await trigger(running, slack), view=modal("Two"))
    assert (pushed["view"]["root_view_id"], pushed["view"]["previous_view_id"]) == (root["id"], root["id"])
    await running.client.views_push(trigger_id=await trigger(running, slack), view=modal("Three", notify_on_close=True))
    fourth = {"trigger_id": await trigger(running, slack), "view": modal("Four")}
    assert await refused(running.client, "views.push", **fourth) == "push_limit_reached"
    ana = slack.person(ANA)
    await ana.closes()
    below = await ana.view()
    assert below
    assert below.title == "Two"
    assert [body["is_cleared"] for body in running.of("closed")] == [False]
    await ana.closes(everything=True)
    assert await ana.view() is None


async def test_a_push_needs_a_view_below_it(running: Any, slack: SlackControl) -> None:
    pushed = {"trigger_id": await trigger(running, slack), "view": modal()}
    assert await refused(running.client, "views.push", **pushed) == "not_found"


async def test_what_was_filled_in_survives_an_update_of_the_same_field(running: Any, slack: SlackControl) -> None:
    ana = slack.person(ANA)
    view = await opened(running, slack, modal("New", field("Name", "name"), field("Note", "note")))
    await ana.fills(Name="box", note="kept?")
    await running.client.views_update(
        view_id=view["id"], view=modal("New", field("Name", "name"), field("Note", "other"))
    )
    shown = await ana.view()
    assert shown
    assert (shown.inputs, shown.values) == (["Name", "Note"], {"Name": "box", "Note": None})


async def test_a_submission_carries_what_was_filled_in(running: Any, slack: SlackControl) -> None:
    ana = slack.person(ANA)
    blocks = (
        field("Name", "name"),
        field("Size", "size", {"type": "static_select", "options": [choice("Small"), choice("Large")]}),
        field("Tags", "tags", {"type": "checkboxes", "options": [choice("A"), choice("B")]}, optional=True),
        field("People", "people", {"type": "multi_users_select"}),
        field("Where", "where", {"type": "conversations_select", "response_url_enabled": True}),
        field("Count", "count", {"type": "number_input", "is_decimal_allowed": False}),
        field("Day", "day", {"type": "datepicker", "initial_date": "2026-01-01"}),
    )
    await opened(running, slack, modal("New", *blocks, private_metadata="m"))
    await ana.fills(Name="box", Size="Large", People=[BEN], Where=MAIL, **{"count/value": 3})
    assert await ana.submits() == {}
    assert await ana.view() is None
    (body,) = running.of("view")
    values = {block_id: actions["value"] for block_id, actions in body["view"]["state"]["values"].items()}
    assert values["name"] == {"type": "plain_text_input", "value": "box"}
    assert values["size"]["selected_option"] == choice("Large")
    assert values["tags"]["selected_options"] == []
    assert values["people"]["selected_users"] == [BEN]
    assert values["count"]["value"] == "3"
    assert values["day"]["selected_date"] == "2026-01-01"
    assert body["view"]["private_metadata"] == "m"
    assert body["view"]["hash"]
    assert [url["channel_id"] for url in body["response_urls"]] == [MAIL]


@pytest.mark.parametrize(
    ("element", "entered", "complaint"),
    [
        ({}, None, "Please complete this required field."),
        ({"min_length": 3}, "ab", "Please enter at least 3 characters."),
        ({"max_length": 3}, "abcd", "Please enter no more than 3 characters."),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "Please enter a whole number."),
        ({"type": "number_input", "is_decimal_allowed": True}, "x", "Please enter a valid number."),
        (
            {"type": "number_input", "is_decimal_allowed": True, "max_value": "3"},
            4,
            "Please enter a number within the limits.",
        ),
        ({"type": "email_text_input"}, "ana", "Please enter a valid email address."),
        ({"type": "url_text_input"}, "ana", "Please enter a valid URL."),
    ],
    ids=["required", "short", "long", "whole", "number", "limits", "email", "url"],
)
async def test_slack_itself_objects_before_the_app_hears_of_it(
    running: Any, slack: SlackControl, element: Json, entered: Any, complaint: str
) -> None:
    ana = slack.person(ANA)
    await opened(running, slack, modal("New", field("Field", "field", element)))
    await ana.fills(field=entered)
    assert await ana.submits() == {"Field": complaint}
    assert running.of("view") == []


async def answer_with(running: Any, slack: SlackControl, **answer: Any) -> dict[str, str]:
    async def respond(ack: Any, _body: Json) -> None:
        await ack(**answer)

    running.does["view"] = respond
    await opened(running, slack, modal("New", field("Name", "name")))
    await slack.person(ANA).fills(Name="box")
    return await slack.person(ANA).submits()


async def test_errors_stand_at_their_fields_and_the_entries_stay(running: Any, slack: SlackControl) -> None:
    errors = await answer_with(running, slack, response_action="errors", errors={"name": "Taken."})
    assert errors == {"Name": "Taken."}
    view = await slack.person(ANA).view()
    assert view
    assert view.values == {"Name": "box"}


async def test_an_answer_may_update_the_view(running: Any, slack: SlackControl) -> None:
    assert await answer_with(running, slack, response_action="update", view=modal("Done")) == {}
    view = await slack.person(ANA).view()
    assert view
    assert view.title == "Done"


async def test_an_answer_may_push_a_view_and_clear_all(running: Any, slack: SlackControl) -> None:
    assert await answer_with(running, slack, response_action="push", view=modal("Second")) == {}
    view = await slack.person(ANA).view()
    assert view
    assert (view.title, view.raw["previous_view_id"] is None) == ("Second", False)

    async def clear(ack: Any, _body: Json) -> None:
        await ack(response_action="clear")

    running.does["view"] = clear
    assert await slack.person(ANA).submits() == {}
    assert await slack.person(ANA).view() is None


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "update", "view": modal("x" * 25)},
    ],
    ids=["unknown block", "malformed view"],
)
async def test_a_wrong_answer_is_trouble_connecting(running: Any, slack: SlackControl, answer: Json) -> None:
    assert await answer_with(running, slack, **answer) == {"": "We had some trouble connecting. Try again?"}
    assert "refused" in [entry["kind"] for entry in await slack.journal()]


async def test_clicks_and_choices_in_a_modal_reach_the_app(running: Any, slack: SlackControl) -> None:
    ana = slack.person(ANA)
    button = {"type": "button", "action_id": "add", "text": plain("Add"), "value": "v"}
    menu = {"type": "overflow", "action_id": "more", "options": [choice("Drop")]}
    select = {"type": "static_select", "action_id": "size", "options": [choice("Small"), choice("Large")]}
    live = field("Live", "live", {"type": "static_select", "options": [choice("On")]}, dispatch_action=True)
    quiet = field("Quiet", "quiet", {"type": "static_select", "options": [choice("On")]})
    blocks = ({"type": "actions", "block_id": "acts", "elements": [button, menu, select]}, live, quiet)
    await opened(running, slack, modal("New", *blocks))
    view = await ana.view()
    assert view
    assert view.buttons == ["Add"]
    await ana.clicks(view, "Add")
    await ana.chooses(view, "more", "Drop")
    await ana.chooses(view, "size", "Large")
    await ana.chooses(view, "Live", "on")
    await ana.chooses(view, "Quiet", "on")
    acts = [body["actions"][0] for body in running.of("action")]
    assert [act["action_id"] for act in acts] == ["add", "more", "size", "value"]
    assert (acts[0]["value"], acts[1]["selected_option"]["value"]) == ("v", "drop")
    last = running.of("action")[-1]
    assert last["view"]["state"]["values"]["acts"]["size"]["selected_option"] == choice("Large")
    assert last["container"] == {"type": "view", "view_id": view.id}
    await running.client.views_push(trigger_id=last["trigger_id"], view=modal("Pushed"))
    shown = await ana.view()
    assert shown
    assert shown.title == "Pushed"


async def test_choices_come_from_the_app(running: Any, slack: SlackControl) -> None:
    async def suggest(ack: Any, body: Json) -> None:
        await ack(options=[choice(f"{body['value']}-{n}") for n in range(2)])

    running.does["options"] = suggest
    ana = slack.person(ANA)
    one = field("Domain", "domain", {"type": "external_select", "min_query_length": 1})
    many = field("Others", "others", {"type": "multi_external_select", "min_query_length": 1})
    await opened(running, slack, modal("New", one, many))
    view = await ana.view()
    assert view
    assert [found["value"] for found in await ana.searches(view, "Domain", "exam")] == ["exam-0", "exam-1"]
    assert await ana.searches(view, "Domain", "") == []
    with pytest.raises(Impossible, match="only: x-0"):
        await ana.fills(Domain="x")

    async def echo(ack: Any, body: Json) -> None:
        await ack(option_groups=[{"label": plain("All"), "options": [choice(body["value"])]}])

    running.does["options"] = echo
    await ana.fills(Domain="example.org", Others=["a.org", "b.org"])
    shown = await ana.view()
    assert shown
    assert shown.values == {"Domain": "example.org", "Others": ["a.org", "b.org"]}


async def test_more_than_a_hundred_choices_are_not_shown(running: Any, slack: SlackControl) -> None:
    async def suggest(ack: Any, _body: Json) -> None:
        await ack(options=[choice(str(n)) for n in range(101)])

    running.does["options"] = suggest
    await opened(running, slack, modal("New", field("Domain", "domain", {"type": "external_select"})))
    view = await slack.person(ANA).view()
    assert view
    assert await slack.person(ANA).searches(view, "Domain", "exam") == []


async def test_a_person_acts_only_on_what_is_on_his_screen(running: Any, slack: SlackControl) -> None:
    ana = slack.person(ANA)
    with pytest.raises(Impossible, match="no modal open"):
        await ana.fills(Name="x")
    with pytest.raises(Impossible, match="no such modal"):
        await ana.submits()
    await opened(
        running, slack, modal("New", field("Size", "s", {"type": "static_select", "options": [choice("Big")]}))
    )
    view = await ana.view()
    assert view
    with pytest.raises(Impossible, match="no field 'Colour' here; there are: Size"):
        await ana.fills(Colour="red")
    with pytest.raises(Impossible, match="no option 'Small'; there are: Big"):
        await ana.fills(Size="Small")
    with pytest.raises(Impossible, match="is no 'Add' here"):
        await ana.clicks(view, "Add")
    await ana.closes()
    with pytest.raises(Impossible, match="no such modal"):
        await ana.chooses(view, "Size", "Big")


PUBLIC_AND_PRIVATE = {"include": ["public", "private"], "exclude_bot_users": True}
CHOOSING: dict[str, tuple[Json, list[str], str]] = {
    "a person": ({"type": "multi_users_select"}, [BEN], "U404"),
    "one person": ({"type": "users_select"}, [BEN], "U404"),
    "one person too many": ({"type": "multi_users_select", "max_selected_items": 2}, [ANA, BEN], GUS),
    "a channel": ({"type": "multi_conversations_select", "filter": PUBLIC_AND_PRIVATE}, [MAIL, VAULT], "D0BEN00001"),
    "an external channel": (
        {"type": "conversations_select", "filter": {"exclude_external_shared_channels": True}},
        [VAULT],
        MAIL,
    ),
    "a public channel": ({"type": "channels_select"}, [MAIL], VAULT),
    "an archived channel": ({"type": "multi_channels_select"}, [MAIL], ATTIC),
}


@pytest.mark.parametrize(("element", "offered", "other"), CHOOSING.values(), ids=CHOOSING.keys())
async def test_a_select_offers_what_there_is_and_what_it_is_for(
    running: Any, slack: SlackControl, element: Json, offered: list[str], other: str
) -> None:
    await opened(running, slack, modal("New", field("Which", "which", element)))
    ana, several = slack.person(ANA), element["type"].startswith("multi_")
    await ana.fills(Which=offered if several else offered[0])
    with pytest.raises(Impossible):
        await ana.fills(Which=[*offered, other] if several else other)
    view = await ana.view()
    assert view
    assert view.values == {"Which": offered if several else offered[0]}


async def test_a_private_channel_is_offered_to_its_members_alone(running: Any, slack: SlackControl) -> None:
    await slack.add_channel("C0BOARD001", "board", kind="private", members=(BEN,))
    element = {"type": "multi_conversations_select", "filter": PUBLIC_AND_PRIVATE}
    await opened(running, slack, modal("New", field("Which", "which", element)))
    with pytest.raises(Impossible):
        await slack.person(ANA).fills(Which=["C0BOARD001"])


async def test_the_people_and_channels_that_a_select_begins_with_are_seen(running: Any, slack: SlackControl) -> None:
    people = field("Who", "who", {"type": "multi_users_select", "initial_users": [BEN]})
    where = field("Where", "where", {"type": "multi_conversations_select", "initial_conversations": [MAIL, VAULT]})
    await opened(running, slack, modal("New", people, where))
    view = await slack.person(ANA).view()
    assert view
    assert f"<@{BEN}>" in view.text
    assert f"<#{MAIL}>, <#{VAULT}>" in view.text
