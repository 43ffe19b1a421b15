from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.slack import ANA, BOT, EVE, GENERAL, MAIL, OTHER_TEAM, TEAM, SlackControl

Json = dict[str, Any]


async def breaks(_ack: Any, _body: Json) -> None:
    # Bolt acknowledges each event by itself; only a listener that raises keeps it from doing so.
    raise RuntimeError("not today")


async def test_a_mention_arrives_where_the_bot_is_a_member(running: Any, slack: SlackControl) -> None:
    ana = slack.person(ANA)
    ack = await ana.mentions(MAIL, "mailbox create x")
    assert ack.ok
    (body,) = running.of("mention")
    event = body["event"]
    assert (event["type"], event["text"], event["user"]) == ("app_mention", f"<@{BOT}> mailbox create x", ANA)
    assert (event["channel"], event["ts"]) == (MAIL, ack.ts)
    assert body["event_id"].startswith("Ev")
    assert body["authorizations"][0]["team_id"] == TEAM
    assert [message.ts for message in await ana.sees(MAIL)] == [ack.ts]


async def test_a_mention_in_a_thread_names_the_thread(running: Any, slack: SlackControl) -> None:
    root = (await running.client.chat_postMessage(channel=MAIL, text="root"))["ts"]
    await slack.person(ANA).mentions(MAIL, "status", thread=root)
    event = running.of("mention")[0]["event"]
    assert (event["thread_ts"], event["parent_user_id"]) == (root, BOT)


async def test_a_mention_where_the_bot_is_no_member_is_told_to_its_author(running: Any, slack: SlackControl) -> None:
    ack = await slack.person(ANA).mentions(GENERAL, "help")
    assert (ack.ok, ack.error) == (False, "not_in_channel")
    assert "not in this channel" in ack.text.replace("they’re not", "not")
    assert running.received == []
    assert [message.ephemeral for message in await slack.person(ANA).sees(GENERAL)] == [False, True]


async def test_other_talk_in_a_channel_is_not_delivered(running: Any, slack: SlackControl) -> None:
    assert (await slack.person(ANA).says(MAIL, "lunch?")).ok
    assert running.received == []


async def test_a_direct_message_arrives_as_one(running: Any, slack: SlackControl) -> None:
    ana = slack.person(ANA)
    root = (await ana.says(ana.dm, "help")).ts
    await ana.says(ana.dm, "more", thread=root)
    first, second = [body["event"] for body in running.of("message")]
    assert (first["channel"], first["channel_type"], first["text"]) == (ana.dm, "im", "help")
    assert second["thread_ts"] == root


async def test_a_stranger_is_recognised_by_his_team(running: Any, slack: SlackControl) -> None:
    await slack.person(EVE).mentions(MAIL, "help")
    body = running.of("mention")[0]
    assert (body["team_id"], body["event"]["team"], body["is_ext_shared_channel"]) == (TEAM, OTHER_TEAM, True)


async def test_an_event_that_is_not_taken_comes_three_more_times(running: Any, slack: SlackControl) -> None:
    running.does["mention"] = breaks
    await slack.settings(ack_seconds=0.1, event_retry_seconds=[0.0, 0.0, 0.0])
    assert not (await slack.person(ANA).mentions(MAIL, "help")).ok

    async def all_came() -> bool:
        return [each["retry"] for each in await slack.envelopes() if each["seconds"]] == [0, 1, 2, 3]

    await slack.until(all_came, what="three retries")
    assert len({body["event_id"] for body in running.of("mention")}) == 1
    reasons = [headers.get("x-slack-retry-reason") for headers in running.headers]
    assert reasons in ([None, *[["http_error"]] * 3], [[""], *[["http_timeout"]] * 3])


async def test_a_retry_that_is_taken_is_the_last(running: Any, slack: SlackControl) -> None:
    async def second_time(ack: Any, body: Json) -> None:
        if len(running.received) == 1:
            await breaks(ack, body)

    running.does["mention"] = second_time
    await slack.settings(ack_seconds=0.1, event_retry_seconds=[0.0, 0.0, 0.0])
    await slack.person(ANA).mentions(MAIL, "help")

    async def second_came() -> bool:
        return [each["error"] for each in await slack.envelopes() if each["seconds"]][1:] == [None]

    await slack.until(second_came, what="the second delivery")
    # Were there another one, it would come before this is answered.
    await slack.person(ANA).types(MAIL, "/mail")
    assert len(running.of("mention")) == 2


async def test_an_answer_may_forbid_retries(http: Any, slack: SlackControl) -> None:
    async def refuse(_request: Request) -> Response:
        return Response(status_code=500, headers={"X-Slack-No-Retry": "1"})

    http.opens_to = refuse
    await slack.settings(event_retry_seconds=[0.0])
    await slack.person(ANA).mentions(MAIL, "help")
    await slack.person(ANA).types(MAIL, "/mail")
    assert [each["kind"] for each in await slack.envelopes()] == ["events_api", "slash_commands"]
