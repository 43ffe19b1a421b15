"""Nudges between processes: heard by the others, and nothing depends on them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
import uvloop
from sqlalchemy import Engine, create_engine, text

from storage import nudging
from storage.database import Database


@dataclass
class Process:
    """One that listens: how often it heard somebody, and how it nudges."""

    nudge: Callable[[], None] = field(init=False)
    heard: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self) -> None:
        self.heard += 1
        self._changed.set()

    async def until(self, heard: int) -> None:
        async with asyncio.timeout(20):
            while self.heard < heard:
                self._changed.clear()
                await self._changed.wait()


@asynccontextmanager
async def listening(url: str, processes: int) -> AsyncIterator[list[Process]]:
    """So many processes, each of which has heard once: it begins with that."""
    async with AsyncExitStack() as stack:
        found = [Process() for _ in range(processes)]
        for process in found:
            database = Database.open(url)
            stack.callback(database.close)
            process.nudge = await stack.enter_async_context(nudging.carried(database, process.hear))
        for process in found:
            await process.until(1)
        yield found


async def test_a_nudge_is_heard_by_all_others_and_not_by_the_one_who_gave_it(postgresql: str) -> None:
    async with listening(postgresql, 3) as (one, two, three):
        one.nudge()
        await asyncio.gather(two.until(2), three.until(2))
        two.nudge()
        await asyncio.gather(one.until(2), three.until(3))
    assert [one.heard, two.heard, three.heard] == [2, 2, 3]


async def test_nudges_of_one_moment_are_one(postgresql: str) -> None:
    async with listening(postgresql, 2) as (one, two):
        for _ in range(50):
            one.nudge()
        await two.until(2)
        two.nudge()
        await one.until(2)
    assert two.heard == 2


async def test_a_connection_that_breaks_is_made_again(postgresql: str, terminated: Callable[[], int]) -> None:
    async with listening(postgresql, 2) as (one, two):
        assert terminated() == 2
        await asyncio.gather(one.until(2), two.until(2))
        one.nudge()
        await two.until(3)


async def test_a_server_that_is_out_of_reach_costs_nothing_but_the_nudge(tmp_path: object) -> None:
    process, database = Process(), Database.open(f"postgresql+psycopg://mailroom:secret@/mailroom?host={tmp_path}")
    async with nudging.carried(database, process.hear) as nudge:
        nudge()
    database.close()
    assert process.heard == 0


async def test_on_sqlite_there_is_nobody_to_nudge(sqlite: str) -> None:
    process, database = Process(), Database.open(sqlite)
    async with nudging.carried(database, process.hear) as nudge:
        nudge()
    database.close()
    assert process.heard == 0


def test_it_works_on_the_loop_that_the_bot_runs_on(postgresql: str) -> None:
    async def between_two() -> int:
        async with listening(postgresql, 2) as (one, two):
            one.nudge()
            await two.until(2)
            return two.heard

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(between_two()) == 2


@pytest.fixture
def terminated(postgresql: str) -> Callable[[], int]:
    """End all connections that listen, as an administrator does; gives how many."""

    def terminate() -> int:
        engine: Engine = create_engine(postgresql, isolation_level="AUTOCOMMIT")
        listens = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        with engine.connect() as connection:
            ended = len(connection.execute(text(listens)).all())
        engine.dispose()
        return ended

    return terminate
