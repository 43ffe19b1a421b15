import asyncio
from datetime import timedelta

import pytest

from bot.worker.turns import Turns


async def test_one_is_out_at_a_time_first_come_first_served() -> None:
    turns, out, order = Turns(timedelta(minutes=1)), 0, []

    async def take(number: int) -> None:
        nonlocal out
        async with turns.one():
            out += 1
            assert out == 1
            order.append(number)
            await asyncio.sleep(0)
            out -= 1

    await asyncio.gather(*(take(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]


async def test_one_that_gets_no_answer_does_not_keep_the_others_waiting() -> None:
    turns, answered, second = Turns(timedelta(milliseconds=10)), asyncio.Event(), asyncio.Event()

    async def without_answer() -> None:
        async with turns.one():
            await answered.wait()

    async def next_one() -> None:
        async with turns.one():
            second.set()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(without_answer())
        group.create_task(next_one())
        await second.wait()
        answered.set()
    async with asyncio.timeout(5), turns.one():
        assert second.is_set()


async def test_an_error_ends_the_turn() -> None:
    turns = Turns(timedelta(minutes=1))
    with pytest.raises(ZeroDivisionError):
        async with turns.one():
            _ = 1 / 0
    async with asyncio.timeout(5), turns.one():
        pass
