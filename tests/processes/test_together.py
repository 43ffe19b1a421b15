"""Three processes on one PostgreSQL, one of which is killed and one stands still: nothing lost, nothing twice."""

import asyncio
import re
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlmodel import Session, col, select

from sandbox.slack import MAIL, Message
from storage.calls import CLAIMED
from storage.database import Database
from storage.notices import UNSETTLED
from storage.states import OPEN_CALLS, OPEN_REQUESTS, CallState
from storage.tables import Call, Notice, Request
from tests.flows.process import Bot
from tests.flows.stage import Mailroom
from tests.processes.conftest import Started
from tests.processes.rows import without_gates

HURRIED = "tests.processes.hurried"
BATCH = 8


@dataclass
class Given:
    """The commands that were given, and which of them were acknowledged."""

    mailroom: Mailroom
    acknowledged: list[str]
    numbers: Any

    async def more(self, times: int) -> None:
        """So many at the same moment, each for a mailbox of its own."""
        await asyncio.gather(*(self._one(f"user{next(self.numbers)}@example.com") for _ in range(times)))

    async def _one(self, address: str) -> None:
        told = await self.mailroom.ben.types(MAIL, f"/mail mailbox create {address}")
        if told.ok and "could not be written down" not in told.text:  # as what the frozen process has locked is
            assert "Asked for" in told.text
            self.acknowledged.append(address)


async def slow(outside: Mailroom) -> None:
    """Let every call take a little, so that each moment finds some under way."""
    await outside.mailapi.fault("any", "latency", times=None, seconds=0.05)
    await outside.slack.fault("*", "latency", times=100_000, seconds=0.05)


async def test_of_three_processes_one_is_killed_and_one_stands_still(
    outside: Mailroom, database: Database, started: Started
) -> None:
    async with started(3, HURRIED) as (killed, frozen, well):  # at the same moment, on an empty database
        await outside.connected(outside.ana)
        await without_gates(database)
        await slow(outside)
        given = Given(outside, [], count(1))
        await given.more(BATCH)
        giving = asyncio.create_task(given.more(BATCH))
        await until_under_way(outside, database)
        frozen.process.send_signal(signal.SIGSTOP)
        killed.process.kill()
        await giving
        before = len(await outside.slack.envelopes())
        await given.more(BATCH)
        await outside.slack.until(lambda: rests(database), seconds=40, what="the one that is well to do it all")
        frozen.process.send_signal(signal.SIGCONT)
        await until_awake(outside, given, before)
        await outside.slack.until(lambda: rests(database), seconds=40, what="both to rest")
        said = await ended(well, frozen)
    assert len(given.acknowledged) >= BATCH
    await assert_nothing_lost_and_nothing_twice(outside, database, given.acknowledged)
    assert "Traceback" not in said, said


async def until_under_way(outside: Mailroom, database: Database) -> None:
    """Something is being sent to MailAPI, and something to Slack."""

    def look(session: Session) -> bool:
        sending = session.exec(select(Call.id).where(Call.state == CallState.SENDING)).first()
        telling = session.exec(select(Notice.id).where(Notice.state == "sending")).first()
        return sending is not None and telling is not None

    await outside.until(lambda: database.read(look), "work under way")


async def rests(database: Database) -> bool:
    """Whether all requests have an end, or a question to a person, and nothing is still to be told."""

    def look(session: Session) -> bool:
        asked = select(Call.request_id).where(Call.state == CallState.UNKNOWN, col(Call.due_at).is_(None))
        open_ = select(Request.id).where(col(Request.state).in_(OPEN_REQUESTS), col(Request.id).not_in(asked))
        owed = select(Notice.id).where(col(Notice.state).in_(UNSETTLED))
        return session.exec(open_).first() is None and session.exec(owed).first() is None

    return await database.read(look)


async def until_awake(outside: Mailroom, given: Given, after: int) -> None:
    """Commands are given until each connection that is open has answered one."""

    async def both_answer() -> bool:
        await given.more(2)
        answered = [each for each in await outside.slack.envelopes(after=after) if each["ack"] is not None]
        return len({each["connection"] for each in answered}) >= 2

    await outside.slack.until(both_answer, seconds=20, what="an answer of the process that stood still")


async def ended(*bots: Bot) -> str:
    """What they have logged by their end, to which they come by themselves."""
    for bot in bots:
        bot.process.terminate()
    ends = [await bot.ended() for bot in bots]
    assert [code for code, _, _ in ends] == [0] * len(bots), ends
    return "\n".join(errors for _, _, errors in ends)


async def assert_nothing_lost_and_nothing_twice(
    outside: Mailroom, database: Database, acknowledged: Sequence[str]
) -> None:
    made = await outside.mailapi.mailboxes()
    assert {address: times for address, times in made.items() if times != 1} == {}
    roots = [message for message in await outside.ana.sees(MAIL) if not message.ephemeral]
    threads = {root.ts: await outside.ana.reads_thread(MAIL, root.ts) for root in roots}
    told = Counter(_address(root) for root in roots for reply in threads[root.ts] if "created" in reply.text)
    assert {address: times for address, times in told.items() if times != 1} == {}
    asked = {_address(root) for root in roots if any("Send Again" in r.buttons for r in threads[root.ts])}
    lost = set(acknowledged) - set(told) - asked
    assert lost == set(), {_address(r): (r.visible, threads[r.ts]) for r in roots if _address(r) in lost}
    assert set(told) <= set(made)
    assert Counter(_address(root) for root in roots).most_common(1)[0][1] == 1
    assert await database.read(lambda session: session.exec(select(Call).where(_stuck())).all()) == []


def _stuck() -> Any:
    """A call on which nobody works, and about which nobody was asked."""
    nobody = col(Call.due_at).is_(None) & (col(Call.state) != CallState.UNKNOWN)
    return col(Call.state).in_(OPEN_CALLS) & (nobody | col(Call.state).not_in(CLAIMED))


def _address(root: Message) -> str:
    found = re.search(r"user\d+@example\.com", root.visible)
    assert found is not None, root.visible
    return found[0]
