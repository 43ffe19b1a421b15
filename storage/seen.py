"""Events that Slack delivered."""

from datetime import datetime

from sqlmodel import Session

from storage.tables import SeenEvent


def first_time(session: Session, workspace_id: str, event_id: str, *, now: datetime) -> bool:
    """Note an event; false where it was noted before."""
    if session.get(SeenEvent, event_id) is not None:
        return False
    session.add(SeenEvent(event_id=event_id, workspace_id=workspace_id, at=now))
    session.flush()
    return True
