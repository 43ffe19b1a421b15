"""Moments by which rows are found; where SQLite holds something else in their place, a row may never be found."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Text, func, or_, select, type_coerce, update
from sqlmodel import Session

from storage.tables import Call, Connection, Notice, Policy, Request, table_of

_A_DAY = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] *"
_SCHEDULED = [table_of(table) for table in (Request, Call, Notice, Connection, Policy)]
SCHEDULE: Sequence[Column[Any]] = [
    *(table.c[name] for table in _SCHEDULED for name in ("due_at", "leased_until")),
    table_of(Notice).c.told_at,
]
"""When a row is due, until when it is leased, and when its destination may be posted to again."""


def garbled(session: Session) -> Sequence[Column[Any]]:
    """The columns of `SCHEDULE` in which some row has no moment; PostgreSQL takes nothing else into them."""
    if session.get_bind().dialect.name != "sqlite":
        return []
    return [column for column in SCHEDULE if session.execute(_rows_of(column)).first() is not None]


def mend(session: Session, columns: Sequence[Column[Any]], *, now: datetime) -> int:
    """Put `now` where these columns hold no moment: the row is looked at again; gives how often that was."""
    connection = session.connection()
    return sum(
        connection.execute(update(column.table).where(_none(column)).values({column: now})).rowcount
        for column in columns
    )


def _rows_of(column: Column[Any]) -> Any:
    return select(1).select_from(column.table).where(_none(column)).limit(1)


def _none(column: Column[Any]) -> Any:
    """The condition that there is something, and no moment."""
    stored = type_coerce(column, Text)
    return column.is_not(None) & or_(stored.op("NOT GLOB")(_A_DAY), func.datetime(stored).is_(None))
