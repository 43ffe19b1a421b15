"""Messages that are owed: each once, in the order of its lane, and settled where nobody knows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session, select

from storage import notices
from storage.notices import UNSETTLED
from storage.states import NoticeState
from storage.tables import Notice
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW, SECOND


def claimed(session: Session) -> list[int]:
    return [notice.id for notice in notices.claim(session, now=NOW, most=9)]


def test_a_notice_is_owed_once_for_a_key(session: Session) -> None:
    rows.workspace(session)
    owed = notices.owe(session, rows.unsaved_notice(key="request:1:root", content={"text": "first"}))
    assert owed is not None
    assert notices.owe(session, rows.unsaved_notice(key="request:1:root", content={"text": "second"})) is None
    found = notices.by_key(session, "T1", "request:1:root")
    assert found is not None
    assert (found.id, found.content, found.state) == (owed.id, {"text": "first"}, NoticeState.OWED)


@pytest.mark.parametrize("state", NoticeState)
def test_a_notice_is_not_owed_again_whatever_became_of_it(session: Session, state: NoticeState) -> None:
    before = rows.notice(session, state=state)
    assert notices.owe(session, rows.unsaved_notice(key=before.key)) is None


def test_of_many_who_owe_the_same_notice_at_once_one_does_and_nothing_else_of_theirs_is_undone(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        rows.workspace(session)

    def owe(session: Session) -> bool:
        rows.request(session)
        return notices.owe(session, rows.unsaved_notice(key="one")) is not None

    assert sorted(rows.at_once(engine, [owe] * 8)) == [False] * 7 + [True]
    with Session(engine) as session:
        assert len(session.exec(select(Notice)).all()) == 1


def test_what_is_claimed_is_being_sent_and_counted_as_a_try(session: Session) -> None:
    rows.notice(session, attempts=2)
    (notice,) = notices.claim(session, now=NOW, most=1)
    assert (notice.state, notice.attempts, notice.tried_at) == (NoticeState.SENDING, 3, NOW)


@pytest.mark.parametrize("state", NoticeState)
def test_a_later_notice_of_a_lane_waits_until_the_earlier_one_is_settled(session: Session, state: NoticeState) -> None:
    first = rows.notice(session, lane="a", state=state, due_at=NOW + SECOND)
    second = rows.notice(session, lane="a")
    elsewhere = rows.notice(session, lane="b")
    assert claimed(session) == ([elsewhere.id] if state in UNSETTLED else [second.id, elsewhere.id])
    assert first.id < second.id


def test_a_lane_is_told_one_by_one_in_order(session: Session) -> None:
    made = [rows.notice(session, lane="a", due_at=NOW - number * SECOND).id for number in range(3)]
    told = []
    while found := claimed(session):
        told += found
        assert notices.move(session, session.get_one(Notice, found[0]), NoticeState.SENDING, NoticeState.TOLD)
    assert told == made


def test_a_notice_whose_sender_is_gone_is_found_after_its_lease(session: Session) -> None:
    lost = rows.notice(session, state=NoticeState.SENDING, leased_until=NOW)
    rows.notice(session, state=NoticeState.SENDING, leased_until=NOW + SECOND)
    for state in set(NoticeState) - {NoticeState.SENDING}:
        rows.notice(session, state=state, leased_until=NOW)
    assert [notice.id for notice in notices.lost_in_sending(session, now=NOW)] == [lost.id]


def test_an_unknown_notice_is_settled_when_it_is_due(session: Session) -> None:
    due = rows.notice(session, state=NoticeState.UNKNOWN, due_at=NOW)
    rows.notice(session, state=NoticeState.UNKNOWN, due_at=NOW + SECOND)
    for state in set(NoticeState) - {NoticeState.UNKNOWN}:
        rows.notice(session, state=state, due_at=NOW)
    assert [notice.id for notice in notices.claim_unknown(session, now=NOW, most=9)] == [due.id]
    assert notices.claim_unknown(session, now=NOW, most=9) == []


@pytest.mark.parametrize("state", NoticeState)
def test_a_newer_edit_is_merged_only_into_one_that_is_not_begun(session: Session, state: NoticeState) -> None:
    request = rows.request(session)
    edit = rows.notice(session, request_id=request.id, kind="edit", state=state)
    rows.notice(session, request_id=request.id, kind="thread")
    rows.notice(session, request_id=rows.request(session).id, kind="edit")
    assert notices.owed_edit(session, request, "edit") == (edit if state is NoticeState.OWED else None)


def test_the_newest_of_several_owed_edits_is_the_one_to_merge_into(session: Session) -> None:
    request = rows.request(session)
    edits = [rows.notice(session, request_id=request.id, kind="edit") for _ in range(2)]
    assert notices.owed_edit(session, request, "edit") == edits[-1]


def test_the_last_told_of_some_kinds_is_the_newest_that_slack_took(session: Session) -> None:
    request = rows.request(session)
    told = [rows.notice(session, request_id=request.id, kind="edit", state=NoticeState.TOLD) for _ in range(2)]
    rows.notice(session, request_id=request.id, kind="edit")
    rows.notice(session, request_id=request.id, kind="thread", state=NoticeState.TOLD)
    rows.notice(session, request_id=rows.request(session).id, kind="edit", state=NoticeState.TOLD)
    assert notices.last_told(session, request, ("root", "edit")) == told[-1]
    assert notices.last_told(session, request, ("root",)) is None


def test_what_a_request_is_still_owed_is_given_in_order(session: Session) -> None:
    request = rows.request(session)
    made = [rows.notice(session, request_id=request.id, state=state) for state in NoticeState]
    rows.notice(session)
    expected = [notice for notice in made if notice.state in UNSETTLED]
    assert list(notices.unsettled_of_request(session, request)) == expected
    assert expected == sorted(expected, key=lambda notice: notice.id)


def test_a_destination_gets_one_post_at_a_time_whatever_the_lanes(session: Session) -> None:
    first = rows.notice(session, lane="a", destination="T1:C1")
    second = rows.notice(session, lane="b", destination="T1:C1")
    elsewhere = rows.notice(session, lane="c", destination="T1:C2")
    assert claimed(session) == [first.id, elsewhere.id]
    assert claimed(session) == []
    notices.move(session, first, NoticeState.SENDING, NoticeState.TOLD, told_at=NOW)
    assert claimed(session) == [second.id]


def test_edits_which_have_no_destination_wait_for_nobody(session: Session) -> None:
    first, second = rows.notice(session, lane="a"), rows.notice(session, lane="b")
    assert claimed(session) == [first.id, second.id]


def test_a_destination_that_got_enough_lately_waits_until_some_of_it_is_older(session: Session) -> None:
    spacing = notices.Spacing(2, 4 * SECOND)
    for number in (1, 3):
        told_at = NOW + number * SECOND
        rows.notice(session, lane=f"told {number}", destination="T1:C1", state=NoticeState.TOLD, told_at=told_at)
    waiting = rows.notice(session, lane="a", destination="T1:C1")
    elsewhere = rows.notice(session, lane="b", destination="T1:C2")

    def claim(seconds: int) -> list[int]:
        found = notices.claim(session, now=NOW + seconds * SECOND, most=9, spacing=spacing)
        return [notice.id for notice in found]

    assert claim(4) == [elsewhere.id]
    assert claim(5) == [waiting.id]


def test_kinds_that_slack_limits_now_are_left_alone_and_others_are_not(session: Session) -> None:
    rows.notice(session, lane="a", kind="root")
    edit = rows.notice(session, lane="b", kind="edit")
    other = rows.notice(session, "T2", lane="c", kind="root")
    found = notices.claim(session, now=NOW, most=9, besides=[("T1", "root")])
    assert [notice.id for notice in found] == [edit.id, other.id]


HELD: dict[str, Callable[[Session, Notice], bool]] = {
    "a root message": lambda session, _: not notices.root_is_out(session, "T1", 1),
    "a copy": lambda session, copy: notices.owed_in_lane(session, "T1", copy.lane),
}
"""How a transaction asks whether something is not begun, and will show what it changes."""
held = pytest.mark.parametrize("is_owed", HELD.values(), ids=HELD)


def root(session: Session) -> Notice:
    notice = rows.notice(session, key=notices.root_key(1), lane="copy:1:U1")
    session.commit()
    return notice


@held
def test_what_a_transaction_has_found_owed_is_not_begun_before_its_end(
    postgresql_pair: tuple[Session, Session], is_owed: Callable[[Session, Notice], bool]
) -> None:
    changing, claiming = postgresql_pair
    notice = root(changing)
    assert is_owed(changing, notice)
    assert claimed(claiming) == []
    claiming.commit()
    changing.commit()
    assert claimed(claiming) == [notice.id]


@held
def test_what_is_being_claimed_is_waited_for_and_found_begun(
    postgresql_pair: tuple[Session, Session], is_owed: Callable[[Session, Notice], bool]
) -> None:
    changing, claiming = postgresql_pair
    notice = root(changing)
    assert claimed(claiming) == [notice.id]
    with ThreadPoolExecutor() as threads:
        asked = threads.submit(is_owed, changing, notice)
        while not asked.done() and not claiming.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            pass
        claiming.commit()
        assert not asked.result()
