"""Events that were seen, moments with their zone, and rows that name each other."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session, select

from storage import seen
from storage.tables import Decision, SeenEvent, Workspace
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW

EAST = timezone(timedelta(hours=5, minutes=45))


def test_an_event_is_seen_for_the_first_time_once(session: Session) -> None:
    rows.workspace(session)
    assert [seen.first_time(session, "T1", event, now=NOW) for event in ("Ev1", "Ev2", "Ev1")] == [True, True, False]


def test_an_event_is_seen_by_each_workspace_for_itself_however_long_its_id_is(session: Session) -> None:
    for workspace in ("T1", "T2"):
        rows.workspace(session, workspace)
    found = [seen.first_time(session, workspace, "Ev" * 1_000, now=NOW) for workspace in ("T1", "T2", "T1")]
    assert found == [True, True, False]


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
