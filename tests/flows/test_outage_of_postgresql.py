"""A PostgreSQL server that is gone for a while: said once, refused privately, and taken up again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest_asyncio
from pydantic import SecretStr
from sqlalchemy import make_url
from structlog.testing import capture_logs

from sandbox.slack import MAIL
from storage.encryption import generate_key
from storage.tables import Request
from tests.adapters.storage.conftest import new_postgresql, postgres
from tests.flows.breaking import rows
from tests.flows.stage import Mailroom
from tests.flows.test_outages_noticed import begins, ends

__all__ = ["new_postgresql", "postgres"]


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
        changes = {
            "database_url": url.render_as_string(hide_password=False),
            "mailroom_encryption_keys": SecretStr(generate_key()),
        }
        outside.settings = outside.settings.model_copy(update=changes)
        yield line


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
        assert await rows(outside, Request) == []
        await outside.ben.types(MAIL, "/mail mailbox create later@example.com")
        await outside.root(outside.ana, "Done", "later@example.com")
