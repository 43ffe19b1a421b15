"""`mailroom keys rotate`: everything gets the first key, nothing is lost, and what stands in the way is said."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot import key_rotation
from bot.key_rotation import Outcome, lines, rotate
from bot.rotation import MUCH_LATER
from bot.settings import SettingsError, load
from storage import audit, connections, installations, processes, sealed
from storage.database import Database, DatabaseUnavailable
from storage.encryption import Undecryptable, Vault, fingerprint, generate_key
from storage.sealed import PLACES, Place, Text
from storage.tables import AuditEntry, Connection, Installation, Process
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW, SECOND

OLD, NEW, LOST = (generate_key() for _ in range(3))
WORKSPACES = ("T1", "T2", "T3")
BOTH = (NEW, OLD)
WHERE = "MAILROOM_ENCRYPTION_KEYS"


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_rotation, "BATCH", 2)


def value(connection: Connection) -> str:
    return f"the key of row {connection.id}"


def sealed_with(key: str, connection: Connection) -> str:
    workspace, row = connection.workspace_id, connection.deduplication_key
    return connections.sealed(Vault([key]), value(connection), workspace=workspace, row=row)


async def stored(database: Database, key: str, workspaces: Sequence[str] = WORKSPACES) -> None:
    """Two rows of each workspace, encrypted with `key`, and one without a secret."""

    def add(session: Session) -> None:
        for workspace in workspaces:
            for _ in range(2):
                connection = rows.connection(session, workspace)
                connection.secret = sealed_with(key, connection)
            rows.connection(session, workspace, secret=None)

    await database.write(add)


async def readable(database: Database, key: str) -> list[str]:
    """The workspaces of the secrets that this key alone reads, each with the value that was stored."""

    def look(session: Session) -> Iterator[str]:
        vault = Vault([key])
        for row in session.exec(select(Connection).where(col(Connection.secret).is_not(None)).order_by("id")):
            try:
                found = connections.unsealed(vault, row)
            except Undecryptable:
                continue
            assert found == value(row)
            yield row.workspace_id

    return await database.read(lambda session: list(look(session)))


async def rotated(url: str, *keys: str, places: Sequence[Place] = PLACES, now: datetime = NOW) -> Outcome:
    settings = load(database_url=url, mailroom_encryption_keys=",".join(keys))
    return await rotate(settings, clock=lambda: now, places=places)


async def running(database: Database, *keys: str, seen_at: datetime = NOW) -> None:
    """A process that knows these keys."""
    names = [fingerprint(key) for key in keys]
    process = Process(id=generate_key()[:16], started_at=NOW - timedelta(days=1), version="1", fingerprints=names)
    await database.write(partial(processes.seen, process=process, now=seen_at))


def said(outcome: Outcome) -> str:
    text = "\n".join(lines(outcome, WHERE))
    assert not [key for key in (OLD, NEW, LOST) if key in text]
    return text


async def test_everything_is_encrypted_with_the_first_key_and_the_others_may_go(url: str, database: Database) -> None:
    await stored(database, OLD)
    outcome = await rotated(url, *BOTH)
    assert (outcome.whole, dict(outcome.exchanged)) == (True, {"T1": 2, "T2": 2, "T3": 2})
    assert await readable(database, OLD) == []
    assert await readable(database, NEW) == ["T1", "T1", "T2", "T2", "T3", "T3"]
    assert "6 encrypted anew with the first key, 0 left, 0 unreadable." in said(outcome)
    assert f"all keys but the first (fingerprints {fingerprint(OLD)}) may be taken out of {WHERE}" in said(outcome)


async def test_a_second_time_there_is_nothing_to_do(url: str, database: Database) -> None:
    await stored(database, OLD)
    await rotated(url, *BOTH)
    again = await rotated(url, *BOTH)
    assert again.whole
    assert "0 encrypted anew with the first key, 0 left, 0 unreadable." in said(again)
    alone = await rotated(url, NEW)
    assert alone.whole
    assert "no other is needed" in said(alone)


async def test_one_that_was_broken_off_goes_on_with_what_is_left(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(database, OLD)

    def fails(session: Session, place: Place, text: Text, to: str, *, now: datetime) -> bool:
        if text.workspace == "T3":
            raise DatabaseUnavailable("the disk is full")
        return exchange(session, place, text, to, now=now)

    exchange = sealed.exchange
    with monkeypatch.context() as context:
        context.setattr(sealed, "exchange", fails)
        with pytest.raises(DatabaseUnavailable):
            await rotated(url, *BOTH)
    assert await readable(database, OLD) == ["T3", "T3"]
    outcome = await rotated(url, *BOTH)
    assert (outcome.whole, dict(outcome.exchanged)) == (True, {"T3": 2})


async def noted(database: Database) -> dict[str, list[tuple[str, str, Any]]]:
    """What the audit of each workspace says of it."""

    def look(session: Session) -> dict[str, list[tuple[str, str, Any]]]:
        found: dict[str, list[tuple[str, str, Any]]] = {}
        for each in session.exec(select(AuditEntry).order_by(col(AuditEntry.id))):
            assert (each.action, each.outcome) == ("encryption_key", "changed")
            found.setdefault(each.workspace_id, []).append((each.actor, each.subject, each.details))
            assert audit.verify(session, each.workspace_id).whole
        return found

    return await database.read(look)


async def test_each_workspaces_audit_says_once_that_its_key_was_changed(url: str, database: Database) -> None:
    await stored(database, OLD)
    await rotated(url, *BOTH)
    assert await noted(database) == {each: [("operator", "", {"secrets": 2})] for each in WORKSPACES}
    await rotated(url, *BOTH)
    await rotated(url, NEW)
    assert {name: len(entries) for name, entries in (await noted(database)).items()} == dict.fromkeys(WORKSPACES, 1)


async def test_a_workspace_whose_texts_are_exchanged_in_several_parts_and_runs_has_one_entry(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await stored(database, OLD, ["T1"])

    def fails(session: Session, place: Place, text: Text, to: str, *, now: datetime) -> bool:
        exchanged.append(text)
        if len(exchanged) == 4:
            raise DatabaseUnavailable("the disk is full")
        return exchange(session, place, text, to, now=now)

    exchange, exchanged = sealed.exchange, list[Text]()
    with monkeypatch.context() as context:
        context.setattr(sealed, "exchange", fails)
        with pytest.raises(DatabaseUnavailable):
            await rotated(url, *BOTH)
    assert len(await readable(database, NEW)) == 2
    assert await noted(database) == {}
    await rotated(url, *BOTH)
    assert await noted(database) == {"T1": [("operator", "", {"secrets": 6})]}


async def test_the_audit_counts_what_is_left_and_what_nobody_can_read(url: str, database: Database) -> None:
    await stored(database, LOST, ["T1"])
    await stored(database, OLD, ["T1"])
    held = replace(PLACES[0], held_until="leased_until")

    def lease(session: Session) -> None:
        found = session.exec(select(Connection).where(col(Connection.secret).is_not(None)).order_by("id"))
        found.all()[-1].leased_until = NOW + SECOND

    await database.write(lease)
    await rotated(url, *BOTH, places=[held])
    first = ("operator", "", {"secrets": 1, "in_use": 1, "unreadable": 2})
    assert await noted(database) == {"T1": [first]}
    await rotated(url, *BOTH, places=[held], now=NOW + SECOND)
    assert await noted(database) == {"T1": [first, ("operator", "", {"secrets": 2, "unreadable": 2})]}


async def test_what_is_refused_changes_no_audit(url: str, database: Database) -> None:
    await stored(database, OLD)
    await running(database, OLD)
    await rotated(url, *BOTH)
    assert await noted(database) == {}


async def test_what_no_key_reads_is_named_by_its_workspace_and_stays_as_it_is(url: str, database: Database) -> None:
    await stored(database, LOST, ["T2"])
    await stored(database, OLD, ["T1", "T3"])
    outcome = await rotated(url, *BOTH)
    assert (outcome.whole, dict(outcome.unreadable)) == (False, {"T2": 2})
    assert await readable(database, NEW) == ["T1", "T1", "T3", "T3"]
    assert await readable(database, LOST) == ["T2", "T2"]
    assert "4 encrypted anew with the first key, 0 left, 2 unreadable." in said(outcome)
    assert "None of the keys reads what is stored of T2:" in said(outcome)
    found_again = await rotated(url, *BOTH, LOST)
    assert (found_again.whole, dict(found_again.exchanged)) == (True, {"T2": 2})


async def test_a_key_that_is_replaced_meanwhile_is_not_overwritten(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(database, OLD, ["T1"])
    met: list[Any] = []

    def later(session: Session, place: Place, text: Text, to: str, *, now: datetime) -> bool:
        row = session.get_one(Connection, text.key)
        if text.key not in met:
            met.append(text.key)
            row.secret = sealed_with(NEW, row)
            session.flush()
            replaced[row.id] = row.secret
        return exchange(session, place, text, to, now=now)

    exchange, replaced = sealed.exchange, dict[int, str]()
    monkeypatch.setattr(sealed, "exchange", later)
    outcome = await rotated(url, *BOTH)
    assert (outcome.whole, outcome.exchanged.total(), len(replaced)) == (True, 0, 2)
    kept = await database.read(lambda session: {i: session.get_one(Connection, i).secret for i in replaced})
    assert kept == replaced


async def test_what_is_in_use_is_left_and_said(url: str, database: Database) -> None:
    await stored(database, OLD, ["T1"])
    held = replace(PLACES[0], held_until="leased_until")

    def lease(session: Session) -> None:
        session.exec(select(Connection)).first().leased_until = NOW + SECOND  # type: ignore[union-attr]

    await database.write(lease)
    outcome = await rotated(url, *BOTH, places=[held])
    assert (outcome.whole, dict(outcome.exchanged), dict(outcome.left)) == (False, {"T1": 1}, {"T1": 1})
    assert "may be taken out" not in said(outcome)
    assert "in use at this moment, of T1: run this again" in said(outcome)
    assert (await rotated(url, *BOTH, places=[held], now=NOW + SECOND)).whole


async def is_exchanging(database: Database) -> Installation:
    """A workspace whose token has ended, and for which Slack is being asked for another one since `NOW`."""
    vault = Vault([OLD])

    def begin(session: Session) -> Installation:
        rows.workspace(session, "T1")
        ended = Installation(
            workspace_id="T1",
            bot_token=vault.seal("a token", workspace="T1", purpose=installations.TOKEN_PURPOSE),
            refresh_token=vault.seal("another", workspace="T1", purpose=installations.REFRESH_PURPOSE),
            expires_at=NOW - SECOND,
            installed_at=NOW - SECOND,
        )
        installations.put(session, ended)
        until = NOW + installations.LONGEST_EXCHANGE
        assert installations.begin_refresh(session, "T1", before=NOW, now=NOW, until=until)
        found = installations.get(session, "T1")
        assert found is not None
        return found

    return await database.write(begin)


async def test_a_token_that_is_being_exchanged_is_left_to_the_end_of_that(url: str, database: Database) -> None:
    await is_exchanging(database)
    outcome = await rotated(url, *BOTH)
    assert (outcome.whole, dict(outcome.left), outcome.exchanged.total()) == (False, {"T1": 2}, 0)
    assert (await rotated(url, *BOTH, now=NOW + installations.LONGEST_EXCHANGE)).whole


async def test_one_that_slack_refuses_to_exchange_is_nobodys_until_that_is_tried_again(
    url: str, database: Database
) -> None:
    """Where Slack refuses it for good, somebody still tries for ever: the old key could never be taken away."""
    mine = await is_exchanging(database)
    now = NOW + 2 * SECOND
    await database.write(partial(installations.give_back_refresh, exchanged=mine, until=now + MUCH_LATER))
    outcome = await rotated(url, *BOTH, now=now)
    assert (outcome.whole, dict(outcome.exchanged)) == (True, {"T1": 2})


REFUSED = {
    "one that knows only the old key": ([OLD], "1 process runs (since 2026-02-28 12:00:00 UTC) without the first key"),
    "one that encrypts with the old key": ([OLD, NEW], "1 process runs (since 2026-02-28 12:00:00 UTC) with the first"),
    "one with other keys altogether": ([LOST], "without the first key"),
}


@pytest.mark.parametrize(("keys", "words"), REFUSED.values(), ids=REFUSED)
async def test_it_is_refused_while_a_process_runs(url: str, database: Database, keys: list[str], words: str) -> None:
    await stored(database, OLD)
    await running(database, *BOTH)
    await running(database, *keys)
    outcome = await rotated(url, *BOTH)
    assert (outcome.whole, outcome.exchanged.total()) == (False, 0)
    assert await readable(database, OLD) == ["T1", "T1", "T2", "T2", "T3", "T3"]
    assert words in said(outcome)
    assert "Start the bot again with" in said(outcome)
    assert "0 encrypted anew with the first key, 6 left, 0 unreadable." in said(outcome)
    assert "may be taken out" not in said(outcome)


async def test_processes_with_the_new_key_first_and_those_that_are_gone_stand_in_nobodys_way(
    url: str, database: Database
) -> None:
    await stored(database, OLD)
    await running(database, *BOTH)
    await running(database, NEW)
    await running(database, OLD, seen_at=NOW - processes.LIVING)
    assert (await rotated(url, *BOTH)).whole


async def test_a_process_that_is_started_meanwhile_without_the_new_key_stops_it(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(database, OLD)
    old = Process(id="late", started_at=NOW, version="1", fingerprints=[fingerprint(OLD)])

    def late(session: Session, place: Place, text: Text, to: str, *, now: datetime) -> bool:
        processes.seen(session, old, now=NOW)
        return exchange(session, place, text, to, now=now)

    exchange = sealed.exchange
    monkeypatch.setattr(sealed, "exchange", late)
    outcome = await rotated(url, *BOTH)
    assert (outcome.whole, dict(outcome.exchanged), outcome.left.total()) == (False, {"T1": 2}, 4)
    assert "without the first key" in said(outcome)


async def test_settings_with_which_it_cannot_begin_are_named(empty: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"there is no such file|mailroom db upgrade"):
        await rotated(empty, NEW)
    with pytest.raises(SettingsError, match="MAILROOM_ENCRYPTION_KEYS is wrong") as wrong:
        await rotated(empty, NEW, OLD[:-2])
    assert OLD[:-2] not in str(wrong.value)
    with pytest.raises(SettingsError, match="MAILROOM_ENCRYPTION_KEYS is missing"):
        await rotate(load(database_url="postgresql+psycopg://127.0.0.1:9/x"))
    with pytest.raises(SettingsError, match=r"no key file .*mailroom\.key"):
        await rotate(load(database_url=f"sqlite:///{tmp_path}/mailroom.db"))
    assert await asyncio.to_thread(os.listdir, tmp_path) == []


def test_a_key_is_put_into_the_key_file_only_where_it_is_used_and_whole(tmp_path: Path) -> None:
    url, file = f"sqlite:///{tmp_path}/mailroom.db", tmp_path / "mailroom.key"
    with pytest.raises(SettingsError, match="There is no key file here"):
        key_rotation.put_first(load(database_url=url, mailroom_encryption_keys=OLD), NEW)
    with pytest.raises(SettingsError, match="the first `mailroom run` makes it"):
        key_rotation.put_first(load(database_url=url), NEW)
    file.write_text("half a key")
    with pytest.raises(SettingsError, match=r"mailroom\.key is wrong"):
        key_rotation.put_first(load(database_url=url), NEW)
    assert file.read_text() == "half a key"
