"""PostgreSQL: a card is begun in the moment in which what it says changes, and is brought up to date all the same."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, create_engine, text

from sandbox.slack import GENERAL, MAIL
from storage.states import NoticeState
from storage.tables import Notice
from tests.adapters.storage.conftest import new_postgresql, postgres
from tests.flows.breaking import rows
from tests.flows.stage import FAST, Mailroom

__all__ = ["new_postgresql", "postgres"]

PAUSE = timedelta(seconds=20)
"""How long a channel takes nothing after a post; shorter than a lease."""


@pytest.fixture
def server(outside: Mailroom, new_postgresql: str) -> Iterator[Connection]:
    """Somebody else's connection to the server that the bot's settings name."""
    outside.stores_in(new_postgresql)
    engine = create_engine(new_postgresql)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


async def is_owed(mailroom: Mailroom, *kinds: str) -> None:
    """Wait until these wait for the end of a pause."""

    async def waits() -> bool:
        return sorted(each.kind for each in await rows(mailroom, Notice) if each.state is NoticeState.OWED) == [*kinds]

    await mailroom.until(waits, f"{kinds} to be told")


@contextmanager
def held_up(server: Connection) -> Iterator[None]:
    """Whatever is written into the audit waits with its transaction for the end of the block."""
    server.execute(text("SELECT id FROM workspace FOR NO KEY UPDATE"))
    yield
    server.rollback()


async def waits(mailroom: Mailroom, server: Connection) -> None:
    """Wait until a transaction is held up."""
    locks = text("SELECT count(*) FROM pg_locks WHERE NOT granted")

    async def is_held_up() -> bool:
        await asyncio.sleep(0.01)
        return bool(server.execute(locks).scalar_one())

    await mailroom.until(is_held_up, "a transaction that is held up")


async def test_a_card_that_is_begun_while_its_request_ends_shows_the_end(outside: Mailroom, server: Connection) -> None:
    outside.pace = replace(FAST, posts=(1, PAUSE))
    await outside.slack.invite_bot(GENERAL)
    await outside.mailapi.set_speed(mailbox_seconds=0.01, domain_seconds=1_000)
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.mailapi.hold_queue()
        for channel, said in ((MAIL, "one.example"), (GENERAL, "two.example")):
            await outside.ben.types(channel, f"/mail domain create {said}")
            await outside.root(outside.ben, said, channel=channel)
        await outside.ben.types(MAIL, "/mail mailbox create john@example.com")
        await outside.ben.types(GENERAL, "/mail domain create three.example")
        await is_owed(outside, "root", "root")
        with held_up(server):
            await outside.mailapi.release_queue()
            await waits(outside, server)
            await outside.clock_ahead(seconds=PAUSE.total_seconds())
            await outside.root(outside.ben, "three.example", channel=GENERAL)
        await outside.root(outside.ana, "Done", "john@example.com")
