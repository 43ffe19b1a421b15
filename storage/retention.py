"""What may go after a time: seen events, notices that were told, and calls that have ended; requests and audit stay.

Of a workspace that removed the bot all goes.
"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, delete, exists, or_, select

from storage import installations, requests, workspaces
from storage.notices import UNSETTLED
from storage.states import NOTICE_ARROWS, OPEN_CALLS, OPEN_REQUESTS, ends
from storage.tables import NAMING, Call, Installation, Notice, Request, SeenEvent, Workspace


def old_events(session: Session, *, before: datetime, most: int) -> Sequence[str]:
    """Events that were seen `before`: Slack repeats one for an hour at most."""
    return session.exec(select(SeenEvent.event_id).where(SeenEvent.at < before).limit(most)).all()


def forget_events(session: Session, ids: Sequence[str]) -> None:
    """Delete them."""
    session.exec(delete(SeenEvent).where(col(SeenEvent.event_id).in_(ids)))


def old_notices(session: Session, *, before: datetime, most: int) -> Sequence[int]:
    """Settled notices whose key nobody owes again.

    Those of a request go once it has ended `before` and nothing of it is still to be told: until then its card and the
    copies of it are found by them. One without a request goes once each request that it may be about has ended. The
    newest row stays, as SQLite would give its id away again.
    """
    other = aliased(Notice)
    unsettled = exists().where(col(other.request_id) == Notice.request_id, col(other.state).in_(UNSETTLED))
    ended = exists().where(col(Request.id) == Notice.request_id, col(Request.ended_at) < before)
    still_open = exists().where(
        col(Request.workspace_id) == Notice.workspace_id,
        col(Request.state).in_(OPEN_REQUESTS),
        col(Request.created_at) <= col(Notice.created_at),
    )
    query = (
        select(Notice.id)
        .where(col(Notice.state).in_(ends(NOTICE_ARROWS)), Notice.created_at < before)
        .where(col(Notice.id) < select(func.max(Notice.id)).scalar_subquery())
        .where(or_(ended & ~unsettled, col(Notice.request_id).is_(None) & ~still_open))
    )
    return session.exec(query.order_by(col(Notice.id)).limit(most)).all()


def forget_notices(session: Session, ids: Sequence[int]) -> None:
    """Delete them."""
    session.exec(delete(Notice).where(col(Notice.id).in_(ids)))


def with_old_calls(session: Session, *, before: datetime, most: int) -> Sequence[tuple[str, int]]:
    """Workspace and id of requests that have ended `before`, and so have all their calls, of which there are some.

    The newest call stays, as SQLite would give its id away again, which old buttons carry.
    """
    newest = select(Call.request_id).order_by(col(Call.id).desc()).limit(1).scalar_subquery()
    calls = exists().where(col(Call.request_id) == Request.id)
    young = exists().where(
        col(Call.request_id) == Request.id,
        or_(col(Call.state).in_(OPEN_CALLS), col(Call.ended_at).is_(None), col(Call.ended_at) >= before),
    )
    query = select(Request.workspace_id, Request.id).where(
        col(Request.ended_at) < before, calls, ~young, col(Request.id) != newest
    )
    return session.exec(query.order_by(col(Request.id)).limit(most)).all()


def forget_calls(session: Session, request: Request) -> int:
    """Delete a request's calls; gives how many."""
    its = delete(Call).where(col(Call.workspace_id) == request.workspace_id, col(Call.request_id) == request.id)
    return session.exec(its).rowcount


def forget_workspace(session: Session, workspace_id: str, *, now: datetime, most: int) -> bool:
    """Delete at most `most` rows of a workspace whose grace period is over; true once all are gone, its own included.

    Tables that come to be later are found by their column `workspace_id`. What others refer to goes after them.
    """
    # In the order of all others: of two that delete, leave or install there at once, one waits for the other.
    requests.lock_open(session, workspace_id)
    workspaces.lock(session, workspace_id)
    if not installations.is_to_delete(session, workspace_id, now=now):
        return True  # somebody has installed the bot again
    for table in reversed(NAMING.sorted_tables):
        if "workspace_id" in table.c and table.name != Installation.__tablename__:
            (key,) = table.primary_key
            some = sa.select(key).where(table.c.workspace_id == workspace_id).limit(most)
            if session.connection().execute(sa.delete(table).where(key.in_(some))).rowcount:
                return False
    installations.forget(session, workspace_id)
    session.exec(delete(Workspace).where(col(Workspace.id) == workspace_id))
    return True
