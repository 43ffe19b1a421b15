"""What may be deleted after a time, and what still needs it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from storage import audit, installations, policies, retention, seen, workspaces
from storage.states import CallState, NoticeState, RequestState
from storage.tables import NAMING, Decision, Installation, Workspace
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW, SECOND

OLD, YOUNG = NOW - SECOND, NOW
DONE: dict[str, Any] = {"state": RequestState.DONE, "ended_at": OLD, "created_at": OLD}
TOLD: dict[str, Any] = {"state": NoticeState.TOLD, "created_at": OLD, "told_at": OLD}


def notices(session: Session) -> list[int]:
    """The old ones, where there is a newer one."""
    rows.notice(session)
    return list(retention.old_notices(session, before=NOW, most=10))


def requests(session: Session) -> list[int]:
    """Those with old calls, where there is a newer call."""
    rows.call(session)
    return [id_ for _, id_ in retention.with_old_calls(session, before=NOW, most=10)]


def test_events_go_when_they_are_old(session: Session) -> None:
    workspace = rows.workspace(session)
    for name, at in (("old", OLD), ("young", YOUNG)):
        seen.first_time(session, workspace, name, now=at)
    (old,) = retention.old_events(session, before=NOW, most=10)
    retention.forget_events(session, [old])
    assert seen.first_time(session, workspace, "old", now=NOW)
    assert not seen.first_time(session, workspace, "young", now=NOW)


def test_notices_of_a_request_go_once_it_has_ended_long_ago(session: Session) -> None:
    ended, late = rows.request(session, **DONE), rows.request(session, **{**DONE, "ended_at": YOUNG})
    running = rows.request(session, state=RequestState.RUNNING, created_at=OLD)
    first, dropped, *_ = (
        rows.notice(session, request_id=request.id, **{**TOLD, "state": state}).id
        for request, state in (
            (ended, NoticeState.TOLD),
            (ended, NoticeState.DROPPED),
            (late, NoticeState.TOLD),
            (running, NoticeState.TOLD),
        )
    )
    assert notices(session) == [first, dropped]
    retention.forget_notices(session, [first])
    assert notices(session) == [dropped]


@pytest.mark.parametrize("state", [NoticeState.OWED, NoticeState.SENDING, NoticeState.UNKNOWN])
def test_what_is_still_to_be_told_keeps_all_of_its_request_s(session: Session, state: NoticeState) -> None:
    ended = rows.request(session, **DONE)
    rows.notice(session, request_id=ended.id, **TOLD)
    rows.notice(session, request_id=ended.id, state=state, created_at=OLD)
    assert notices(session) == []


def test_a_notice_without_a_request_goes_once_no_request_is_open_that_is_older(session: Session) -> None:
    direct = rows.notice(session, **TOLD)
    assert notices(session) == [direct.id]
    rows.request(session, created_at=OLD + timedelta(milliseconds=1))
    assert notices(session) == [direct.id]
    waits = rows.request(session, state=RequestState.AWAITING_DECISION, created_at=OLD - SECOND)
    assert notices(session) == []
    waits.state = RequestState.EXPIRED
    session.flush()
    assert notices(session) == [direct.id]


def test_calls_go_with_a_request_that_ended_long_ago(session: Session) -> None:
    ended = rows.request(session, **DONE)
    for _ in range(2):
        rows.call(session, request_id=ended.id, state=CallState.DONE, ended_at=OLD)
    rows.request(session, **DONE)
    assert requests(session) == [ended.id]
    assert retention.forget_calls(session, ended) == 2
    assert requests(session) == []


@pytest.mark.parametrize(
    ("state", "ended_at"),
    [(CallState.DONE, YOUNG), (CallState.ACCEPTED, None), (CallState.STALLED, None), (CallState.DONE, None)],
    ids=["ended lately", "open", "stalled", "no moment"],
)
def test_one_young_or_open_call_keeps_all_of_its_request_s(session: Session, state: CallState, ended_at: Any) -> None:
    ended = rows.request(session, **DONE)
    rows.call(session, request_id=ended.id, state=CallState.DONE, ended_at=OLD)
    rows.call(session, request_id=ended.id, state=state, ended_at=ended_at)
    assert requests(session) == []


def test_the_newest_rows_stay(session: Session) -> None:
    ended = rows.request(session, **DONE)
    rows.call(session, request_id=ended.id, state=CallState.DONE, ended_at=OLD)
    rows.notice(session, request_id=ended.id, **TOLD)
    assert list(retention.old_notices(session, before=NOW, most=10)) == []
    assert list(retention.with_old_calls(session, before=NOW, most=10)) == []


def test_all_of_a_workspace_goes_when_its_time_is_over_and_nothing_of_another(session: Session) -> None:
    for workspace in ("T1", "T2"):
        _fill(session, workspace)
        session.flush()
        assert installations.end(session, workspace, now=OLD, delete_at=NOW if workspace == "T1" else NOW + SECOND)
    others = _count(session, "T2")
    assert not retention.forget_workspace(session, "T1", now=NOW, most=2)  # more than one transaction's worth
    while not retention.forget_workspace(session, "T1", now=NOW, most=2):
        session.flush()
    assert _count(session, "T1") == {}
    assert session.get(Workspace, "T1") is None
    assert retention.forget_workspace(session, "T2", now=NOW, most=2)
    assert _count(session, "T2") == others
    tables = {table.name for table in NAMING.sorted_tables}
    assert tables - others.keys() == {"process", "workspace", "spent_state"}  # of each other table there was something


def test_who_has_installed_it_again_is_not_deleted_nor_is_one_without_an_installation(session: Session) -> None:
    rows.request(session, "T1")
    _fill(session, "T2")
    assert installations.end(session, "T2", now=OLD, delete_at=NOW)
    _installed(session, "T2")
    for workspace in ("T1", "T2"):
        before = _count(session, workspace)
        assert retention.forget_workspace(session, workspace, now=NOW, most=2)
        assert _count(session, workspace) == before


def test_on_postgresql_it_holds_no_installation_while_somebody_installs_it_again(
    postgresql_pair: tuple[Session, Session],
) -> None:
    one, other = postgresql_pair
    rows.workspace(one)
    _installed(one, "T1")
    assert installations.end(one, "T1", now=OLD, delete_at=NOW)
    one.commit()
    workspaces.lock(one, "T1")

    def forget() -> bool:
        gone = retention.forget_workspace(other, "T1", now=NOW, most=2)
        other.commit()
        return gone

    with ThreadPoolExecutor(1) as thread:
        forgetting = thread.submit(forget)
        while not one.connection().exec_driver_sql("SELECT 1 FROM pg_locks WHERE NOT granted").first():
            assert not forgetting.done()
        one.connection().exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
        _installed(one, "T1")
        one.commit()
        assert forgetting.result(timeout=10)
    assert _count(one, "T1") == {"installation": 1}


def _installed(session: Session, workspace: str) -> None:
    installations.put(session, Installation(workspace_id=workspace, bot_token="sealed", installed_at=OLD))


def _fill(session: Session, workspace: str) -> None:
    """A row of each table, and some more that refer to them."""
    connection = rows.connection(session, workspace)
    for number in range(3):
        request = rows.request(session, workspace)
        rows.call(session, workspace, request_id=request.id, connection_id=connection.id)
        rows.notice(session, workspace, request_id=request.id)
        verdict: dict[str, Any] = {"round": 1, "person": "U1", "verdict": "approved", "decided_at": NOW}
        key = f"decision:{workspace}:{number}"
        session.add(Decision(workspace_id=workspace, request_id=request.id, deduplication_key=key, **verdict))
    policies.change(session, workspace, {}, after=0, by="U1", key=f"policy:{workspace}", now=NOW)
    audit.append(session, workspace, at=NOW, actor="U1", action="connect", outcome="done")
    seen.first_time(session, workspace, f"event of {workspace}", now=NOW)
    _installed(session, workspace)


def _count(session: Session, workspace: str) -> dict[str, int]:
    tables = [table for table in NAMING.sorted_tables if "workspace_id" in table.c]
    found = {
        table.name: len(session.connection().execute(table.select().where(table.c.workspace_id == workspace)).all())
        for table in tables
    }
    return {name: count for name, count in found.items() if count}
