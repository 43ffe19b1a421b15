"""Slack has taken a message, and the database takes nothing: the answer is kept until it can be written down."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from bot import app
from sandbox.slack import MAIL, Message
from storage.states import NoticeState
from storage.tables import Notice
from tests.flows.breaking import rows
from tests.flows.stage import Mailroom
from tests.flows.test_outages_noticed import READ_ONLY, spoilt

LINE = "/mail mailbox create john@example.com"


@pytest_asyncio.fixture
async def root(mailroom: Mailroom) -> Message:
    """The card of a request of which nothing but its end is to be told, where the bot may not read."""
    await mailroom.slack.may_read(allowed=False)
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    card = await mailroom.root(mailroom.ana, "In progress")
    await mailroom.passes(seconds=5)
    await mailroom.at_rest()
    return card


async def is_being_posted(mailroom: Mailroom) -> None:
    """The request ends, and Slack takes its time for the completion."""
    await mailroom.slack.fault("chat.postMessage", "latency", seconds=0.5, where={"channel": MAIL})
    await mailroom.mailapi.release_queue()

    await mailroom.until(partial(stands, mailroom, NoticeState.SENDING), "the completion being posted")


async def completion(mailroom: Mailroom) -> Notice | None:
    return next((each for each in await rows(mailroom, Notice) if each.kind == "thread"), None)


async def stands(mailroom: Mailroom, state: NoticeState) -> bool:
    """Whether the completion is in this state."""
    found = await completion(mailroom)
    return found is not None and found.state is state


async def is_kept(mailroom: Mailroom, lines: list[Any]) -> None:
    """Wait until the answer about the completion could not be written down."""
    found = await completion(mailroom)
    assert found is not None

    async def was_not_written() -> bool:
        return found.id in [
            line.get("notice") for line in lines if line["event"] == "an answer waits to be written down"
        ]

    await mailroom.until(was_not_written, "an answer that cannot be written down")


@pytest.mark.parametrize("away", [timedelta(), timedelta(seconds=31)], ids=["for a moment", "for longer than a lease"])
async def test_a_completion_is_told_once_though_the_database_was_away(
    mailroom: Mailroom, root: Message, away: timedelta
) -> None:
    await is_being_posted(mailroom)
    with capture_logs() as lines, spoilt(mailroom, *READ_ONLY):
        await is_kept(mailroom, lines)
        await mailroom.clock_ahead(seconds=away.total_seconds())

    async def is_told() -> bool:
        await mailroom.clock_ahead(seconds=0.1)
        return await stands(mailroom, NoticeState.TOLD)

    await mailroom.until(is_told, "the completion noted as told")
    for _ in range(3):
        await mailroom.passes(seconds=15)
    await mailroom.at_rest()
    assert len(await mailroom.ana.reads_thread(MAIL, root.ts)) == 1


async def test_the_bot_ends_in_time_with_an_answer_in_hand(outside: Mailroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "DRAIN_SECONDS", 0.2)
    async with asyncio.timeout(20):
        async with outside.running():
            await outside.connected(outside.ana)
            await outside.without_gates()
            await outside.mailapi.hold_queue()
            await outside.ben.types(MAIL, LINE)
            await outside.root(outside.ana, "In progress")
            await is_being_posted(outside)
            with capture_logs() as lines, spoilt(outside, READ_ONLY[0], READ_ONLY[0]):
                await is_kept(outside, lines)
