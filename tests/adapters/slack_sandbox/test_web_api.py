from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import ANA, APP_TOKEN, ATTIC, BEN, BOT, BOT_ID, BOT_TOKEN, GENERAL, MAIL, TEAM, VAULT, SlackControl
from sandbox.slack.identity import direct_channel

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*Hello*"}}


async def refused(client: AsyncWebClient, method: str, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as raised:
        await client.api_call(method, json=arguments)
    return str(raised.value.response["error"])


async def raw(session: aiohttp.ClientSession, url: str, **request: Any) -> dict[str, Any]:
    async with session.post(url, **request) as response:
        answer: dict[str, Any] = await response.json()
        return answer


async def test_auth_test_names_the_bot(client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == (TEAM, BOT, BOT_ID)


async def test_team_info_names_the_workspace(client: AsyncWebClient) -> None:
    assert (await client.team_info())["team"]["name"] == "Lumen"


async def test_a_call_without_a_token_is_not_authed(session: aiohttp.ClientSession, slack: SlackControl) -> None:
    assert (await raw(session, slack.api_url + "auth.test"))["error"] == "not_authed"


async def test_a_wrong_token_is_invalid(session: aiohttp.ClientSession, slack: SlackControl) -> None:
    answer = await raw(session, slack.api_url + "auth.test", headers={"Authorization": "Bearer xoxb-other"})
    assert answer == {"ok": False, "error": "invalid_auth"}


async def test_each_kind_of_token_is_for_its_own_methods(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.apps_connections_open(app_token=BOT_TOKEN)
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await client.auth_test(token=APP_TOKEN)


async def test_an_unknown_method_is_refused(client: AsyncWebClient) -> None:
    assert await refused(client, "chat.whisper") == "unknown_method"


@pytest.mark.parametrize(
    "request_",
    [
        {"json": {"channel": MAIL, "text": "hi"}, "headers": {"Authorization": f"Bearer {BOT_TOKEN}"}},
        {"data": {"channel": MAIL, "text": "hi", "token": BOT_TOKEN}},
        {"params": {"channel": MAIL, "text": "hi", "token": BOT_TOKEN}},
        {"data": aiohttp.FormData({"channel": MAIL, "text": "hi", "token": BOT_TOKEN}, default_to_multipart=True)},
    ],
    ids=["json", "form", "query", "multipart"],
)
async def test_arguments_come_in_each_form(
    session: aiohttp.ClientSession, slack: SlackControl, request_: dict[str, Any]
) -> None:
    answer = await raw(session, slack.api_url + "chat.postMessage", **request_)
    assert (answer["ok"], answer["message"]["text"]) == (True, "hi")
    assert BOT_TOKEN not in str(await slack.calls())


async def test_malformed_json_is_refused(session: aiohttp.ClientSession, slack: SlackControl) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {BOT_TOKEN}"}
    for body in ("{", "[1]"):
        assert (await raw(session, slack.api_url + "auth.test", data=body, headers=headers))["error"] == "invalid_json"


async def test_a_message_is_posted_and_read_by_people(client: AsyncWebClient, slack: SlackControl) -> None:
    posted = await client.chat_postMessage(
        channel="#mail", text="Hello", blocks=[SECTION], metadata={"event_type": "m", "event_payload": {"oid": "1"}}
    )
    (message,) = await slack.person(BEN).sees(MAIL)
    assert (message.ts, message.text, message.visible, message.user) == (posted["ts"], "Hello", "*Hello*", BOT)
    assert message.metadata == {"event_type": "m", "event_payload": {"oid": "1"}}
    assert posted["message"]["blocks"][0]["block_id"]


@pytest.mark.parametrize(
    ("channel", "error"),
    [(GENERAL, "not_in_channel"), (VAULT, "channel_not_found"), (ATTIC, "is_archived"), ("C404", "channel_not_found")],
)
async def test_a_message_is_refused_where_the_bot_cannot_post(client: AsyncWebClient, channel: str, error: str) -> None:
    assert await refused(client, "chat.postMessage", channel=channel, text="hi") == error


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "no_text"),
        ({"text": "", "blocks": []}, "no_text"),
        ({"blocks": [{"type": "carousel"}]}, "invalid_blocks"),
        ({"blocks": "[{"}, "invalid_blocks_format"),
        ({"text": "x", "metadata": {"event_type": "m"}}, "invalid_metadata_format"),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"attachments": [{"blocks": [{"type": "carousel"}]}]}, "invalid_blocks"),
        ({"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"text": ["x"]}, "invalid_arguments"),
        ({"text": "x", "reply_broadcast": True}, "invalid_arguments"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}] * 5}, "msg_blocks_too_long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_bad_message_is_refused(client: AsyncWebClient, arguments: dict[str, Any], error: str) -> None:
    assert await refused(client, "chat.postMessage", channel=MAIL, **arguments) == error


async def test_a_missing_argument_is_named(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as raised:
        await client.api_call("chat.postMessage", json={"text": "x"})
    assert raised.value.response["response_metadata"]["messages"] == [
        "[ERROR] missing required field: channel [json-pointer:/channel]"
    ]


async def test_with_the_public_scope_the_bot_posts_where_it_is_no_member(
    client: AsyncWebClient, slack: SlackControl
) -> None:
    await slack.may_write_public(allowed=True)
    await client.chat_postMessage(channel=GENERAL, text="hi")
    assert [message.text for message in await slack.person(BEN).sees(GENERAL)] == ["hi"]


@pytest.mark.parametrize("method", ["conversations.history", "conversations.replies"])
async def test_without_the_scopes_to_read_slack_names_the_one_that_is_missing(
    client: AsyncWebClient, slack: SlackControl, method: str
) -> None:
    ts = (await client.chat_postMessage(channel=MAIL, text="hi"))["ts"]
    await slack.may_read(allowed=False)
    with pytest.raises(SlackApiError) as raised:
        await client.api_call(method, params={"channel": MAIL, "ts": ts})
    assert raised.value.response["error"] == "missing_scope"
    assert raised.value.response["needed"] == "channels:history"


async def test_long_text_is_cut_at_forty_thousand(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=MAIL, text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000


async def test_an_update_replaces_blocks_and_keeps_metadata(client: AsyncWebClient, slack: SlackControl) -> None:
    metadata = {"event_type": "m", "event_payload": {}}
    ts = (await client.chat_postMessage(channel=MAIL, text="a", blocks=[SECTION], metadata=metadata))["ts"]
    await client.chat_update(channel=MAIL, ts=ts, text="b")
    (message,) = await slack.person(ANA).sees(MAIL)
    assert (message.visible, message.blocks, message.metadata, message.edited) == ("b", [], metadata, 1)
    assert "edited" in message.raw
    await client.chat_update(channel=MAIL, ts=ts, text="c", blocks=[SECTION], metadata={})
    (message,) = await slack.person(ANA).sees(MAIL)
    assert (message.visible, message.metadata, message.edited) == ("*Hello*", None, 2)
    assert "edited" not in message.raw


async def test_an_update_is_refused_by_name(client: AsyncWebClient, slack: SlackControl) -> None:
    ana = slack.person(ANA)
    theirs = (await ana.says(MAIL, "mine")).ts
    own = (await client.chat_postMessage(channel=MAIL, text="own"))["ts"]
    private = (await client.chat_postEphemeral(channel=MAIL, user=ANA, text="psst"))["message_ts"]
    update = {"channel": MAIL, "text": "new"}
    assert await refused(client, "chat.update", ts=theirs, **update) == "cant_update_message"
    assert await refused(client, "chat.update", ts="1.000001", **update) == "message_not_found"
    assert await refused(client, "chat.update", ts=private, **update) == "message_not_found"
    assert await refused(client, "chat.update", channel=MAIL, ts=own, text="x" * 4001) == "msg_too_long"
    assert await refused(client, "chat.update", channel=MAIL, ts=own) == "no_text"
    assert await refused(client, "chat.update", channel=ANA, ts=own, text="x") == "channel_not_found"
    await slack.archive(MAIL)
    assert await refused(client, "chat.update", ts=own, **update) == "is_inactive"


async def test_a_deleted_message_is_gone_and_one_with_replies_leaves_a_tombstone(
    client: AsyncWebClient, slack: SlackControl
) -> None:
    ana = slack.person(ANA)
    plain = (await client.chat_postMessage(channel=MAIL, text="plain"))["ts"]
    root = (await client.chat_postMessage(channel=MAIL, text="root"))["ts"]
    reply = (await client.chat_postMessage(channel=MAIL, text="reply", thread_ts=root))["ts"]
    await client.chat_delete(channel=MAIL, ts=plain)
    await client.chat_delete(channel=MAIL, ts=root)
    assert [message.text for message in await ana.sees(MAIL)] == ["This message was deleted."]
    assert (
        await refused(client, "chat.postMessage", channel=MAIL, text="x", thread_ts=root) == "cannot_reply_to_message"
    )
    await client.chat_delete(channel=MAIL, ts=reply)
    assert await ana.reads_thread(MAIL, root) == []
    assert await refused(client, "chat.delete", channel=MAIL, ts=plain) == "message_not_found"
    theirs = (await ana.says(MAIL, "mine")).ts
    assert await refused(client, "chat.delete", channel=MAIL, ts=theirs) == "cant_delete_message"


async def test_an_ephemeral_message_is_seen_by_one_person_only(client: AsyncWebClient, slack: SlackControl) -> None:
    await client.chat_postEphemeral(channel=MAIL, user=ANA, text="psst")
    (seen,) = await slack.person(ANA).sees(MAIL)
    assert (seen.text, seen.ephemeral) == ("psst", True)
    assert await slack.person(BEN).sees(MAIL) == []
    assert (await client.conversations_history(channel=MAIL))["messages"] == []


@pytest.mark.parametrize(
    ("channel", "user", "error"),
    [
        (MAIL, "U404", "user_not_in_channel"),
        (GENERAL, ANA, "not_in_channel"),
        (ATTIC, ANA, "is_archived"),
        (VAULT, ANA, "channel_not_found"),
    ],
)
async def test_an_ephemeral_message_is_refused_by_name(
    client: AsyncWebClient, channel: str, user: str, error: str
) -> None:
    assert await refused(client, "chat.postEphemeral", channel=channel, user=user, text="x") == error


async def test_a_permalink_leads_to_the_message(client: AsyncWebClient) -> None:
    root = (await client.chat_postMessage(channel=MAIL, text="root"))["ts"]
    reply = (await client.chat_postMessage(channel=MAIL, text="reply", thread_ts=root))["ts"]
    link = (await client.chat_getPermalink(channel=MAIL, message_ts=reply))["permalink"]
    assert link.endswith(f"/archives/{MAIL}/p{reply.replace('.', '')}?thread_ts={root}&cid={MAIL}")
    assert await refused(client, "chat.getPermalink", channel=MAIL, message_ts="1.1") == "message_not_found"


async def test_a_message_to_a_person_arrives_as_a_direct_message(client: AsyncWebClient, slack: SlackControl) -> None:
    posted = await client.chat_postMessage(channel=ANA, text="hello")
    assert posted["channel"] == direct_channel(ANA) == slack.person(ANA).dm
    await client.chat_postMessage(channel=posted["channel"], text="below", thread_ts=posted["ts"])
    assert [message.text for message in await slack.person(ANA).direct_messages()] == ["hello"]
    assert [m.text for m in await slack.person(ANA).reads_thread(slack.person(ANA).dm, posted["ts"])] == ["below"]


async def test_posting_faster_than_the_set_rate_is_limited(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.settings(posts_per_second=1.0, post_burst=2)
    for _ in range(2):
        await client.chat_postMessage(channel=MAIL, text="x")
    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel=MAIL, text="x")
    assert raised.value.response.status_code == 429
    assert raised.value.response.headers["Retry-After"] == "1"
    await slack.advance_clock(2)
    await client.chat_postMessage(channel=MAIL, text="x")


async def test_timestamps_are_unique_in_a_channel(client: AsyncWebClient) -> None:
    posted = [(await client.chat_postMessage(channel=MAIL, text=str(number)))["ts"] for number in range(20)]
    assert sorted(set(posted)) == posted
