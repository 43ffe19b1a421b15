"""Bytes get lost without a word, and nothing is refused or closed: noticed in a bounded time, and nothing is lost."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest
import pytest_asyncio
from aiohttp import ClientTimeout
from sqlalchemy import make_url, text
from sqlmodel import Session
from structlog.testing import capture_logs

from bot import slack_transport, socket_mode
from sandbox.slack import MAIL
from storage import patience
from storage.engines import ALIVE, THREADS, engine_for
from tests.adapters.storage.conftest import new_postgresql, postgres
from tests.flows.silence import Line, line_to, line_to_socket
from tests.flows.stage import IMPATIENT, Mailroom
from tests.flows.test_lost_answers import look_for_it
from tests.flows.test_outage_of_postgresql import refuses_everybody_in_time
from tests.flows.test_outages_noticed import begins, ends

__all__ = ["new_postgresql", "postgres"]

LINE = "/mail mailbox create john@example.com"


@pytest_asyncio.fixture
async def to_mailapi(outside: Mailroom) -> AsyncIterator[Line]:
    """What lies between the bot and MailAPI."""
    async with line_to(outside.settings.mailapi_url) as line:
        outside.timeouts = IMPATIENT
        outside.settings = outside.settings.model_copy(update={"mailapi_url": f"{line.url}/api"})
        yield line


@pytest_asyncio.fixture
async def to_slack(outside: Mailroom, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    """What lies between the bot and Slack; both of them wait less long than usual."""
    monkeypatch.setattr(slack_transport, "TIMEOUT", ClientTimeout(total=1))
    monkeypatch.setattr(socket_mode, "PING_SECONDS", 0.3)
    async with line_to(outside.settings.slack_api_url) as line:
        outside.settings = outside.settings.model_copy(update={"slack_api_url": f"{line.url}/api"})
        yield line


@pytest_asyncio.fixture
async def to_postgresql(outside: Mailroom, new_postgresql: str) -> AsyncIterator[Line]:
    """What lies between the bot and its rows."""
    async with line_to_socket(f"{make_url(new_postgresql).query['host']}/.s.PGSQL.5432") as line:
        url = make_url(new_postgresql).set(host="127.0.0.1", port=line.port, query={})
        outside.stores_in(url.render_as_string(hide_password=False))
        yield line


@pytest_asyncio.fixture
async def mailroom(outside: Mailroom) -> AsyncIterator[Mailroom]:
    """Comes after the line: the running bot with a key in force, at rest."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(outside.running())
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.at_rest()
        yield outside


async def test_a_create_whose_answer_is_swallowed_is_looked_for_and_made_once(
    to_mailapi: Line, mailroom: Mailroom
) -> None:
    to_mailapi.loses_the_answer_to(b"/create/mailbox")
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.made("create_mailbox_single")
    await look_for_it(mailroom)
    await mailroom.completed(mailroom.ben)
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1}


async def test_looks_that_are_swallowed_end_and_are_repeated(to_mailapi: Line, mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.made("create_mailbox_single")
    with capture_logs() as lines:
        to_mailapi.falls_silent()
        await mailroom.mailapi.release_queue()
        await begins(mailroom, "mailapi")
        to_mailapi.works()
        await ends(mailroom, lines, "mailapi")
    await mailroom.passes(seconds=60)
    await mailroom.completed(mailroom.ben)
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1}


async def test_a_message_whose_answer_is_swallowed_is_told_once(to_slack: Line, mailroom: Mailroom) -> None:
    to_slack.loses_the_answer_to(b"chat.postMessage")
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.exists("john@example.com")
    for _ in range(3):
        await mailroom.passes(seconds=12)
    await mailroom.completed(mailroom.ben)
    (root,) = await mailroom.roots(mailroom.ana)
    assert len(await mailroom.ana.reads_thread(MAIL, root.ts)) == 1


async def test_sockets_that_fall_silent_are_replaced(to_slack: Line, mailroom: Mailroom) -> None:
    assert mailroom.bot is not None
    sockets = mailroom.bot.socket_mode
    assert sockets is not None
    before = [handler.client.current_session for handler in sockets.handlers]

    async def are_replaced() -> bool:
        now = [handler.client.current_session for handler in sockets.handlers]
        return await sockets.connected() == len(before) and not set(before) & set(now)

    with capture_logs() as lines:
        to_slack.falls_silent()
        to_slack.works()
        await mailroom.until(are_replaced, "other connections")
    assert [line["event"] for line in lines if "silent" in line["event"]] == [socket_mode.FELL_SILENT] * len(before)
    assert not [line for line in lines if line.get("exc_info")]
    assert (await mailroom.ben.types(MAIL, LINE)).ok
    await mailroom.completed(mailroom.ben)


async def test_rows_that_are_out_of_reach_without_a_word(to_postgresql: Line, mailroom: Mailroom) -> None:
    with capture_logs() as lines:
        to_postgresql.falls_silent()
        await refuses_everybody_in_time(mailroom)
        await begins(mailroom, "database", "no answer")
        to_postgresql.works()
        await ends(mailroom, lines, "database")
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.completed(mailroom.ben)


async def test_rows_whose_connections_all_stay_silent_while_others_could_be_made(
    to_postgresql: Line, mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "GIVEN_UP_AFTER", 3)
    assert mailroom.bot is not None
    database = mailroom.bot.database
    await asyncio.gather(*(database.read(_stay) for _ in range(THREADS)))
    with capture_logs() as lines:
        to_postgresql.falls_silent()
        to_postgresql.works()
        await refuses_everybody_in_time(mailroom)
        await ends(mailroom, lines, "database")
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.completed(mailroom.ben)


def _stay(session: Session) -> None:
    """On a connection of its own: all that there may be are made."""
    session.execute(text("SELECT pg_sleep(0.5)"))


async def test_the_system_gives_up_a_connection_to_postgresql_whose_other_end_is_gone(
    outside: Mailroom, to_postgresql: Line
) -> None:
    assert to_postgresql.port
    engine = engine_for(outside.settings.database_url)

    def options() -> list[int]:
        with engine.connect() as connection:
            driver = cast("Any", connection.connection.dbapi_connection)
            with socket.socket(fileno=socket.dup(driver.fileno())) as there:
                asked = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT]
                return [there.getsockopt(socket.IPPROTO_TCP, option) for option in asked]

    assert await asyncio.to_thread(options) == list(ALIVE.values())
    engine.dispose()
