"""Encryption keys are changed on SQLite, with its key file, while the bot works; and what a lost key means for whom."""

import asyncio
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import Session, select

from sandbox.slack import MAIL
from sandbox.slack.identity import TEAM
from storage import connections, processes
from storage.database import Database
from storage.encryption import Vault, generate_key
from storage.states import ConnectionState, RequestState
from storage.tables import Connection, Process, Request, Workspace
from tests.flows.process import Bot, bot_process, command
from tests.flows.rotating import ELSEWHERE, Work, encrypted, read_by, with_many_secrets
from tests.flows.stage import Mailroom
from tests.processes.rows import without_gates

OWN, MANY = 1, 400


@pytest.fixture
def database(outside: Mailroom) -> Iterator[Database]:
    """The rows, beside the bot."""
    database = Database.open(outside.settings.database_url)
    yield database
    database.close()


async def stopped(bot: Bot) -> None:
    """Told to end; nothing went wrong while it ran."""
    bot.process.terminate()
    code, _, error = await bot.ended()
    assert code == 0
    for word in ("Traceback", "cannot be read", "an outage begins"):
        assert word not in error, error


async def alive(database: Database) -> int:
    return len(await database.read(lambda session: processes.living(session, now=datetime.now(UTC))))


async def test_keys_are_changed_while_the_bot_works(outside: Mailroom, database: Database, tmp_path: Path) -> None:
    file, work = tmp_path / "mailroom.key", Work(outside)
    async with bot_process(outside) as bot:
        await outside.connected(outside.ana)
        await without_gates(database)
        old = file.read_text().strip()
        await with_many_secrets(database, old, count=MANY)
        assert (await command(outside, "keys", "generate", "--into-file")).code == 0
        new, *rest = file.read_text().split()
        assert rest == [old]
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        async with work.going_on():
            refused = await command(outside, "keys", "rotate")
        assert (refused.code, refused.error) == (1, "")
        assert refused.out.startswith("Refused: 1 process runs (since 20")
        assert f"0 encrypted anew with the first key, {OWN + MANY} left, 0 unreadable." in refused.out
        await stopped(bot)
        assert await alive(database) == 0
    async with bot_process(outside) as bot:
        async with work.going_on():
            done = await command(outside, "keys", "rotate")
        assert (done.code, done.error) == (0, "")
        assert f"{OWN + MANY} encrypted anew with the first key, 0 left, 0 unreadable." in done.out
        assert f"may be taken out of {file}" in done.out
        assert old not in done.out + refused.out
        await stopped(bot)
    file.write_text(new)
    async with bot_process(outside) as bot:
        async with work.going_on():
            assert await alive(database) == 1
        await work.is_done()
        await stopped(bot)
    stored = await encrypted(database)
    assert (len(stored), read_by(old, stored), read_by(new, stored)) == (OWN + MANY, 0, OWN + MANY)


async def test_a_process_that_was_killed_stands_in_the_way_of_no_later_one(
    outside: Mailroom, database: Database
) -> None:
    async with bot_process(outside) as bot:
        bot.process.kill()
        await bot.ended()
    assert await alive(database) == 1
    async with outside.running():
        assert await alive(database) == 1
    assert await alive(database) == 0


async def test_a_process_is_seen_as_long_as_it_runs(
    outside: Mailroom, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.app.EVERY_SECONDS", 0.1)

    async def seen() -> datetime:
        return await database.read(lambda session: session.exec(select(Process.seen_at)).one())

    async with outside.running():
        first = await seen()

        async def later() -> bool:
            return await seen() > first

        await outside.until(later, "the next heartbeat")


async def test_a_lost_key_is_the_matter_of_its_workspace_alone(outside: Mailroom, tmp_path: Path) -> None:
    async with outside.running() as bot:
        await outside.connected(outside.ana)
        await outside.without_gates()
        await bot.database.write(lambda session: loses_its_key(session, outside))
        told = await outside.direct(outside.ana, "cannot be read with the encryption keys", "/mail connect")
        assert "`0000`" in told.visible
        await outside.ben.types(MAIL, "/mail mailbox create john@example.com")
        await outside.completed(outside.ben)
        await outside.at_rest()
        found = await command(outside, "keys", "rotate")
    assert found.code == 1
    assert "0 encrypted anew with the first key, 0 left, 1 unreadable." in found.out
    assert f"None of the keys reads what is stored of {ELSEWHERE}:" in found.out
    await asyncio.to_thread((tmp_path / "mailroom.key").write_text, generate_key())
    both = await command(outside, "keys", "rotate")
    assert f"stored of {ELSEWHERE}, {TEAM}:" in both.out
    assert "no other is needed" not in both.out


def loses_its_key(session: Session, outside: Mailroom) -> None:
    """Another workspace, whose key was encrypted with one that is lost, and which wants something of MailAPI."""
    now = outside.clock()
    session.add(Workspace(id=ELSEWHERE, created_at=now))
    session.flush()
    secret = Vault([generate_key()]).seal("lost", workspace=ELSEWHERE, purpose=connections.PURPOSE)
    session.add(
        Connection(
            workspace_id=ELSEWHERE,
            state=ConnectionState.IN_FORCE,
            secret=secret,
            caller_id=1,
            last_four="0000",
            connected_by=outside.ana.id,
            deduplication_key="elsewhere",
            created_at=now,
        )
    )
    session.add(
        Request(
            workspace_id=ELSEWHERE,
            kind="domain_create",
            parameters={"domain": "example.net"},
            state=RequestState.PLANNING,
            asker=outside.ben.id,
            asked_in=MAIL,
            home_channel=MAIL,
            deduplication_key="elsewhere",
            created_at=now,
            due_at=now,
        )
    )
