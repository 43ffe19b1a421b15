"""What MailAPI has answered is written down, however long the database takes nothing meanwhile."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text

from sandbox.slack import MAIL
from storage.states import CallState
from storage.tables import Call
from tests.adapters.storage.conftest import new_postgresql, postgres
from tests.flows.breaking import rows
from tests.flows.stage import Mailroom
from tests.logged import logged

__all__ = ["new_postgresql", "postgres"]

LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "LOCK TABLE call IN EXCLUSIVE MODE"}


@pytest.fixture
def told() -> Iterator[io.StringIO]:
    with logged("json") as written:
        yield written


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Somebody else writes, and does not come to an end."""
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text(LOCKS[engine.dialect.name]))
        yield
        connection.rollback()
    engine.dispose()


@pytest.mark.parametrize("database", LOCKS)
async def test_a_task_that_mailapi_named_while_the_database_was_locked_is_watched(
    outside: Mailroom, told: io.StringIO, database: str, request: pytest.FixtureRequest
) -> None:
    if database == "postgresql":
        outside.stores_in(request.getfixturevalue("new_postgresql"))
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.mailapi.hold_queue()
        await outside.mailapi.fault("create_mailbox_single", "latency", seconds=0.5)
        await outside.ben.types(MAIL, "/mail mailbox create john@example.com")

        async def out() -> bool:
            return bool(await outside.asked("create_mailbox_single"))

        async def waits() -> bool:
            return "an answer waits to be written down" in told.getvalue()

        await outside.until(out, "the create")
        with locked(outside.settings.database_url):
            await outside.until(waits, "the answer that cannot be written")
            assert '"task": 1' in told.getvalue()
        await outside.made("create_mailbox_single")
        (call,) = await rows(outside, Call)
        assert (call.state, call.task_id, call.grew_at) == (CallState.ACCEPTED, 1, None)
        await outside.mailapi.release_queue()
        await outside.completed(outside.ben)
        assert await outside.mailapi.mailboxes() == {"john@example.com": 1}
