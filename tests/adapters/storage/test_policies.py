"""Versions of a workspace's policy: one follows the other, and each is told once."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from storage import moves, policies, requests
from storage.states import PolicyState, RequestState
from storage.tables import Policy
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW, SECOND


def change(session: Session, workspace_id: str = "T1", **values: Any) -> Policy | None:
    """A change of the defaults by U1, unless something else is given."""
    rows.workspace(session, workspace_id)
    standard: dict[str, Any] = {"rules": {"needed": 2}, "after": 0, "by": "U1", "key": "view:1", "now": NOW}
    return policies.change(session, workspace_id, **{**standard, **values})


def versions(session: Session) -> list[tuple[str, int, Any]]:
    found = session.exec(select(Policy).order_by("id"))
    return [(row.workspace_id, row.version, row.rules) for row in found]


def test_without_a_change_there_is_no_version(session: Session) -> None:
    rows.workspace(session)
    assert policies.current(session, "T1") is None
    assert policies.version(session, "T1", 0) is None


def test_a_change_is_a_new_version_and_the_older_ones_stay(session: Session) -> None:
    first = change(session)
    second = change(session, rules={"needed": 3}, after=1, key="view:2", by="U2", now=NOW + SECOND)
    assert first is not None
    assert second is not None
    current, older = policies.current(session, "T1"), policies.version(session, "T1", 1)
    assert current is not None
    assert older is not None
    assert (current.version, current.rules, current.changed_by, current.changed_at) == (
        2,
        {"needed": 3},
        "U2",
        NOW + SECOND,
    )
    assert (older.id, older.rules) == (first.id, {"needed": 2})


def test_a_change_of_a_version_that_is_no_longer_in_force_changes_nothing(session: Session) -> None:
    change(session)
    assert change(session, key="view:2", rules={"needed": 9}) is None
    assert change(session, key="view:3", rules={"needed": 9}, after=2) is None
    assert versions(session) == [("T1", 1, {"needed": 2})]


def test_a_submission_that_comes_again_is_given_what_it_changed_also_when_another_followed(session: Session) -> None:
    first = change(session)
    assert first is not None
    assert change(session) == first
    change(session, key="view:2", rules={"needed": 3}, after=1)
    assert change(session) == first
    assert policies.by_key(session, "T1", "view:1") == first
    assert len(versions(session)) == 2


def test_each_workspace_has_versions_of_its_own(session: Session) -> None:
    change(session)
    change(session, "T2", key="view:2", rules={"needed": 5})
    assert versions(session) == [("T1", 1, {"needed": 2}), ("T2", 1, {"needed": 5})]
    found = policies.current(session, "T2")
    assert found is not None
    assert found.rules == {"needed": 5}


def test_the_database_itself_refuses_a_second_row_for_a_version(session: Session) -> None:
    change(session)
    session.add(
        Policy(
            workspace_id="T1", version=1, rules={}, changed_by="U1", deduplication_key="x", changed_at=NOW, due_at=NOW
        )
    )
    with pytest.raises(IntegrityError):
        session.flush()


def test_of_two_changes_at_once_one_wins_and_the_other_is_told_so(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        rows.workspace(session)
    works = [lambda s, n=n: change(s, key=f"view:{n}", rules={"needed": n}) for n in range(4)]
    won = [each for each in rows.at_once(engine, works) if each is not None]  # type: ignore[arg-type]
    assert len(won) == 1
    with Session(engine) as session:
        assert versions(session) == [("T1", 1, won[0].rules)]


def test_one_submission_that_comes_several_times_at_once_is_one_version(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        rows.workspace(session)
    found = rows.at_once(engine, [change] * 4)
    assert {each.version for each in found if each is not None} == {1}
    assert None not in found


def test_two_processes_that_change_it_at_once_follow_one_another(postgresql_pair: tuple[Session, Session]) -> None:
    one, other = postgresql_pair
    change(one, key="view:0", rules={})
    one.commit()
    held = change(one, key="view:1", after=1)
    other.connection().exec_driver_sql("SET lock_timeout = '100ms'")
    with pytest.raises(Exception, match="lock timeout"):
        change(other, key="view:2", after=1)
    other.rollback()
    one.commit()
    assert held is not None
    assert change(other, key="view:2", after=1) is None


def test_a_change_is_leased_until_it_is_told_and_told_once(session: Session) -> None:
    first = change(session)
    assert first is not None
    assert [each.id for each in policies.claim_untold(session, now=NOW, most=10)] == [first.id]
    assert policies.claim_untold(session, now=NOW, most=10) == []
    assert [each.id for each in policies.claim_untold(session, now=NOW + moves.LEASE, most=10)] == [first.id]
    assert policies.told(session, first)
    assert not policies.told(session, first)
    session.refresh(first)
    assert (first.state, first.due_at, first.leased_until) == (PolicyState.TOLD, None, None)
    assert policies.claim_untold(session, now=NOW + timedelta(days=1), most=10) == []


def test_a_change_that_was_put_off_is_claimed_when_it_is_due(session: Session) -> None:
    first = change(session)
    assert first is not None
    policies.claim_untold(session, now=NOW, most=10)
    moves.put_off(session, first, NOW + 5 * SECOND, attempts=1)
    assert policies.claim_untold(session, now=NOW + 4 * SECOND, most=10) == []
    (claimed,) = policies.claim_untold(session, now=NOW + 5 * SECOND, most=10)
    assert claimed.attempts == 1


def test_what_waits_for_a_decision_is_recalled_and_nothing_else(session: Session) -> None:
    later = NOW + timedelta(hours=1)
    waiting = RequestState.AWAITING_DECISION
    here = rows.request(session, state=waiting, due_at=later, leased_until=later)
    idle = rows.request(session, state=waiting, due_at=None)
    elsewhere = rows.request(session, "T2", state=waiting, due_at=later)
    planning = rows.request(session, state=RequestState.PLANNING, due_at=later)
    decided = rows.request(session, state=RequestState.APPROVED, due_at=later)
    requests.recall(session, "T1", now=NOW)
    session.expire_all()
    assert (here.due_at, here.leased_until, idle.due_at) == (NOW, later, NOW)
    assert [each.due_at for each in (elsewhere, planning, decided)] == [later] * 3
