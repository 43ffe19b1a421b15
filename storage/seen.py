"""Events that Slack delivered."""

import hashlib
from datetime import datetime

from sqlmodel import Session

from storage import once
from storage.tables import SeenEvent


def first_time(session: Session, workspace_id: str, event_id: str, *, now: datetime) -> bool:
    """Note an event; false where it was noted before."""
    event = SeenEvent(event_id=_key(workspace_id, event_id), workspace_id=workspace_id, at=now)
    return once.insert(session, event, unique="event_id") is not None


def _key(workspace_id: str, event_id: str) -> str:
    """As long as the column, however long the id is: PostgreSQL refuses what is longer."""
    return hashlib.sha256(f"{workspace_id}:{event_id}".encode()).hexdigest()
