"""The page's own part of the control API, and that nobody who waits for news holds the server up."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from sandbox.serving import serve
from sandbox.slack import ANA, BEN, MAIL, Impossible, Playground, SlackControl, create_app

KEY = "Q7f3Kp9Zx2Lm5Nv8Rt1Wy4Bc6Dg0Hj3S"


async def test_a_server_ends_at_once_though_somebody_waits_for_news(caplog: pytest.LogCaptureFixture) -> None:
    async with AsyncExitStack() as server:
        app = create_app()
        url = await server.enter_async_context(serve(app, leave=app.leave))
        async with SlackControl(url) as slack:
            waiting = asyncio.create_task(slack.journal(after=0, wait=20))
            await slack.ask("journal_end")
            started = time.monotonic()
            await server.aclose()
            assert await waiting == []
    assert time.monotonic() - started < 1
    assert not caplog.records


async def test_a_slack_alone_has_nothing_else_to_play_with() -> None:
    async with serve(create_app()) as url, SlackControl(url) as slack:
        offered = await slack.ask("playground")
        assert (offered["bot_control"], offered["mailapi"], offered["usages"]) == (False, False, [])
        for word in ("kills_bot", "restarts_bot", "mailapi"):
            with pytest.raises(Impossible):
                await slack.ask(word)


async def test_the_wire_names_people_and_shows_no_key() -> None:
    async def requests(_after: int) -> list[dict[str, object]]:
        asked = {"number": 1, "at": time.time(), "endpoint": "list_domain", "status": None, "applied": False}
        return [asked | {"parameters": {"key": "Q7f3…"}}]

    async with serve(create_app(playground=Playground(wire=requests))) as url, SlackControl(url) as slack:
        await slack.person(BEN).types(MAIL, f"/mail connect {KEY} <@{ANA}>")
        envelope, request = await slack.ask("wire")
    assert envelope["about"] == "/mail connect Q7f3… @ana"
    assert envelope["result"] == "dispatch_failed"
    assert (request["about"], request["result"], request["good"]) == ("key: Q7f3…", "no answer", False)


async def test_what_is_new_is_counted_for_each_person() -> None:
    async with serve(create_app()) as url, SlackControl(url) as slack:
        said = await slack.person(BEN).says(MAIL, f"For <@{ANA}>")
        await slack.person(BEN).says(MAIL, f"Again <@{ANA}>", said.ts)
        everything = {"read": {}, "since": "0"}
        mail = {each["id"]: each for each in await slack.ask("sidebar", user=ANA, **everything)}[MAIL]
        assert (mail["new"], mail["calling"]) == (1, 2)
        seen = {"read": {MAIL: said.ts, f"{MAIL}/{said.ts}": "9"}, "since": "0"}
        mail = {each["id"]: each for each in await slack.ask("sidebar", user=ANA, **seen)}[MAIL]
        assert (mail["new"], mail["calling"]) == (0, 0)
        root, reply = await slack.ask("conversation", user=ANA, channel=MAIL, thread=said.ts, **everything)
        assert (root["new_replies"], reply["text"]) == (1, f"Again <@{ANA}>")
