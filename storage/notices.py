"""Notices: the Slack messages that are owed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, select

from storage import moves, once
from storage.states import NOTICE_ARROWS, NoticeState
from storage.tables import Notice

UNSETTLED = (NoticeState.OWED, NoticeState.SENDING, NoticeState.UNKNOWN)
"""The states in which a notice keeps later ones of its lane waiting."""


def owe(session: Session, notice: Notice) -> Notice | None:
    """Owe a notice once: `None` where one with its key is owed or told already."""
    return once.insert(session, notice, unique="key")


def owed_edit(session: Session, request_id: int, kind: str) -> Notice | None:
    """The edit of a request's root message that is owed and not begun, in which a newer one is merged."""
    query = select(Notice).where(Notice.request_id == request_id, Notice.kind == kind, Notice.state == NoticeState.OWED)
    return session.exec(query.order_by(col(Notice.id).desc()).with_for_update()).first()


def of_kind(session: Session, request_id: int, kind: str) -> Sequence[Notice]:
    """A request's notices of one kind that were not dropped."""
    query = select(Notice).where(
        Notice.request_id == request_id, Notice.kind == kind, Notice.state != NoticeState.DROPPED
    )
    return session.exec(query.order_by(col(Notice.id))).all()


def get(session: Session, workspace_id: str, notice_id: int) -> Notice | None:
    """A notice of this workspace."""
    return session.exec(select(Notice).where(Notice.workspace_id == workspace_id, Notice.id == notice_id)).first()


def owed_in_lane(session: Session, workspace_id: str, lane: str) -> bool:
    """Whether something of a lane is owed and not begun."""
    owed = select(Notice.id).where(
        Notice.workspace_id == workspace_id, Notice.lane == lane, Notice.state == NoticeState.OWED
    )
    return session.exec(owed.with_for_update().limit(1)).first() is not None


def by_key(session: Session, workspace_id: str, key: str) -> Notice | None:
    """The notice with this key."""
    return session.exec(select(Notice).where(Notice.workspace_id == workspace_id, Notice.key == key)).first()


def root_is_out(session: Session, workspace_id: str, request_id: int) -> bool:
    """Whether a request's root message was posted, or is being posted: it does not say what comes now."""
    root = by_key(session, workspace_id, root_key(request_id))
    return root is not None and root.state is not NoticeState.OWED


def root_key(request_id: int) -> str:
    """The key of the notice that is a request's root message."""
    return f"request:{request_id}:root"


def last_told(session: Session, request_id: int, kinds: Collection[str]) -> Notice | None:
    """The newest notice of these kinds that Slack took for a request."""
    query = select(Notice).where(
        Notice.request_id == request_id, col(Notice.kind).in_(kinds), Notice.state == NoticeState.TOLD
    )
    return session.exec(query.order_by(col(Notice.id).desc())).first()


def unsettled_of_request(session: Session, request_id: int) -> Sequence[Notice]:
    """A request's notices that are still to be told, in order."""
    query = select(Notice).where(Notice.request_id == request_id, col(Notice.state).in_(UNSETTLED))
    return session.exec(query.order_by(col(Notice.id))).all()


def move(session: Session, notice_id: int, before: NoticeState, after: NoticeState, **values: Any) -> bool:
    """Move a notice by compare-and-set; false where it was no longer `before`."""
    return moves.move(session, Notice, notice_id, before, after, NOTICE_ARROWS, **values)


def claim(session: Session, *, now: datetime, most: int) -> Sequence[Notice]:
    """Move the first owed notice of each lane to `sending`, with a lease; later ones of the lane wait for it.

    Gives them as they stand then: `attempts` counts this one.
    """
    earlier = aliased(Notice)
    waits = exists().where(
        col(earlier.lane) == Notice.lane, col(earlier.state).in_(UNSETTLED), col(earlier.id) < col(Notice.id)
    )
    claimed = moves.claim(session, Notice, ~waits, states=(NoticeState.OWED,), now=now, most=most)
    for notice in claimed:
        move(session, notice.id, NoticeState.OWED, NoticeState.SENDING, tried_at=now, attempts=notice.attempts + 1)
        session.refresh(notice)
    return claimed


def lost_in_sending(session: Session, *, now: datetime) -> Sequence[Notice]:
    """The notices whose sender is gone."""
    query = select(Notice).where(Notice.state == NoticeState.SENDING, col(Notice.leased_until) <= now)
    return session.exec(query.with_for_update(skip_locked=True)).all()


def claim_unknown(session: Session, *, now: datetime, most: int) -> Sequence[Notice]:
    """Lease notices of which nobody knows whether Slack took them, old enough to be settled."""
    return moves.claim(session, Notice, states=(NoticeState.UNKNOWN,), now=now, most=most)
