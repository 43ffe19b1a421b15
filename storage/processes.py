"""Processes: which `mailroom run` are alive, and the keys that they know."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, delete, select, update

from storage.tables import Process

LIVING = timedelta(seconds=60)
"""A process that was not seen for so long is taken for gone."""
KEPT = timedelta(hours=1)
"""How long the row of one that is gone stays."""


def seen(session: Session, process: Process, *, now: datetime) -> None:
    """Note that a process is alive, and forget those that have been gone for long."""
    mine = update(Process).where(col(Process.id) == process.id)
    if not session.exec(mine.values(seen_at=now).execution_options(synchronize_session=False)).rowcount:
        session.add(Process(**{**process.model_dump(), "seen_at": now}))
    _delete(session, col(Process.seen_at) < now - KEPT)


def ended(session: Session, process_id: str) -> None:
    """Forget a process that has ended."""
    _delete(session, col(Process.id) == process_id)


def all_ended(session: Session) -> None:
    """Forget all processes, where it is known that none runs."""
    _delete(session)


def living(session: Session, *, now: datetime) -> Sequence[Process]:
    """The processes that are alive, the oldest first."""
    alive = select(Process).where(col(Process.seen_at) > now - LIVING)
    return session.exec(alive.order_by(col(Process.started_at), col(Process.id))).all()


def _delete(session: Session, *conditions: Any) -> None:
    session.exec(delete(Process).where(*conditions).execution_options(synchronize_session=False))
