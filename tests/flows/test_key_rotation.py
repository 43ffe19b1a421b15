"""Encryption keys are changed on SQLite, with its key file, while the bot works; and what a lost key means for whom."""

import asyncio
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from sandbox.slack import MAIL, POST
from storage import connections, processes
from storage.database import Database
from storage.encryption import Vault, generate_key
from storage.tables import Process
from tests.flows.breaking import execute
from tests.flows.places import ELSEWHERE, LUMEN, moves_in
from tests.flows.process import Bot, bot_process, command
from tests.flows.rotating import Work, encrypted, read_by, with_many_secrets
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
        await outside.ana.types(MAIL, "/mail audit encryption_key")
        said = "Whoever runs Mailroom changed the key with which its secrets are encrypted: secrets `1`"
        shown = await outside.private(outside.ana, "1 entry of the audit")
        assert [line.endswith(said) for line in shown.visible.splitlines() if "Whoever" in line] == [True]
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
    monkeypatch.setattr("bot.app.BEATS_EVERY", timedelta(seconds=0.1))

    async def seen() -> datetime:
        return await database.read(lambda session: session.exec(select(Process.seen_at)).one())

    async with outside.running():
        first = await seen()

        async def later() -> bool:
            return await seen() > first

        await outside.until(later, "the next heartbeat")


async def test_a_lost_key_is_the_matter_of_its_workspace_alone(many: Mailroom, tmp_path: Path) -> None:
    ana, ben = await moves_in(many, LUMEN)
    oda, eve = await moves_in(many, ELSEWHERE)
    lost = Vault([generate_key()]).seal("lost", workspace=ELSEWHERE.id, purpose=connections.PURPOSE)
    await execute(many, "UPDATE connection SET secret = :lost WHERE workspace_id = :id", lost=lost, id=ELSEWHERE.id)
    await eve.types(POST, f"/mail mailbox create eve@{ELSEWHERE.domain}")
    await many.direct(oda, "cannot be read with the encryption keys", "/mail connect", f"`{ELSEWHERE.key[-4:]}`")
    await ben.types(MAIL, "/mail mailbox create john@example.com")
    await many.root(ben, "Done", "john@example.com")
    assert await ana.direct_messages() == [m for m in await ana.direct_messages() if "cannot be read" not in m.visible]
    found = await command(many, "keys", "rotate")
    assert found.code == 1
    assert "0 encrypted anew with the first key, 0 left, 1 unreadable." in found.out
    assert f"None of the keys reads what is stored of {ELSEWHERE.id}:" in found.out
    await asyncio.to_thread((tmp_path / "mailroom.key").write_text, generate_key())
    both = await command(many, "keys", "rotate")
    assert f"stored of {', '.join(sorted((LUMEN.id, ELSEWHERE.id)))}:" in both.out
    assert "no other is needed" not in both.out
