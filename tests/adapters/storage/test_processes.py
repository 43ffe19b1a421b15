"""Heartbeats: who is alive, and which keys he knows."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from bot.heartbeat import Heartbeat
from storage import processes
from storage.database import Database
from storage.processes import KEPT, LIVING
from storage.tables import Process
from tests.adapters.storage.rows import NOW, SECOND


def process(name: str, started_at: datetime = NOW) -> Process:
    return Process(id=name, started_at=started_at, version="1.0", fingerprints=["one", "two"])


def alive(session: Session, now: datetime) -> Sequence[str]:
    return [each.id for each in processes.living(session, now=now)]


def test_a_process_is_alive_until_it_was_not_seen_for_a_minute(session: Session) -> None:
    processes.seen(session, process("young", NOW + SECOND), now=NOW)
    processes.seen(session, process("old"), now=NOW)
    assert alive(session, NOW + LIVING - SECOND) == ["old", "young"]
    processes.seen(session, process("old"), now=NOW + 10 * SECOND)
    assert alive(session, NOW + LIVING) == ["old"]
    (found,) = processes.living(session, now=NOW + LIVING)
    assert (found.started_at, found.version, found.fingerprints) == (NOW, "1.0", ["one", "two"])


def test_a_process_that_has_ended_is_gone_at_once_and_one_that_was_killed_after_a_while(session: Session) -> None:
    for name in ("ended", "killed", "running"):
        processes.seen(session, process(name), now=NOW)
    processes.ended(session, "ended")
    processes.seen(session, process("running"), now=NOW + KEPT + SECOND)
    assert session.exec(select(Process.id)).all() == ["running"]


def test_a_process_that_stood_still_for_long_is_alive_again_when_it_goes_on(session: Session) -> None:
    frozen = process("frozen")
    processes.seen(session, frozen, now=NOW)
    processes.seen(session, process("other"), now=NOW + KEPT + SECOND)
    processes.seen(session, frozen, now=NOW + KEPT + 2 * SECOND)
    assert alive(session, NOW + KEPT + 2 * SECOND) == ["frozen", "other"]


def test_where_none_can_run_none_is_alive(session: Session) -> None:
    processes.seen(session, process("killed"), now=NOW)
    processes.all_ended(session)
    assert alive(session, NOW) == []


async def test_each_beat_says_how_many_run(database: Database) -> None:
    first, second = (Heartbeat(database=database, clock=lambda: NOW, fingerprints=[name]) for name in ("a", "b"))
    await first.begin()
    assert first.living == 1
    await second.beat()
    await first.beat()
    assert (first.living, second.living) == (2, 2)
    await second.end()
    await first.beat()
    assert first.living == 1
