import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from sandbox.slack import ANA, APP, BEN, BOT, EVE, GENERAL, MAIL, TEAM, VAULT, SlackControl
from sandbox.slack.refusal import Impossible

Json = dict[str, Any]
BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": "approve", "value": "7"}
SELECT = {
    "type": "static_select",
    "action_id": "size",
    "options": [{"text": {"type": "plain_text", "text": "Big"}, "value": "b"}],
}
BLOCKS = [{"type": "actions", "block_id": "acts", "elements": [BUTTON, SELECT]}]


def says(**answer: Any) -> Any:
    async def respond(ack: Any, _body: Json) -> None:
        await ack(**answer)

    return respond


async def never(_ack: Any, _body: Json) -> None:
    """Bolt answers nothing over a socket and 404 by HTTP."""


async def test_a_command_arrives_complete(running: Any, slack: SlackControl) -> None:
    ack = await slack.person(ANA).types(MAIL, "/mail domain  create example.org ")
    assert (ack.ok, ack.error, ack.text) == (True, None, "")
    (body,) = running.of("command")
    expected = {"team_id": TEAM, "channel_id": MAIL, "user_id": ANA, "command": "/mail", "api_app_id": APP}
    assert body | expected == body
    assert (body["text"], body["is_enterprise_install"], body["channel_name"]) == (
        "domain  create example.org",
        "false",
        "mail",
    )
    assert body["trigger_id"]
    assert body["response_url"].startswith(slack.base_url)


async def test_the_answer_to_a_command_is_read_by_its_asker_only(running: Any, slack: SlackControl) -> None:
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "*Usage*"}}
    running.does["command"] = says(text="Usage", blocks=[section])
    ack = await slack.person(ANA).types(GENERAL, "/mail help")
    assert (ack.text, ack.payload["text"]) == ("*Usage*", "Usage")
    assert 0 < ack.seconds < 3
    (message,) = await slack.person(ANA).sees(GENERAL)
    assert (message.visible, message.ephemeral) == ("*Usage*", True)
    assert await slack.person(BEN).sees(GENERAL) == []


async def test_an_answer_for_all_is_read_by_all(running: Any, slack: SlackControl) -> None:
    running.does["command"] = says(text="Hello all", response_type="in_channel")
    assert (await slack.person(ANA).types(MAIL, "/mail")).text == ""
    assert [message.text for message in await slack.person(BEN).sees(MAIL)] == ["Hello all"]


async def test_a_text_that_is_no_json_is_an_answer_too(running: Any, slack: SlackControl) -> None:
    async def respond(ack: Any, _body: Json) -> None:
        await ack("plain words")

    running.does["command"] = respond
    assert (await slack.person(ANA).types(MAIL, "/mail")).text == "plain words"


async def test_a_malformed_answer_is_told_as_a_failure(running: Any, slack: SlackControl) -> None:
    running.does["command"] = says(text="x", blocks=[{"type": "carousel"}])
    ack = await slack.person(ANA).types(MAIL, "/mail")
    assert ack.error == "invalid_command_response"
    assert ack.text == '/mail failed with the error "invalid_command_response"'
    (refused,) = [entry for entry in await slack.journal() if entry["kind"] == "refused"]
    assert refused["error"] == "invalid_blocks"


async def test_a_command_that_is_not_answered_in_time_has_failed(running: Any, slack: SlackControl) -> None:
    async def too_late(ack: Any, _body: Json) -> None:
        await asyncio.sleep(0.3)
        await ack("late")

    running.does["command"] = too_late
    await slack.settings(ack_seconds=0.1)
    ack = await slack.person(ANA).types(MAIL, "/mail")
    assert (ack.ok, ack.error, ack.payload) == (False, "operation_timeout", None)
    (told,) = await slack.person(ANA).sees(MAIL)
    assert (told.text, told.ephemeral) == ('/mail failed with the error "operation_timeout"', True)


async def test_a_command_that_the_app_does_not_know_fails(running: Any, slack: SlackControl) -> None:
    running.does["command"] = never
    await slack.settings(ack_seconds=0.1)
    assert (await slack.person(ANA).types(MAIL, "/mail")).error in ("operation_timeout", "dispatch_failed")


async def test_without_any_connection_a_command_fails(slack: SlackControl) -> None:
    ack = await slack.person(ANA).types(MAIL, "/mail")
    assert ack.text == '/mail failed with the error "dispatch_failed"'


async def test_a_dead_request_url_fails(slack: SlackControl) -> None:
    await slack.deliver_to("http://127.0.0.1:1/slack/events")
    assert (await slack.person(ANA).types(MAIL, "/mail")).error == "dispatch_failed"
    await slack.deliver_to(None)


@pytest.mark.parametrize(
    "answer",
    [Response(status_code=302), Response(status_code=201), Response("{", media_type="application/json")],
    ids=["redirect", "created", "nonsense"],
)
async def test_only_200_with_an_answer_that_can_be_read_is_taken(
    http: Any, slack: SlackControl, answer: Response
) -> None:
    async def respond(_request: Request) -> Response:
        return answer

    http.opens_to = respond
    assert (await slack.person(ANA).types(MAIL, "/mail")).error == "dispatch_failed"


async def test_a_person_of_another_organisation_has_no_commands(running: Any, slack: SlackControl) -> None:
    ack = await slack.person(EVE).types(MAIL, "/mail help")
    assert (ack.error, ack.text) == ("invalid_command", "/mail is not a valid command.")
    assert running.received == []


async def test_nobody_acts_where_he_sees_nothing(running: Any, slack: SlackControl) -> None:
    for user, channel in ((EVE, GENERAL), (EVE, VAULT), (ANA, "C404")):
        with pytest.raises(Impossible, match="does not see a channel"):
            await slack.person(user).types(channel, "/mail")
    with pytest.raises(Impossible, match="no user U404"):
        await slack.person("U404").types(MAIL, "/mail")
    assert running.received == []


async def test_a_click_arrives_complete_even_from_a_stranger(running: Any, slack: SlackControl) -> None:
    posted = await running.client.chat_postMessage(channel=MAIL, text="Approve?", blocks=BLOCKS)
    (message,) = await slack.person(EVE).sees(MAIL)
    assert message.buttons == ["Approve"]
    await slack.person(EVE).chooses(message, "size", "Big")
    assert (await slack.person(EVE).clicks(message, "Approve")).ok
    body = running.of("action")[-1]
    assert body["user"]["id"] == EVE
    assert body["user"]["team_id"] != TEAM
    assert body["team"]["id"] == TEAM
    assert body["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": MAIL,
        "is_ephemeral": False,
    }
    assert (body["channel"]["id"], body["message"]["ts"]) == (MAIL, posted["ts"])
    (action,) = body["actions"]
    assert (action["action_id"], action["block_id"], action["value"]) == ("approve", "acts", "7")
    assert body["state"]["values"]["acts"]["size"]["selected_option"]["value"] == "b"


async def test_a_click_in_a_private_message_carries_no_message(running: Any, slack: SlackControl) -> None:
    await running.client.chat_postEphemeral(channel=MAIL, user=ANA, text="x", blocks=BLOCKS)
    (message,) = await slack.person(ANA).sees(MAIL)
    await slack.person(ANA).clicks(message, "approve")
    (body,) = running.of("action")
    assert "message" not in body
    assert body["container"]["is_ephemeral"] is True
    with pytest.raises(Impossible, match="does not see a message"):
        await slack.person(BEN).clicks(message, "Approve")


async def test_a_click_in_a_thread_names_the_thread(running: Any, slack: SlackControl) -> None:
    root = (await running.client.chat_postMessage(channel=MAIL, text="root"))["ts"]
    await running.client.chat_postMessage(channel=MAIL, thread_ts=root, text="x", blocks=BLOCKS)
    (message,) = await slack.person(ANA).reads_thread(MAIL, root)
    await slack.person(ANA).clicks(message, "Approve")
    assert running.of("action")[0]["container"]["thread_ts"] == root


async def test_a_button_that_was_seen_can_be_clicked_after_it_is_gone(running: Any, slack: SlackControl) -> None:
    ts = (await running.client.chat_postMessage(channel=MAIL, text="x", blocks=BLOCKS))["ts"]
    (stale,) = await slack.person(ANA).sees(MAIL)
    await running.client.chat_update(channel=MAIL, ts=ts, text="decided")
    assert (await slack.person(ANA).clicks(stale, "Approve")).ok
    assert running.of("action")[0]["message"]["text"] == "decided"


async def test_among_buttons_of_the_same_text_the_value_decides(running: Any, slack: SlackControl) -> None:
    blocks = [{"type": "actions", "elements": [BUTTON | {"action_id": f"a{n}", "value": str(n)} for n in range(2)]}]
    await running.client.chat_postMessage(channel=MAIL, text="x", blocks=blocks)
    (message,) = await slack.person(ANA).sees(MAIL)
    with pytest.raises(Impossible, match="are 2 'Approve'"):
        await slack.person(ANA).clicks(message, "Approve")
    await slack.person(ANA).clicks(message, "Approve", value="1")
    assert running.of("action")[0]["actions"][0]["value"] == "1"


async def test_shortcuts_arrive_with_and_without_a_message(running: Any, slack: SlackControl) -> None:
    ana = slack.person(ANA)
    await ana.says(MAIL, "please")
    (message,) = await ana.sees(MAIL)
    await ana.shortcut(message, "make_mailbox")
    await ana.shortcut(None, "anything")
    with_message, without = running.of("shortcut")
    assert (with_message["type"], with_message["callback_id"]) == ("message_action", "make_mailbox")
    assert (with_message["message"]["text"], with_message["channel"]["id"]) == ("please", MAIL)
    assert (without["type"], without["callback_id"]) == ("shortcut", "anything")


async def test_choices_in_a_message_come_from_the_app(running: Any, slack: SlackControl) -> None:
    running.does["options"] = says(options=SELECT["options"])
    select = {"type": "external_select", "action_id": "domain"}
    await running.client.chat_postMessage(channel=MAIL, text="x", blocks=[{"type": "actions", "elements": [select]}])
    (message,) = await slack.person(ANA).sees(MAIL)
    assert await slack.person(ANA).searches(message, "domain", "exam") == SELECT["options"]
    await slack.person(ANA).chooses(message, "domain", "Big")
    assert running.of("action")[0]["actions"][0]["selected_option"]["value"] == "b"


@pytest.mark.parametrize("at_once", [False, True], ids=["afterwards", "at once"])
async def test_an_envelope_can_come_twice(running: Any, slack: SlackControl, at_once: bool) -> None:  # noqa: FBT001
    await slack.deliver_twice("slash_commands", at_once=at_once)
    await slack.person(ANA).types(MAIL, "/mail one")
    await slack.person(ANA).types(MAIL, "/mail two")
    assert [body["text"] for body in running.of("command")] == ["one", "one", "two"]
    first, second, third = await slack.envelopes("slash_commands")
    assert first["envelope_id"] == second["envelope_id"] != third["envelope_id"]
    assert [each["error"] for each in (first, second, third)] == [None] * 3


async def test_an_envelope_can_come_more_often(running: Any, slack: SlackControl) -> None:
    await slack.deliver_again("slash_commands", times=3, at_once=True)
    await slack.person(ANA).types(MAIL, "/mail one")
    assert [body["text"] for body in running.of("command")] == ["one"] * 3


async def test_anything_at_all_can_be_delivered(running: Any, slack: SlackControl) -> None:
    ack = await slack.request({"command": "/mail", "text": "odd", "team_id": TEAM, "user_id": ANA})
    assert ack.ok
    assert running.of("command")[0]["text"] == "odd"
    await slack.settings(ack_seconds=0.1, event_retry_seconds=[])
    assert not (await slack.request({"type": "nonsense"})).ok
    event = {"type": "event_callback", "team_id": TEAM, "event": {"type": "app_mention", "channel": MAIL, "user": ANA}}
    assert (await slack.request(event)).ok
    assert len(running.of("mention")) == 1


async def test_both_ways_deliver_the_same(running: Any, slack: SlackControl) -> None:
    await slack.person(ANA).types(MAIL, "/mail help")
    (envelope,) = await slack.envelopes()
    assert envelope["payload"] == running.of("command")[0]
    assert envelope["transport"] in ("socket", "http")
    assert BOT not in envelope["payload"]["text"]
