"""A PostgreSQL server that is gone or hangs for a while: said once, refused privately, and taken up again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from structlog.testing import capture_logs

from sandbox.slack import MAIL
from storage import schema
from storage.engines import engine_for
from storage.schema import MIGRATING
from storage.tables import Request
from tests import postgres_server
from tests.adapters.storage.conftest import new_postgresql, postgres
from tests.flows.breaking import rows
from tests.flows.process import Bot, bot_process, environment
from tests.flows.stage import Mailroom
from tests.flows.test_outages_noticed import begins, ends

__all__ = ["new_postgresql", "postgres"]

SLACK_WAITS = 3
ENDS_WITHIN = 10
WRONG_SETTING = 2


class Line:
    """A connection to the server that can be cut."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def up(self) -> None:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._socket)
        self._open |= {writer, back}
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer), return_exceptions=True)
        self._open -= {writer, back}


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A line to the server of this URL, which listens on a Unix socket."""
    line = Line(f"{make_url(url).query['host']}/.s.PGSQL.5432")
    await line.up()
    yield line
    await line.down()


@pytest_asyncio.fixture
async def line(outside: Mailroom, new_postgresql: str) -> AsyncIterator[Line]:
    """The bot's settings name the line instead of the server."""
    async with line_to(new_postgresql) as line:
        url = make_url(new_postgresql).set(host="127.0.0.1", port=line.port, query={})
        outside.stores_in(url.render_as_string(hide_password=False))
        yield line


@pytest.fixture
def server(outside: Mailroom, new_postgresql: str) -> Iterator[Connection]:
    """Somebody else's connection to the server that the bot's settings name."""
    outside.stores_in(new_postgresql)
    engine = create_engine(new_postgresql)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def keys(outside: Mailroom) -> dict[str, str | None]:
    """For a bot in its own process."""
    return {"MAILROOM_ENCRYPTION_KEYS": ",".join(outside.settings.encryption_keys())}


async def refuses_everybody_in_time(outside: Mailroom) -> None:
    """More at once than there are connections to the server."""
    lines = [f"/mail mailbox create john{number}@example.com" for number in range(5)]
    told = await asyncio.gather(*(person.types(MAIL, each) for person in (outside.ana, outside.ben) for each in lines))
    assert ["could not be written down" in each.text for each in told] == [True] * 10
    assert max(each["seconds"] for each in await outside.slack.envelopes("slash_commands")) < SLACK_WAITS


async def works_again(outside: Mailroom) -> None:
    assert await rows(outside, Request) == []
    await outside.ben.types(MAIL, "/mail mailbox create later@example.com")
    await outside.root(outside.ana, "Done", "later@example.com")


async def test_of_postgresql(outside: Mailroom, line: Line) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.ben.types(MAIL, "/mail status")
        await outside.at_rest()
        with capture_logs() as lines:
            await line.down()
            said = await outside.ben.types(MAIL, "/mail mailbox create john@example.com")
            assert "could not be written down" in said.text
            await begins(outside, "database")
            await line.up()
            await ends(outside, lines, "database")
        await works_again(outside)


@pytest.mark.usefixtures("server")
async def test_of_postgresql_that_is_frozen(outside: Mailroom, postgres: Engine) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.at_rest()
        with capture_logs() as lines:
            with postgres_server.frozen(postgres):
                await refuses_everybody_in_time(outside)
                await begins(outside, "database", "no answer")
            await ends(outside, lines, "database")
        await works_again(outside)


async def test_of_postgresql_where_somebody_keeps_a_lock(outside: Mailroom, server: Connection) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.at_rest()
        with capture_logs() as lines:
            server.execute(text("LOCK TABLE request IN ACCESS EXCLUSIVE MODE"))
            await refuses_everybody_in_time(outside)
            await begins(outside, "database", "no answer")
            server.rollback()
            await ends(outside, lines, "database")
        await works_again(outside)


@pytest.mark.usefixtures("server")
async def test_a_process_ends_while_postgresql_is_frozen(outside: Mailroom, postgres: Engine) -> None:
    async with bot_process(outside, **keys(outside)) as bot:
        await outside.connected(outside.ana)
        with postgres_server.frozen(postgres):
            said = await outside.ben.types(MAIL, "/mail mailbox create john@example.com")
            assert "could not be written down" in said.text
            bot.process.terminate()
            async with asyncio.timeout(ENDS_WITHIN):
                assert await bot.process.wait() == 0


async def test_a_start_that_waits_for_the_schema_s_lock_can_be_ended(outside: Mailroom, server: Connection) -> None:
    server.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
    bot = await Bot.start(environment(outside, **keys(outside)))

    async def waits() -> bool:
        waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(server.execute(waiting).scalar_one())

    try:
        await outside.until(waits, "a start that waits")
        bot.process.terminate()
        async with asyncio.timeout(ENDS_WITHIN):
            await bot.process.wait()
    finally:
        await bot.killed()


async def test_a_start_whose_rows_are_not_taken_ends_with_a_sentence(outside: Mailroom, server: Connection) -> None:
    engine = engine_for(outside.settings.database_url)
    schema.upgrade(engine)
    engine.dispose()
    server.execute(text("LOCK TABLE workspace IN ACCESS EXCLUSIVE MODE"))
    bot = await Bot.start(environment(outside, **keys(outside)))
    code, _, error = await bot.ended()
    assert (code, len(error.splitlines())) == (WRONG_SETTING, 1), error
    assert error.startswith("DATABASE_URL cannot be used: ")
