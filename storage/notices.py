"""Notices: the Slack messages that are owed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, text
from sqlalchemy.orm import aliased
from sqlmodel import Session, and_, col, func, or_, select, update

from storage import installations, moves, once
from storage.states import NOTICE_ARROWS, NoticeState
from storage.tables import Notice, Request, UtcDateTime, table_of

UNSETTLED = (NoticeState.OWED, NoticeState.SENDING, NoticeState.UNKNOWN)
"""The states in which a notice keeps later ones of its lane waiting."""

_UNKNOWN = moves.due(
    Notice, table_of(Notice).c.workspace_id.not_in(installations.over()), states=(NoticeState.UNKNOWN,)
)


def owe(session: Session, notice: Notice) -> Notice | None:
    """Owe a notice once: `None` where one with its key is owed or told already."""
    return once.insert(session, notice, unique="key")


def owed_edit(session: Session, request: Request, kind: str) -> Notice | None:
    """The edit of a request's root message that is owed and not begun, in which a newer one is merged."""
    query = select(Notice).where(_of(request), Notice.kind == kind, Notice.state == NoticeState.OWED)
    return session.exec(query.order_by(col(Notice.id).desc()).with_for_update()).first()


def of_kind(session: Session, request: Request, kind: str) -> Sequence[Notice]:
    """A request's notices of one kind that were not dropped."""
    query = select(Notice).where(_of(request), Notice.kind == kind, Notice.state != NoticeState.DROPPED)
    return session.exec(query.order_by(col(Notice.id))).all()


def _of(request: Request) -> Any:
    return and_(Notice.workspace_id == request.workspace_id, Notice.request_id == request.id)


def get(session: Session, workspace_id: str, notice_id: int) -> Notice | None:
    """A notice of this workspace."""
    return session.exec(select(Notice).where(Notice.workspace_id == workspace_id, Notice.id == notice_id)).first()


def owed_in_lane(session: Session, workspace_id: str, lane: str) -> bool:
    """Whether something of a lane is owed and not begun; it is not begun before this transaction ends."""
    owed = select(Notice.id).where(
        Notice.workspace_id == workspace_id, Notice.lane == lane, Notice.state == NoticeState.OWED
    )
    return session.exec(owed.with_for_update().limit(1)).first() is not None


def by_key(session: Session, workspace_id: str, key: str) -> Notice | None:
    """The notice with this key."""
    return session.exec(select(Notice).where(Notice.workspace_id == workspace_id, Notice.key == key)).first()


def root_is_out(session: Session, workspace_id: str, request_id: int) -> bool:
    """Whether a request's root message was posted, or is being posted: it does not say what comes now.

    One that is not is not begun before this transaction ends, and says what it has changed.
    """
    its_root = (Notice.workspace_id == workspace_id, Notice.key == root_key(request_id))
    owed = select(Notice.id).where(*its_root, Notice.state == NoticeState.OWED).with_for_update()
    return session.exec(owed).first() is None and session.exec(select(Notice.id).where(*its_root)).first() is not None


def root_key(request_id: int) -> str:
    """The key of the notice that is a request's root message."""
    return f"request:{request_id}:root"


def left_key(request_id: int) -> str:
    """The key of what was a request's root message, where it was left for another one."""
    return f"request:{request_id}:left"


def last_told(session: Session, request: Request, kinds: Collection[str]) -> Notice | None:
    """The newest notice of these kinds that Slack took for a request."""
    query = select(Notice).where(_of(request), col(Notice.kind).in_(kinds), Notice.state == NoticeState.TOLD)
    return session.exec(query.order_by(col(Notice.id).desc())).first()


def unsettled_of_request(session: Session, request: Request) -> Sequence[Notice]:
    """A request's notices that are still to be told, in order."""
    query = select(Notice).where(_of(request), col(Notice.state).in_(UNSETTLED))
    return session.exec(query.order_by(col(Notice.id))).all()


def redirect(session: Session, request: Request, destination: str) -> None:
    """Let the posts of a request that are not begun go somewhere else; copies and edits stay as they are."""
    owed = update(Notice).where(
        _of(request),
        col(Notice.state) == NoticeState.OWED,
        col(Notice.destination) != "",
        col(Notice.recipient).is_(None),
    )
    session.exec(owed.values(destination=destination).execution_options(synchronize_session=False))


def move(session: Session, notice: Notice, before: NoticeState, after: NoticeState, **values: Any) -> bool:
    """Move a notice by compare-and-set; false where it was no longer `before`."""
    return moves.move(session, notice, before, after, NOTICE_ARROWS, **values)


@dataclass(frozen=True)
class Spacing:
    """How many posts a destination takes, and within which time."""

    most: int
    within: timedelta


def claim(
    session: Session,
    *,
    now: datetime,
    most: int,
    spacing: Spacing | None = None,
    besides: Collection[tuple[str, str]] = (),
    busy: Collection[str] = (),
) -> Sequence[Notice]:
    """Move owed notices to `sending`, with a lease; gives them as they stand then: `attempts` counts this one.

    The first of each lane, for which the later ones wait; of each destination one at a time, with `spacing` between;
    none of `busy` workspaces, nor of the workspaces and kinds in `besides`, nor where the bot was removed. Nothing
    while another process is claiming: the next tick does.
    """
    if most <= 0:
        return []
    if not _alone(session):
        return []
    due = (
        select(Notice.id, Notice.destination)
        .where(Notice.state == NoticeState.OWED, col(Notice.due_at) <= now, ~_waits(), *_free(now, spacing))
        .where(or_(col(Notice.leased_until).is_(None), col(Notice.leased_until) <= now))
        .where(col(Notice.workspace_id).not_in(installations.over()), col(Notice.workspace_id).not_in(busy))
        .where(*(~and_(col(Notice.workspace_id) == workspace, col(Notice.kind) == kind) for workspace, kind in besides))
        .order_by(col(Notice.due_at), col(Notice.id))
        .limit(most * _LOOKED_AT)
    )
    chosen = _held_by_nobody(session, _one_each(session.exec(due).all())[:most])
    leased = moves.lease_rows(session, Notice, chosen, now=now)
    claimed = [
        notice
        for notice in leased  # one that was dropped a moment ago is not sent
        if move(session, notice, NoticeState.OWED, NoticeState.SENDING, tried_at=now, attempts=notice.attempts + 1)
    ]
    for notice in claimed:
        session.refresh(notice)
    return claimed


_CLAIMING = 0x706F7374
"""The advisory lock of whoever claims notices (PostgreSQL)."""
_LOOKED_AT = 4
"""How many rows are looked at for each that may be claimed: several may have the same destination."""


def _alone(session: Session) -> bool:
    """Whether nobody else is claiming notices now: two would each take one for the same destination."""
    if session.get_bind().dialect.name == "sqlite":
        return True
    return bool(session.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _CLAIMING}))


_earlier, _other, _recent = aliased(Notice), aliased(Notice), aliased(Notice)
"""Made once: making one costs more than asking the database, and each tick asks."""


def _waits() -> Any:
    """An earlier one of the same lane is not settled."""
    return exists().where(
        col(_earlier.lane) == Notice.lane, col(_earlier.state).in_(UNSETTLED), col(_earlier.id) < col(Notice.id)
    )


def _free(now: datetime, spacing: Spacing | None) -> Sequence[Any]:
    """Nothing is being sent to the destination, and not too much was sent to it lately."""
    nowhere = col(Notice.destination) == ""
    busy = exists().where(col(_other.destination) == Notice.destination, col(_other.state) == NoticeState.SENDING)
    if spacing is None:
        return [or_(nowhere, ~busy)]
    told = (
        select(func.count())
        .where(col(_recent.destination) == Notice.destination, col(_recent.told_at) > now - spacing.within)
        .scalar_subquery()
    )
    return [or_(nowhere, and_(~busy, told < spacing.most))]


def _one_each(due: Sequence[tuple[int, str]]) -> list[int]:
    """The first for each destination, and all that have none."""
    taken: set[str] = set()
    first = []
    for notice_id, destination in due:
        if not destination or destination not in taken:
            first.append(notice_id)
            taken.add(destination)
    return first


LIMITED = "ratelimited: "
"""Begins the reason of a notice that was put off because Slack limits a method, whose name follows."""
_now = bindparam("now", type_=UtcDateTime)
_LIMITED = (
    select(Notice.workspace_id, Notice.reason, func.max(Notice.due_at))
    .where(col(Notice.state).in_((NoticeState.OWED, NoticeState.UNKNOWN)), col(Notice.due_at) > _now)
    .where(col(Notice.reason).startswith(LIMITED))
    .group_by(col(Notice.workspace_id), col(Notice.reason))
)
"""Built once: each tick asks."""


def limited(session: Session, *, now: datetime) -> Sequence[tuple[str, str, datetime]]:
    """The workspaces and methods that Slack limits, and until when, as those say who were put off for it."""
    found = session.connection().execute(_LIMITED, {"now": now}).all()
    return [(workspace, reason.removeprefix(LIMITED), until) for workspace, reason, until in found]


def _held_by_nobody(session: Session, ids: Sequence[int]) -> Sequence[int]:
    """Those that could be locked at once: who holds one changes what it will say, and a wait might deadlock."""
    if not ids:
        return []
    return session.exec(select(Notice.id).where(col(Notice.id).in_(ids)).with_for_update(skip_locked=True)).all()


def lost_in_sending(session: Session, *, now: datetime) -> Sequence[Notice]:
    """The notices whose sender is gone."""
    query = select(Notice).where(Notice.state == NoticeState.SENDING, col(Notice.leased_until) <= now)
    return session.exec(query.with_for_update(skip_locked=True)).all()


def lock(session: Session, workspace_id: str, notice_id: int) -> Notice | None:
    """Hold a notice's row until the transaction ends, and give it as it stands now."""
    query = select(Notice).where(Notice.workspace_id == workspace_id, Notice.id == notice_id)
    query = query.with_for_update().execution_options(populate_existing=True)
    return session.exec(query).first()


def claim_unknown(session: Session, *, now: datetime, most: int) -> Sequence[Notice]:
    """Lease notices of which nobody knows whether Slack took them, old enough to be settled."""
    return moves.claim(session, Notice, _UNKNOWN, now=now, most=most)
