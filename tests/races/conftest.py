"""The bot in one process on SQLite, and in two on one PostgreSQL, for all races."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from sandbox.mailapi import create_app as create_mailapi
from sandbox.serving import serve
from sandbox.slack import create_app as create_slack
from storage.database import Database
from storage.encryption import generate_key
from tests import postgres_server
from tests.flows import stage
from tests.flows.process import Bot, environment
from tests.flows.stage import Mailroom
from tests.races.arena import TOGETHER, Arena

PROCESSES = 2
ACK_SECONDS = 30.0
"""Slack would wait for 3 s: how fast clicks are acknowledged is measured elsewhere, and this machine may be busy."""
MANY = "1000000"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was played: `make races` is run for that."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name == "race":
                terminalreporter.write_line(f"{report.nodeid.partition('::')[2]}: {value}")


@pytest.fixture(scope="module")
def rounds() -> int:
    """How many rounds each race has; `make races` plays all that are promised."""
    return int(os.environ.get("RACE_ROUNDS", "2"))


@pytest.fixture(scope="module")
def few_rounds(rounds: int) -> int:
    """How many rounds those races have of which fewer are promised."""
    return max(rounds // 4, 2)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with postgres_server.running() as administrator, postgres_server.new_database(administrator) as url:
        yield url


@pytest_asyncio.fixture(scope="module")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mailroom]:
    """Sandboxes that no other test uses, and the settings of a bot that takes as many clicks as come."""
    folder = tmp_path_factory.mktemp("races")
    async with (
        serve(create_slack()) as slack_url,
        serve(create_mailapi()) as mailapi_url,
        stage.outside(slack_url, mailapi_url, folder, "socket") as mailroom,
    ):
        mailroom.settings = mailroom.settings.model_copy(update={"mailroom_commands_a_minute": int(MANY)})
        yield mailroom


@pytest_asyncio.fixture(scope="module", params=["sqlite", "postgresql"])
async def arena(request: pytest.FixtureRequest, outside: Mailroom) -> AsyncIterator[Arena]:
    """Everybody in place: a key in force, and people who may approve."""
    started = _one_process(outside) if request.param == "sqlite" else _two_processes(outside, request)
    async with started as (database, processes):
        await outside.slack.settings(ack_seconds=ACK_SECONDS)
        await outside.connected(outside.ana)
        admins = [(f"U0ADMIN{number:02}", f"admin{number}") for number in range(TOGETHER + 1)]
        colleagues = [await outside.slack.add_user(user, name, is_admin=True) for user, name in admins]
        yield Arena(outside, database, processes=processes, colleagues=colleagues)


@asynccontextmanager
async def _one_process(outside: Mailroom) -> AsyncIterator[tuple[Database, int]]:
    async with outside.running() as bot:
        yield bot.database, 1


@asynccontextmanager
async def _two_processes(outside: Mailroom, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Database, int]]:
    """Both start at once, on an empty database; at their end they have nothing to complain about."""
    await outside.slack.reset()
    await outside.mailapi.reset()
    await outside.mailapi.add_account(stage.KEY, stage.CALLER_ID)
    url: str = request.getfixturevalue("postgresql")
    variables = environment(
        outside,
        DATABASE_URL=url,
        MAILROOM_ENCRYPTION_KEYS=generate_key(),
        MAILROOM_SOCKET_CONNECTIONS="1",
        MAILROOM_COMMANDS_A_MINUTE=MANY,
    )
    bots = [await Bot.start(variables) for _ in range(PROCESSES)]
    database = Database.open(url)
    try:
        await outside.slack.connected(PROCESSES)
        yield database, PROCESSES
        for bot in bots:
            bot.process.send_signal(signal.SIGTERM)
        said = [await bot.ended() for bot in bots]
    finally:
        database.close()
        for bot in bots:
            await bot.killed()
    for code, _, errors in said:
        assert code == 0
        assert [line for line in errors.splitlines() if '"level": "info"' not in line] == []
