"""What stands in a column of moments and is none: on SQLite anything, on PostgreSQL what Python has no word for."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlmodel import Session

from storage import installations, moments, notices
from storage.notices import Spacing
from storage.states import InstallationState, NoticeState
from storage.tables import UNREADABLE_MOMENT, Notice, UnreadableMoment, check_moments
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW, SECOND

NO_MOMENTS = ["soon", "", "2026-13-45 25:00:00", "2026-02-31 00:00:00x", b"\xff\x00", 17, 2.5]
NOT_OF_OURS = ["infinity", "-infinity", "12026-01-01", "0044-03-15 BC"]
garbled = pytest.mark.parametrize(
    ("url", "stored"), [("sqlite", each) for each in NO_MOMENTS], ids=repr, indirect=["url"]
)
foreign = pytest.mark.parametrize(
    ("url", "stored"), [("postgresql", each) for each in NOT_OF_OURS], ids=repr, indirect=["url"]
)


def write(session: Session, table: str, column: str, stored: object) -> None:
    session.connection().execute(text(f"UPDATE {table} SET {column} = :stored"), {"stored": stored})  # noqa: S608
    session.expire_all()


def times(notice: Notice) -> list[datetime | None]:
    return [notice.due_at, notice.leased_until, notice.told_at]


def test_no_moment_is_mended_whatever_its_year_and_fraction(session: Session) -> None:
    for moment in (NOW, NOW.replace(microsecond=1), datetime(9999, 12, 31, tzinfo=UTC), None):
        rows.notice(session, due_at=NOW, leased_until=moment, told_at=moment)
    assert list(moments.garbled(session)) == []


@garbled
def test_what_is_no_moment_is_loaded_as_long_ago_and_mended_to_now(session: Session, stored: object) -> None:
    notice = rows.notice(session)
    for column in ("due_at", "leased_until", "told_at"):
        write(session, "notice", column, stored)
    healthy = rows.notice(session, due_at=NOW - SECOND)
    assert times(notice) == [UNREADABLE_MOMENT] * 3
    with pytest.raises(UnreadableMoment, match="told_at"):
        check_moments(notice)
    found = moments.garbled(session)
    assert [str(column) for column in found] == ["notice.due_at", "notice.leased_until", "notice.told_at"]
    assert moments.mend(session, found, now=NOW) == 3
    session.expire_all()
    assert (times(notice), healthy.due_at, list(moments.garbled(session))) == ([NOW] * 3, NOW - SECOND, [])
    check_moments(notice)


@foreign
def test_what_postgresql_alone_has_a_word_for_is_mended_as_well(session: Session, stored: str) -> None:
    notice = rows.notice(session)
    for column in ("due_at", "leased_until", "told_at"):
        write(session, "notice", column, stored)
    assert moments.mend(session, moments.garbled(session), now=NOW) == 3
    session.expire_all()
    assert (times(notice), list(moments.garbled(session))) == ([NOW] * 3, [])


@pytest.mark.parametrize(("url", "stored"), [("sqlite", "soon"), ("postgresql", "infinity")], indirect=["url"])
def test_a_destination_is_free_again_where_nobody_knew_when_it_was_posted_to(session: Session, stored: object) -> None:
    rows.notice(session, destination="C1", state=NoticeState.TOLD, told_at=NOW)
    write(session, "notice", "told_at", stored)
    waiting = rows.notice(session, destination="C1")
    spacing, later = Spacing(1, SECOND), NOW + 2 * SECOND
    assert list(notices.claim(session, now=later, most=9, spacing=spacing)) == []
    moments.mend(session, moments.garbled(session), now=NOW)
    assert [notice.id for notice in notices.claim(session, now=later, most=9, spacing=spacing)] == [waiting.id]


@garbled
def test_nothing_is_deleted_where_nobody_knows_when_it_may_be(session: Session, stored: object) -> None:
    rows.installation(session, state=InstallationState.UNINSTALLED, delete_at=NOW - SECOND)
    assert list(installations.to_delete(session, now=NOW)) == ["T1"]
    write(session, "installation", "delete_at", stored)
    assert list(installations.to_delete(session, now=NOW)) == []
