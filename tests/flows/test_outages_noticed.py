"""An outage of Slack, MailAPI or the database: said once when it begins and once when it ends, shown, and spared."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import event
from structlog.testing import capture_logs

from sandbox.slack import MAIL
from storage.tables import Request
from tests.flows.breaking import rows
from tests.flows.stage import KEY, Mailroom

Lines = list[MutableMapping[str, Any]]


@pytest_asyncio.fixture
async def lines(mailroom: Mailroom) -> AsyncIterator[Lines]:
    """What the bot logs."""
    await mailroom.at_rest()
    with capture_logs() as found:
        yield found


def noticed(lines: Lines, outside: str) -> list[str]:
    """What was logged of an outage, in order."""
    return [line["event"] for line in lines if line.get("outside") == outside]


async def ready(mailroom: Mailroom) -> tuple[int, dict[str, str]]:
    """What /readyz says."""
    assert mailroom.bot is not None
    async with aiohttp.ClientSession() as session, session.get(f"{mailroom.bot.url}/readyz") as answer:
        return answer.status, (await answer.json())["causes"]


async def begins(mailroom: Mailroom, outside: str, *words: str) -> None:
    async def has_begun() -> bool:
        await mailroom.clock_ahead(seconds=1)
        status, causes = await ready(mailroom)
        return status == 503 and all(word in causes.get(outside, "") for word in words)

    await mailroom.until(has_begun, f"an outage of {outside}")


async def ends(mailroom: Mailroom, lines: Lines, outside: str) -> None:
    async def has_ended() -> bool:
        await mailroom.clock_ahead(seconds=1)
        return await ready(mailroom) == (200, {})

    await mailroom.until(has_ended, f"the end of the outage of {outside}")
    assert noticed(lines, outside) == ["an outage begins", "an outage ends"]
    assert not [line for line in lines if line.get("exc_info")]


async def test_of_mailapi(mailroom: Mailroom, lines: Lines) -> None:
    await mailroom.mailapi.fault("any", "status", times=None, status=503)
    for number in range(20):
        await mailroom.ben.types(MAIL, f"/mail mailbox create john{number}@example.com")
    await begins(mailroom, "mailapi", "HTTP 503")
    before, clock = len(await mailroom.mailapi.requests()), mailroom.clock.ahead

    async def a_minute_passes() -> bool:
        await mailroom.clock_ahead(seconds=2)
        return (mailroom.clock.ahead - clock).total_seconds() > 60

    await mailroom.until(a_minute_passes, "a minute")
    assert len(await mailroom.mailapi.requests()) - before < 40
    await mailroom.mailapi.clear_faults()
    await ends(mailroom, lines, "mailapi")
    await mailroom.passes(seconds=61)
    await mailroom.exists(*(f"john{number}@example.com" for number in range(20)))


async def test_of_mailapi_that_only_questions_met(mailroom: Mailroom, lines: Lines) -> None:
    await mailroom.mailapi.fault("any", "reset_before", times=None)
    for _ in range(3):
        await mailroom.ben.types(MAIL, "/mail domain list")
    await begins(mailroom, "mailapi", "MailAPI")
    assert KEY not in str(await ready(mailroom))
    await mailroom.mailapi.clear_faults()
    await ends(mailroom, lines, "mailapi")


@pytest.mark.parametrize("kind", ["status", "drop_before"])
async def test_of_slack(mailroom: Mailroom, lines: Lines, kind: Any) -> None:
    await mailroom.ben.types(MAIL, "/mail status")  # who he is, is known for a minute then
    await mailroom.slack.fault("*", kind, times=1_000)
    for number in range(5):
        await mailroom.ben.types(MAIL, f"/mail mailbox create john{number}@example.com")
    await begins(mailroom, "slack")
    await mailroom.slack.no_faults()
    await ends(mailroom, lines, "slack")
    for _ in range(4):
        await mailroom.passes(seconds=30)
    for number in range(5):
        await mailroom.root(mailroom.ana, "Done", f"john{number}@example.com")


async def test_of_slack_while_nothing_is_owed(mailroom: Mailroom, lines: Lines) -> None:
    await mailroom.slack.fault("*", "status", times=1_000, status=500)
    for _ in range(4):
        await mailroom.ben.types(MAIL, "/mail connect")
    await begins(mailroom, "slack")
    await mailroom.slack.no_faults()
    await ends(mailroom, lines, "slack")


async def test_of_socket_mode(mailroom: Mailroom, lines: Lines) -> None:
    assert mailroom.bot is not None
    assert mailroom.bot.socket_mode is not None
    await mailroom.slack.fault("apps.connections.open", "status", times=1_000)
    for handler in mailroom.bot.socket_mode.handlers:
        handler.client.ping_interval = 0.2
    await mailroom.slack.disconnect_sockets()
    await begins(mailroom, "socket_mode", "no Socket Mode connection is open")
    await asyncio.wait_for(until_logged(mailroom, lines), 10)
    await mailroom.slack.no_faults()
    await ends(mailroom, lines, "socket_mode")


async def until_logged(mailroom: Mailroom, lines: Lines) -> None:
    async def is_logged() -> bool:
        return noticed(lines, "socket_mode") != []

    await mailroom.until(is_logged, "the log line")


@contextmanager
def spoilt(mailroom: Mailroom, pragma: str, healed: str) -> Iterator[None]:
    """Give each of the bot's connections a pragma that lets SQLite fail; another one heals it."""
    assert mailroom.bot is not None
    pool, now = mailroom.bot.database.engine.pool, [pragma]

    def check_out(connection: sqlite3.Connection, _record: object, _proxy: object) -> None:
        connection.execute(f"PRAGMA {now[0]}").close()

    event.listen(pool, "checkout", check_out)
    yield
    now[0] = healed


FULL = ("max_page_count=1", "max_page_count=100000000")
READ_ONLY = ("query_only=ON", "query_only=OFF")
LINE = "/mail mailbox create john@example.com"


@pytest.mark.parametrize(
    ("spoils", "words"), [(FULL, "full"), (READ_ONLY, "readonly")], ids=["a full disk", "a file that is read-only"]
)
async def test_of_the_database(mailroom: Mailroom, lines: Lines, spoils: tuple[str, str], words: str) -> None:
    with spoilt(mailroom, *spoils):
        for number in range(40):  # what is free in the pages there are takes the first ones
            said = await mailroom.ben.types(MAIL, f"/mail mailbox create john{number}@example.com")
            if "could not be written down just now, so nothing was done" in said.text:
                break
        asked = len(await rows(mailroom, Request))
        assert asked < 40
        await begins(mailroom, "database", words)
    await ends(mailroom, lines, "database")
    assert len(await rows(mailroom, Request)) == asked
    await mailroom.ana.types(MAIL, "/mail mailbox create later@example.com")
    await mailroom.root(mailroom.ana, "Done", "later@example.com")
    assert len(await rows(mailroom, Request)) == asked + 1


async def test_of_a_database_that_stays_locked_is_told_within_slack_s_time(mailroom: Mailroom, lines: Lines) -> None:
    assert mailroom.settings.sqlite_file is not None
    other = sqlite3.connect(mailroom.settings.sqlite_file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    told = await asyncio.gather(*(mailroom.ben.types(MAIL, LINE) for _ in range(5)))
    assert ["could not be written down" in each.text for each in told] == [True] * 5
    await begins(mailroom, "database", "locked")
    other.rollback()
    other.close()
    await ends(mailroom, lines, "database")
    await mailroom.at_rest()
    assert await rows(mailroom, Request) == []
    assert await mailroom.mailapi.creates() == []
    assert max(each["seconds"] for each in await mailroom.slack.envelopes("slash_commands")) < 3


async def test_of_slack_that_refuses_the_token(mailroom: Mailroom, lines: Lines) -> None:
    """What is owed stays owed, and is told when the token works."""
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.root(mailroom.ana, "In progress")
    await mailroom.at_rest()
    await mailroom.slack.fault("*", "error", error="invalid_auth", times=1_000)
    await mailroom.mailapi.release_queue()
    await begins(mailroom, "slack", "the token is refused (invalid_auth)")
    for _ in range(3):
        await mailroom.passes(seconds=40)
    await mailroom.slack.no_faults()
    await ends(mailroom, lines, "slack")
    await mailroom.passes(minutes=1)
    root = await mailroom.root(mailroom.ana, "Done")
    await mailroom.completion(mailroom.ben, root)
    assert len(await mailroom.roots(mailroom.ana)) == 1


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive"])
async def test_a_token_that_is_refused_while_a_post_is_looked_for_lets_nothing_be_posted_twice(
    mailroom: Mailroom, error: str
) -> None:
    await mailroom.slack.fault("chat.postMessage", "drop_after", where={"channel": MAIL})
    await mailroom.slack.fault("conversations.history", "error", error=error, times=2)
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.exists("john@example.com")
    for _ in range(4):
        await mailroom.passes(seconds=30)
    root = await mailroom.root(mailroom.ana, "Done")
    await mailroom.completion(mailroom.ben, root)
    assert len(await mailroom.roots(mailroom.ana)) == 1


async def test_of_a_method_whose_scope_is_missing(mailroom: Mailroom, lines: Lines) -> None:
    """What it would have told waits for the scope, and what Slack does take goes on."""
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.root(mailroom.ana, "In progress")
    await mailroom.at_rest()
    await mailroom.slack.fault("chat.postMessage", "error", error="missing_scope", times=1_000)
    await mailroom.mailapi.release_queue()
    root = await mailroom.root(mailroom.ana, "Done")
    await begins(mailroom, "slack chat.postMessage", "the token lacks a scope (missing_scope)")
    await mailroom.slack.no_faults()
    await ends(mailroom, lines, "slack chat.postMessage")
    await mailroom.completion(mailroom.ben, root)
    assert noticed(lines, "slack") == []
