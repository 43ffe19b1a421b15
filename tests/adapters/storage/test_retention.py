"""What may be deleted after a time, and what still needs it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from storage import retention, seen
from storage.states import CallState, NoticeState, RequestState
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
    return list(retention.with_old_calls(session, before=NOW, most=10))


def test_events_go_when_they_are_old(session: Session) -> None:
    workspace = rows.workspace(session)
    for name, at in (("old", OLD), ("young", YOUNG)):
        seen.first_time(session, workspace, name, now=at)
    assert list(retention.old_events(session, before=NOW, most=10)) == ["old"]
    retention.forget_events(session, ["old"])
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
    assert retention.forget_calls(session, ended.id) == 2
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
