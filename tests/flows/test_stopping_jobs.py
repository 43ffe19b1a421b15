"""What the scheduler begins while the bot ends: it is told to nobody as a failure, and it may end."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot import app
from bot.retention import Retention
from bot.shutdown import Shutdown
from tests.flows.stage import Mailroom
from tests.logged import logged

ERROR = '"level": "error"'


def at_once(look: Callable[[], None]) -> None:
    look()


def in_a_moment(look: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(look)


@pytest.mark.parametrize("when", [at_once, in_a_moment])
async def test_what_is_due_in_the_moment_of_the_end_is_no_failure(
    outside: Mailroom, when: Callable[[Callable[[], None]], None]
) -> None:
    schedulers: list[AsyncIOScheduler] = []
    looked: list[int] = []
    start, begin = AsyncIOScheduler.start, Shutdown.begin

    def noted(scheduler: AsyncIOScheduler) -> None:
        schedulers.append(scheduler)
        start(scheduler)

    def look() -> None:
        looked.append(len(schedulers[0].get_jobs()))
        schedulers[0]._process_jobs()  # noqa: SLF001 - its own timer may come in this very moment

    def come_due(shutdown: Shutdown) -> None:
        for job in schedulers[0].get_jobs():
            job.modify(next_run_time=job.next_run_time - job.trigger.interval)
        when(look)
        begin(shutdown)

    with (
        logged("json") as told,
        patch.object(AsyncIOScheduler, "start", noted),
        patch.object(Shutdown, "begin", come_due),
    ):
        async with outside.running():
            pass
    assert looked[0] > 1
    assert ERROR not in told.getvalue()


async def test_pruning_that_is_under_way_may_end(outside: Mailroom) -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    prune = Retention.prune

    async def slowly(retention: Retention) -> None:
        began.set()
        await asyncio.sleep(0.1)
        await prune(retention)
        ended.set()

    with (
        logged("json") as told,
        patch.object(app, "PRUNED_AFTER", timedelta(0)),
        patch.object(Retention, "prune", slowly),
    ):
        async with outside.running():
            await asyncio.wait_for(began.wait(), 5)
    assert ended.is_set()
    assert ERROR not in told.getvalue()
