"""Moments that are none, and rows that are never found again where they stand in place of when a row is due.

SQLite keeps anything in any column, which is loaded as `UNREADABLE_MOMENT`. PostgreSQL has moments that Python has not,
such as `infinity`: a row with one cannot be loaded at all, as reading them leniently would make all loading slower.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Text, func, or_, select, type_coerce, update
from sqlmodel import Session

from storage.tables import Call, Connection, Notice, Policy, Request, table_of

_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
"""Between these PostgreSQL's moments are Python's as well, in whichever zone."""
_A_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] *"
_SCHEDULED = [table_of(table) for table in (Request, Call, Notice, Connection, Policy)]
SCHEDULE: Sequence[Column[Any]] = [
    *(table.c[name] for table in _SCHEDULED for name in ("due_at", "leased_until")),
    table_of(Notice).c.told_at,
]
"""When a row is due, until when it is leased, and when its destination may be posted to again."""


def garbled(session: Session) -> Sequence[Column[Any]]:
    """The columns of `SCHEDULE` in which some row has no moment."""
    none = _condition(session)
    rows = ((column, select(1).select_from(column.table).where(none(column)).limit(1)) for column in SCHEDULE)
    return [column for column, those in rows if session.execute(those).first() is not None]


def mend(session: Session, columns: Sequence[Column[Any]], *, now: datetime) -> int:
    """Put `now` where these columns hold no moment: the row is looked at again; gives how often that was."""
    none = _condition(session)
    connection = session.connection()
    return sum(
        connection.execute(update(column.table).where(none(column)).values({column: now})).rowcount
        for column in columns
    )


def _condition(session: Session) -> Callable[[Column[Any]], Any]:
    return _no_text_of if session.get_bind().dialect.name == "sqlite" else _out_of_range


def _no_text_of(column: Column[Any]) -> Any:
    """The condition that there is something, and no moment as we write it."""
    stored = type_coerce(column, Text)
    return column.is_not(None) & or_(stored.op("NOT GLOB")(_A_DAY), func.datetime(stored).is_(None))


def _out_of_range(column: Column[Any]) -> Any:
    """The condition that there is a moment that Python has not."""
    return or_(column > _LAST, column < _FIRST)
