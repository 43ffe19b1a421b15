"""What a person and a workspace may do, where two processes take what they ask for at the same moment."""

import asyncio

from sqlmodel import Session, select

from sandbox.slack import MAIL
from sandbox.slack.person import Person
from storage.database import Database
from storage.tables import Process, Request
from tests.flows.process import Bot, environment
from tests.flows.stage import Mailroom
from tests.processes.rows import without_gates

PROCESSES = 2
A_MINUTE, OPEN, MANY = 12, 5, 30


async def start(outside: Mailroom) -> Bot:
    limits = {"MAILROOM_COMMANDS_A_MINUTE": str(A_MINUTE), "MAILROOM_OPEN_REQUESTS": str(OPEN)}
    keys = {"MAILROOM_ENCRYPTION_KEYS": ",".join(outside.settings.encryption_keys())}
    return await Bot.start(environment(outside, MAILROOM_SOCKET_CONNECTIONS="1", **keys, **limits))


async def know_each_other(database: Database) -> bool:
    """Whether each process was seen since the last one started, and so counts both."""

    def look(session: Session) -> bool:
        found = session.exec(select(Process)).all()
        newest = max((each.started_at for each in found), default=None)
        return len(found) == PROCESSES and newest is not None and all(each.seen_at > newest for each in found)

    return await database.read(look)


async def asks(person: Person, number: int) -> str:
    return (await person.types(MAIL, f"/mail mailbox create {person.id.lower()}{number}@example.com")).text


async def test_both_together_allow_no_more_than_one_would(outside: Mailroom, database: Database) -> None:
    bots = [await start(outside) for _ in range(PROCESSES)]
    try:
        await outside.slack.until(
            lambda: both_connected(outside, database), seconds=60, what="two processes that know each other"
        )
        await outside.connected(outside.ana)
        await without_gates(database)
        await outside.mailapi.hold_queue()
        people = (outside.ana, outside.ben)
        # One after the other, so that Slack, which goes round its connections, gives each process half of each one's.
        told = await asyncio.gather(*(asks(person, number) for person in people for number in range(MANY)))
        for said in (told[:MANY], told[MANY:]):
            allowed = [text for text in said if "more than Mailroom takes from one person" not in text]
            assert 0 < len(allowed) <= A_MINUTE
        assert len([text for text in told if "Asked for" in text]) == OPEN
        assert len(await database.read(lambda session: session.exec(select(Request)).all())) == OPEN
    finally:
        for bot in bots:
            await bot.killed()


async def both_connected(outside: Mailroom, database: Database) -> bool:
    return await outside.slack.connections() >= PROCESSES and await know_each_other(database)
