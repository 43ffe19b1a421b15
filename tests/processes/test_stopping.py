"""SIGTERM: what is in flight ends, and the rest is left for the next start, or for the others."""

import asyncio

from sqlmodel import select

from sandbox.slack import MAIL
from storage.database import Database
from storage.states import CallState
from storage.tables import Call
from tests.flows.stage import Mailroom
from tests.processes.conftest import Started
from tests.processes.rows import without_gates
from tests.processes.test_together import HURRIED, ended


async def test_a_process_that_is_told_to_end_finishes_what_is_in_flight_and_another_does_the_rest(
    outside: Mailroom, database: Database, started: Started
) -> None:
    async with started(1, HURRIED) as (first,):
        await outside.connected(outside.ana)
        await without_gates(database)
        await outside.mailapi.fault("create_mailbox_single", "latency", seconds=0.6)
        await outside.mailapi.hold_queue()
        await outside.ben.types(MAIL, "/mail mailbox create john@example.com")
        await outside.until(lambda: outside.asked("create_mailbox_single"), "the create")
        said = await ended(first)
        (call,) = await database.read(lambda session: session.exec(select(Call)).all())
        assert (call.state, call.task_id, call.leased_until) == (CallState.ACCEPTED, 1, None)
        assert '"level": "error"' not in said
    await outside.mailapi.release_queue()
    async with started(1, HURRIED) as (second,):
        await outside.completed(outside.ben)
        assert await outside.mailapi.mailboxes() == {"john@example.com": 1}
        await ended(second)


async def test_a_process_that_ends_while_commands_are_given_leaves_none_behind(
    outside: Mailroom, database: Database, started: Started
) -> None:
    addresses = [f"user{number}@example.com" for number in range(16)]
    async with started(2, HURRIED) as (first, second):
        await outside.connected(outside.ana)
        await without_gates(database)
        giving = [asyncio.create_task(outside.ben.types(MAIL, f"/mail mailbox create {each}")) for each in addresses]
        await asyncio.wait(giving, return_when=asyncio.FIRST_COMPLETED)
        await ended(first)
        told = await asyncio.gather(*giving)
        acknowledged = {each for each, answer in zip(addresses, told, strict=True) if answer.ok}
        await outside.exists(*acknowledged)
        await ended(second)
