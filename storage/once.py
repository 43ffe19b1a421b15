"""Inserting a row once, however many transactions try it at the same time."""

from typing import TypeVar

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from storage.tables import Notice, SeenEvent, SpentState, Workspace

Row = TypeVar("Row", Workspace, Notice, SeenEvent, SpentState)


def insert(session: Session, row: Row, *, unique: str) -> Row | None:
    """Insert `row`; `None` where another one has its value in the column `unique`.

    A transaction that is inserting the same is waited for, so that looking first would not be enough.
    """
    table = type(row)
    values = {name: value for name, value in row.model_dump().items() if (name, value) != ("id", None)}
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(**values).on_conflict_do_nothing(index_elements=[unique])
    return session.scalars(statement.returning(table)).first()
