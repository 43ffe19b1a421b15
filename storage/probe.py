"""Whether the database takes anything: a claim that finds nothing due writes nothing, even onto a full disk."""

from datetime import UTC, datetime

from sqlalchemy import delete, insert
from sqlmodel import Session

from storage.tables import Workspace, table_of

SIZE = 16_384
"""So many characters need new pages, as what people ask for may."""
_PROBE = "probe"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write(session: Session) -> None:
    """Write a row and take it back, in one transaction; raises what a command would meet."""
    table = table_of(Workspace)
    session.execute(delete(table).where(table.c.id == _PROBE))
    # Past the unit of work, which would know the row afterwards.
    row = {"id": _PROBE, "name": "x" * SIZE, "bot_user_id": "", "created_at": _EPOCH}
    session.execute(insert(table).values(**row))
    session.execute(delete(table).where(table.c.id == _PROBE))
