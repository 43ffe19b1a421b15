"""A bounded number of tasks at a time, each by itself, drained at the end."""

import asyncio

import pytest
from structlog.testing import capture_logs

from bot.pool import Pool


@pytest.fixture
def pool() -> Pool:
    return Pool(size=4, share=2)


@pytest.fixture
def end() -> asyncio.Event:
    """What work of these tests waits for."""
    return asyncio.Event()


async def wait(end: asyncio.Event) -> None:
    await end.wait()


async def fail(end: asyncio.Event) -> None:
    await end.wait()
    raise LookupError("of its own")


async def settled(pool: Pool, *, free: int) -> None:
    """Wait until as many tasks may be started; time runs out with pytest's own time-out."""
    while pool.free != free:  # noqa: ASYNC110 - the pool tells nobody when a task ends
        await asyncio.sleep(0)


async def test_a_workspace_gets_its_share_and_no_more(pool: Pool, end: asyncio.Event) -> None:
    assert (pool.free, pool.room("T1"), pool.busy) == (4, 2, ())
    pool.start("T1", wait(end))
    assert (pool.free, pool.room("T1"), pool.busy) == (3, 1, ())
    pool.start("T1", wait(end))
    assert (pool.free, pool.room("T1"), pool.busy) == (2, 0, ("T1",))
    assert pool.room("T2") == 2
    end.set()
    await settled(pool, free=4)
    assert (pool.room("T1"), pool.busy) == (2, ())


async def test_a_workspace_gets_more_than_its_share_while_places_are_kept_for_others(end: asyncio.Event) -> None:
    pool = Pool(size=6, share=2, kept=3)
    assert (pool.room("T1"), pool.most) == (3, 3)
    for workspace in ("T1", "T1", "T1"):
        pool.start(workspace, wait(end))
    assert (pool.room("T1"), pool.busy) == (0, ("T1",))
    assert (pool.room("T2"), pool.most) == (2, 2)
    pool.start("T2", wait(end))
    assert (pool.room("T2"), pool.room("T3"), pool.most) == (1, 2, 1)
    end.set()
    await settled(pool, free=6)


async def test_all_workspaces_together_get_no_more_than_there_is(pool: Pool, end: asyncio.Event) -> None:
    for workspace in ("T1", "T1", "T2"):
        pool.start(workspace, wait(end))
    assert (pool.room("T2"), pool.room("T3")) == (1, 1)
    pool.start("T3", wait(end))
    assert [pool.room(workspace) for workspace in ("T1", "T2", "T3", "T4")] == [0, 0, 0, 0]
    assert pool.free == 0
    end.set()
    await settled(pool, free=4)


async def test_an_error_is_logged_and_touches_nothing_else(pool: Pool, end: asyncio.Event) -> None:
    done: list[str] = []

    async def work() -> None:
        await end.wait()
        done.append("work")

    with capture_logs() as logged:
        pool.start("T1", fail(end))
        pool.start("T1", work())
        end.set()
        await settled(pool, free=4)
    assert done == ["work"]
    assert [(entry["event"], entry["log_level"], entry["exc_info"]) for entry in logged] == [
        ("work failed", "error", True)
    ]


async def test_draining_waits_for_what_runs(pool: Pool, end: asyncio.Event) -> None:
    pool.start("T1", wait(end))
    draining = asyncio.create_task(pool.drain(60))
    await asyncio.sleep(0)
    assert not draining.done()
    end.set()
    assert await draining == 0


async def test_draining_an_idle_pool_ends_at_once(pool: Pool) -> None:
    assert await pool.drain(60) == 0


async def test_draining_cancels_what_does_not_end_and_says_how_many(pool: Pool, end: asyncio.Event) -> None:
    cancelled: list[str] = []

    async def note(workspace: str) -> None:
        try:
            await end.wait()
        except asyncio.CancelledError:
            cancelled.append(workspace)
            raise

    async def quick() -> None:
        await asyncio.sleep(0)

    works = [("T1", note("T1")), ("T2", note("T2")), ("T3", quick())]
    for workspace, work in works:
        pool.start(workspace, work)
    await settled(pool, free=2)
    assert await pool.drain(0.01) == 2
    assert sorted(cancelled) == ["T1", "T2"]


async def test_a_drained_pool_has_room_for_nothing(pool: Pool) -> None:
    await pool.drain(60)
    assert (pool.free, pool.room("T1")) == (0, 0)


async def test_a_drained_pool_starts_nothing(pool: Pool) -> None:
    await pool.drain(60)
    done = asyncio.Event()

    async def work() -> None:
        done.set()

    pool.start("T1", work())
    await asyncio.sleep(0)
    assert not done.is_set()


async def test_a_pool_that_drains_has_room_for_nothing(pool: Pool, end: asyncio.Event) -> None:
    pool.start("T1", wait(end))
    draining = asyncio.create_task(pool.drain(60))
    await asyncio.sleep(0)
    assert (pool.free, pool.room("T2")) == (0, 0)
    end.set()
    await draining
