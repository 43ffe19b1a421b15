"""The audit chain, events that were seen, and moments with their zone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session, col, delete, select, update

from storage import audit, seen
from storage.tables import AuditEntry, Decision, SeenEvent, Workspace
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW

EAST = timezone(timedelta(hours=5, minutes=45))


def append(session: Session, workspace_id: str = "T1", **values: Any) -> int:
    standard = {"at": NOW, "actor": "U1", "action": "mailbox_bulk", "outcome": "asked", "subject": "request:1"}
    return audit.append(session, rows.workspace(session, workspace_id), **{**standard, **values})


def chain(session: Session, workspace_id: str = "T1") -> list[AuditEntry]:
    session.flush()
    session.expunge_all()
    return audit.entries(session, workspace_id)


def test_each_entry_holds_the_hash_of_the_one_before(session: Session) -> None:
    for _ in range(3):
        append(session)
    found = chain(session)
    assert [entry.seq for entry in found] == [1, 2, 3]
    assert [entry.previous_hash for entry in found] == [audit.GENESIS, found[0].hash, found[1].hash]
    assert audit.first_broken(found) is None


def test_each_workspace_has_a_chain_of_its_own(session: Session) -> None:
    for workspace in ("T1", "T2", "T1"):
        append(session, workspace)
    assert [len(chain(session, workspace)) for workspace in ("T1", "T2", "T3")] == [2, 1, 0]
    assert audit.first_broken(chain(session, "T1")) is None


def test_an_empty_chain_is_whole() -> None:
    assert audit.first_broken([]) is None


def test_a_chain_is_whole_in_whatever_zone_its_moments_were_and_whatever_its_details_hold(session: Session) -> None:
    details = {"tuple": (1, 2), "nested": {"ü": None, "x": 1.5}, "mixed": {10: "a", 9: "b"}, "text": "\ud800\x00"}
    append(session, at=datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=EAST), details=details)
    append(session, details={})
    assert audit.first_broken(chain(session)) is None


CHANGES: dict[str, Callable[[Session], object]] = {
    column: lambda session, column=column, value=value: session.exec(  # type: ignore[misc]
        update(AuditEntry).where(col(AuditEntry.seq) == 3).values({column: value})
    )
    for column, value in {
        "actor": "U2",
        "action": "connect",
        "outcome": "refused",
        "subject": "request:2",
        "details": {"count": 2},
        "at": NOW + timedelta(microseconds=1),
        "hash": "f" * 64,
        "previous_hash": "f" * 64,
    }.items()
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_entry_is_found(session: Session, change: Callable[[Session], object]) -> None:
    for _ in range(5):
        append(session)
    change(session)
    assert audit.first_broken(chain(session)) == 3


def test_a_changed_entry_with_a_new_hash_of_its_own_is_found_by_the_next(session: Session) -> None:
    for _ in range(5):
        append(session)
    forged = chain(session)[2]
    forged.actor = "U2"
    forged.hash = audit.hash_of(forged)
    assert audit.first_broken([*chain(session)[:2], forged, *chain(session)[3:]]) == 4


@pytest.mark.parametrize("removed", [1, 3, 4])
def test_a_removed_entry_is_found(session: Session, removed: int) -> None:
    for _ in range(5):
        append(session)
    session.exec(delete(AuditEntry).where(col(AuditEntry.seq) == removed))
    assert audit.first_broken(chain(session)) == removed


def test_an_entry_that_was_put_in_is_found(session: Session) -> None:
    for _ in range(3):
        append(session)
    first, second, third = chain(session)
    copy = AuditEntry(**first.model_dump(exclude={"id", "hash"}), hash="")
    copy.seq, copy.previous_hash = 2, first.hash
    copy.hash = audit.hash_of(copy)
    second.seq, third.seq = 3, 4
    assert audit.first_broken([first, copy, second, third]) == 3


def test_entries_that_were_swapped_are_found(session: Session) -> None:
    for _ in range(3):
        append(session)
    first, second, third = chain(session)
    assert audit.first_broken([first, third, second]) == 2


def test_two_entries_cannot_take_the_same_place(session: Session) -> None:
    append(session)
    (entry,) = chain(session)
    session.add(AuditEntry(**entry.model_dump(exclude={"id"})))
    with pytest.raises(IntegrityError):
        session.flush()


def test_appending_from_many_threads_leaves_no_gap_and_no_fork(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        rows.workspace(session)
    for _ in range(5):
        rows.at_once(engine, [append] * 8)
    with Session(engine) as session:
        found = chain(session)
    assert [entry.seq for entry in found] == list(range(1, 41))
    assert audit.first_broken(found) is None


def test_an_entry_of_a_failed_transaction_leaves_no_gap(engine: Engine) -> None:
    with Session(engine) as session:
        append(session)
        session.commit()
        append(session)
        session.rollback()
        append(session)
        session.commit()
        assert audit.first_broken(chain(session)) is None


def test_an_event_is_seen_for_the_first_time_once(session: Session) -> None:
    rows.workspace(session)
    assert [seen.first_time(session, "T1", event, now=NOW) for event in ("Ev1", "Ev2", "Ev1")] == [True, True, False]


def test_of_many_deliveries_of_an_event_at_once_one_is_the_first(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        rows.workspace(session)
    first = rows.at_once(engine, [lambda session: seen.first_time(session, "T1", "Ev1", now=NOW)] * 8)
    assert sorted(first) == [False] * 7 + [True]


def test_an_event_of_a_workspace_that_is_not_installed_is_an_error_and_not_a_repeat(session: Session) -> None:
    with pytest.raises(IntegrityError):
        seen.first_time(session, "T404", "Ev1", now=NOW)


def test_a_moment_comes_back_as_the_same_moment_in_utc(session: Session) -> None:
    moment = datetime(2026, 7, 1, 1, 30, 0, 123456, tzinfo=EAST)
    session.add(Workspace(id="T1", created_at=moment))
    session.flush()
    session.expunge_all()
    stored = session.get_one(Workspace, "T1").created_at
    assert stored == moment
    assert stored.tzinfo is UTC
    assert session.exec(select(Workspace.id).where(Workspace.created_at == moment)).one() == "T1"


def test_a_moment_without_a_zone_is_refused(session: Session) -> None:
    session.add(Workspace(id="T1", created_at=NOW.replace(tzinfo=None)))
    with pytest.raises(StatementError, match="without a time zone"):
        session.flush()


def test_an_audit_entry_without_a_zone_is_refused(session: Session) -> None:
    with pytest.raises(StatementError, match="without a time zone"):
        append(session, at=NOW.replace(tzinfo=None))


def test_a_row_that_refers_to_nothing_is_refused(session: Session) -> None:
    session.add(SeenEvent(event_id="Ev1", workspace_id="T404", at=NOW))
    with pytest.raises(IntegrityError):
        session.flush()


def test_a_person_decides_once_in_each_round_of_a_request(session: Session) -> None:
    request = rows.request(session)

    def decide(key: str, person: str, round_: int) -> None:
        decision = Decision(
            workspace_id="T1",
            request_id=request.id,
            round=round_,
            person=person,
            verdict="approved",
            deduplication_key=key,
            decided_at=NOW,
        )
        session.add(decision)
        session.flush()

    decide("a", "U1", 1)
    decide("b", "U2", 1)
    decide("c", "U1", 2)
    with pytest.raises(IntegrityError):
        decide("d", "U1", 1)
