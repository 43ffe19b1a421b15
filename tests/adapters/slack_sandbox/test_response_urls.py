from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from sandbox.slack import ANA, ATTIC, BEN, BOT, GENERAL, MAIL, SlackControl

Answered = tuple[int, str]


@pytest_asyncio.fixture(loop_scope="session")
async def url(running: Any, slack: SlackControl) -> str:
    await slack.person(ANA).types(GENERAL, "/mail help")
    return str(running.of("command")[0]["response_url"])


async def post(session: aiohttp.ClientSession, url: str, **answer: Any) -> Answered:
    async with session.post(url, json=answer) as response:
        return response.status, await response.text()


async def test_an_answer_is_private_at_first_and_works_where_the_bot_is_no_member(
    url: str, session: aiohttp.ClientSession, slack: SlackControl
) -> None:
    assert await post(session, url, text="psst") == (200, "ok")
    assert await post(session, url, text="all", response_type="in_channel") == (200, "ok")
    seen = [(message.text, message.ephemeral) for message in await slack.person(ANA).sees(GENERAL)]
    assert seen == [("psst", True), ("all", False)]
    assert [message.text for message in await slack.person(BEN).sees(GENERAL)] == ["all"]


async def test_it_is_used_up_after_five_answers(url: str, session: aiohttp.ClientSession) -> None:
    assert [await post(session, url, text=str(n)) for n in range(5)] == [(200, "ok")] * 5
    assert await post(session, url, text="6") == (404, "used_url")


async def test_it_expires_after_half_an_hour(url: str, session: aiohttp.ClientSession, slack: SlackControl) -> None:
    await slack.advance_clock(1799)
    assert await post(session, url, text="in time") == (200, "ok")
    await slack.advance_clock(2)
    assert await post(session, url, text="late") == (404, "expired_url")


async def test_what_is_refused_is_named(url: str, session: aiohttp.ClientSession, slack: SlackControl) -> None:
    assert await post(session, url) == (400, "no_text")
    assert await post(session, url, blocks=[{"type": "carousel"}]) == (400, "invalid_blocks")
    assert await post(session, url, delete_original=True) == (400, "message_not_found")
    await slack.archive(GENERAL)
    assert await post(session, url, text="x") == (400, "is_archived")
    for nonsense in ("{", "[]"):
        async with session.post(url, data=nonsense) as response:
            assert (response.status, await response.text()) == (400, "invalid_payload")


async def test_an_unknown_url_has_expired(session: aiohttp.ClientSession, slack: SlackControl) -> None:
    assert await post(session, f"{slack.base_url}/commands/T/none", text="x") == (404, "expired_url")


async def test_an_answer_goes_into_a_thread(url: str, session: aiohttp.ClientSession, slack: SlackControl) -> None:
    ana = slack.person(ANA)
    root = (await ana.says(GENERAL, "root")).ts
    assert root
    await post(session, url, text="below", thread_ts=root, response_type="in_channel")
    assert [(message.text, message.user) for message in await ana.reads_thread(GENERAL, root)] == [("below", BOT)]
    assert await post(session, url, text="x", thread_ts="1.1") == (400, "thread_not_found")


async def test_a_click_may_replace_or_delete_its_message(
    running: Any, session: aiohttp.ClientSession, slack: SlackControl
) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    ana = slack.person(ANA)
    for user in (ANA, None):
        post_ = running.client.chat_postEphemeral if user else running.client.chat_postMessage
        more = {"user": user} if user else {}
        await post_(channel=MAIL, text="x", blocks=[{"type": "actions", "elements": [button]}], **more)
        message = (await ana.sees(MAIL))[-1]
        await ana.clicks(message, "Go")
        url = running.of("action")[-1]["response_url"]
        assert await post(session, url, text="replaced", replace_original=True) == (200, "ok")
        assert (await ana.sees(MAIL))[-1].visible == "replaced"
        assert (await ana.sees(MAIL))[-1].ts == message.ts
        assert await post(session, url, delete_original=True) == (200, "ok")
        assert await ana.sees(MAIL) == []


async def test_it_can_fail_on_demand(url: str, session: aiohttp.ClientSession, slack: SlackControl) -> None:
    await slack.fault("response_url", "drop_after")
    with pytest.raises(aiohttp.ClientError):
        await post(session, url, text="said")
    await slack.fault("response_url", "ratelimited", retry_after=3)
    assert (await post(session, url, text="not said"))[0] == 429
    assert [message.text for message in await slack.person(ANA).sees(GENERAL)] == ["said"]


async def test_nobody_types_in_an_archived_channel(running: Any, slack: SlackControl) -> None:
    with pytest.raises(Exception, match="archived"):
        await slack.person(ANA).types(ATTIC, "/mail help")
    assert running.received == []
