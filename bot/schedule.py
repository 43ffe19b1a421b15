"""What the bot does by the clock: APScheduler's jobs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.pool import Pool

Work = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Job:
    """Work to do `every` so long; first so long `after` the start, by default as long."""

    name: str
    work: Work
    every: timedelta
    after: timedelta | None = None


@asynccontextmanager
async def kept(jobs: Sequence[Job], pool: Pool) -> AsyncIterator[None]:
    """Hand each job over to `pool` whenever it is due, until the block ends; what was handed over may go on.

    APScheduler's own shutdown cancels what it runs, and tells that as an error.
    """
    scheduler = AsyncIOScheduler(timezone="UTC")
    now = datetime.now(UTC)
    for job in jobs:
        scheduler.add_job(
            _hand_over,
            "interval",
            args=[pool, job.work],
            name=job.name,
            seconds=job.every.total_seconds(),
            next_run_time=now + (job.every if job.after is None else job.after),
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
    scheduler.start()
    try:
        yield
    finally:
        scheduler.pause()
        await asyncio.sleep(0)  # what it has just begun is handed over
        scheduler.shutdown(wait=False)


async def _hand_over(pool: Pool, work: Work) -> None:
    pool.start("", work())
