"""Several processes of the bot on one PostgreSQL, between sandboxes that no other test uses."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio
from sqlalchemy import Engine

from sandbox.mailapi import create_app as create_mailapi
from sandbox.serving import serve
from sandbox.slack import create_app as create_slack
from storage.database import Database
from tests import postgres_server
from tests.flows import stage
from tests.flows.process import Bot, environment
from tests.flows.stage import Mailroom


class Started(Protocol):
    """Starts so many processes at the same moment, and ends those that the test has not ended."""

    def __call__(self, processes: int, program: str = "bot") -> AbstractAsyncContextManager[list[Bot]]: ...


@pytest.fixture(scope="session")
def server() -> Iterator[Engine]:
    """A PostgreSQL server, as its administrator."""
    with postgres_server.running() as engine:
        yield engine


@pytest.fixture
def postgresql(server: Engine) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with postgres_server.new_database(server) as url:
        yield url


@pytest_asyncio.fixture
async def outside(postgresql: str, tmp_path: Path) -> AsyncIterator[Mailroom]:
    """New sandboxes, and the settings of a bot that is not started."""
    async with (
        serve(create_slack()) as slack_url,
        serve(create_mailapi()) as mailapi_url,
        stage.outside(slack_url, mailapi_url, tmp_path, "socket") as mailroom,
    ):
        mailroom.stores_in(postgresql)
        yield mailroom


@pytest.fixture
def database(postgresql: str) -> Iterator[Database]:
    """The rows that the processes share."""
    database = Database.open(postgresql)
    yield database
    database.close()


@pytest.fixture
def started(outside: Mailroom) -> Started:
    """What starts processes on `outside`."""

    @asynccontextmanager
    async def start(processes: int, program: str = "bot") -> AsyncIterator[list[Bot]]:
        keys = outside.settings.encryption_keys()
        variables = environment(outside, MAILROOM_ENCRYPTION_KEYS=",".join(keys), MAILROOM_SOCKET_CONNECTIONS="1")

        async def all_connected() -> bool:
            return await outside.slack.connections() >= processes

        bots = [await Bot.start(variables, program) for _ in range(processes)]
        try:
            await outside.slack.until(all_connected, seconds=60, what="a connection of each process")
            yield bots
        finally:
            for bot in bots:
                await bot.killed()

    return start
