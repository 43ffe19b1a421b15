"""Requests: what people asked for."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam, func, insert
from sqlmodel import Session, col, select, update

from storage import moves
from storage.states import OPEN_REQUESTS, REQUEST_ARROWS, ConnectionState, RequestState
from storage.tables import Connection, Policy, Request, table_of

_NOTHING_CAME = (RequestState.REJECTED, RequestState.EXPIRED, RequestState.CANCELLED, RequestState.FAILED)

# A person waits for these, so they are built once, and the row goes past the unit of work.
_ADD = insert(table_of(Request)).returning(table_of(Request).c.id)

_R, _C, _P = table_of(Request), table_of(Connection), table_of(Policy)
_LIKE = (
    sa.select(_R.c.id, _R.c.created_at)
    .where(
        _R.c.workspace_id == bindparam("workspace"),
        _R.c.fingerprint == bindparam("fingerprint"),
        _R.c.created_at > bindparam("since", type_=_R.c.created_at.type),
    )
    .order_by(_R.c.id.desc())
    .limit(1)
    .subquery()
)
_FORCE = (
    sa.select(_C.c.id, _C.c.broken_at)
    .where(_C.c.workspace_id == bindparam("workspace"), _C.c.state == ConnectionState.IN_FORCE)
    .subquery()
)
_FACTS = sa.select(
    sa.select(_R.c.id)
    .where(_R.c.workspace_id == bindparam("workspace"), _R.c.deduplication_key == bindparam("key"))
    .scalar_subquery()
    .label("known"),
    sa.select(_FORCE.c.id).scalar_subquery().label("connection"),
    sa.select(_FORCE.c.broken_at).scalar_subquery().label("broken"),
    sa.select(_LIKE.c.id).scalar_subquery().label("like"),
    sa.select(_LIKE.c.created_at).scalar_subquery().label("like_at"),
    sa.select(func.max(_P.c.version))
    .where(_P.c.workspace_id == bindparam("workspace"))
    .scalar_subquery()
    .label("policy"),
    sa.select(func.count())
    .select_from(_R)
    .where(_R.c.workspace_id == bindparam("workspace"), _R.c.state.in_(sorted(OPEN_REQUESTS)))
    .scalar_subquery()
    .label("open"),
)


def paused() -> Any:
    """The workspaces whose key MailAPI refuses: their work waits for the next `/mail connect`."""
    return select(Connection.workspace_id).where(
        Connection.state == ConnectionState.IN_FORCE, col(Connection.broken_at).is_not(None)
    )


_FREE = _R.c.workspace_id.not_in(bindparam("busy", expanding=True))
_AWAITING = moves.due(Request, _FREE, states=(RequestState.AWAITING_DECISION,))
_PLANNING = moves.due(
    Request, _FREE, _R.c.workspace_id.not_in(paused()), states=(RequestState.PLANNING, RequestState.APPROVED)
)


def add(session: Session, request: Request) -> Request:
    """Write a request down; gives it with its id."""
    request.id = session.execute(_ADD, request.model_dump(exclude={"id"})).scalar_one()
    return request


def get(session: Session, workspace_id: str, request_id: int) -> Request | None:
    """A request of this workspace; one of another workspace is as good as unknown."""
    return session.exec(select(Request).where(Request.workspace_id == workspace_id, Request.id == request_id)).first()


def by_key(session: Session, workspace_id: str, key: str) -> Request | None:
    """The request that was asked with this deduplication key."""
    query = select(Request).where(Request.workspace_id == workspace_id, Request.deduplication_key == key)
    return session.exec(query).first()


def move(session: Session, request: Request, before: RequestState, after: RequestState, **values: Any) -> bool:
    """Move a request by compare-and-set; false where it was no longer `before`."""
    return moves.move(session, request, before, after, REQUEST_ARROWS, **values)


def lock(session: Session, workspace_id: str, request_id: int) -> Request | None:
    """Hold the row of a request of this workspace until the transaction ends, and give it as it stands now.

    It is taken before its calls, then the workspace, then a connection: everywhere, or two would wait for each other.
    """
    query = select(Request).where(Request.workspace_id == workspace_id, Request.id == request_id)
    return session.exec(query.with_for_update(key_share=True).execution_options(populate_existing=True)).first()


@dataclass(frozen=True)
class Facts:
    """What decides whether a request may be written down."""

    known: int | None
    """The request that the same delivery made already."""
    connection: int | None
    """The connection in force, and whether MailAPI refuses its key."""
    broken: bool
    like: int | None
    """The newest request with the same fingerprint, and when it was asked."""
    like_at: datetime
    policy: int
    """The version of the policy in force, 0 for the defaults."""
    open: int
    """How many of the workspace's requests have no end yet."""


def facts(session: Session, workspace_id: str, key: str, fingerprint: str, *, since: datetime) -> Facts:
    """What decides whether a request may be written down, in one look; `like` is newer than `since`, if any."""
    values = {"workspace": workspace_id, "key": key, "fingerprint": fingerprint, "since": since}
    row = session.execute(_FACTS, values).one()
    return Facts(
        row.known, row.connection, row.broken is not None, row.like, row.like_at or since, row.policy or 0, row.open
    )


def count_open(session: Session, workspace_id: str) -> int:
    """How many of the workspace's requests have no end yet."""
    query = select(func.count()).where(Request.workspace_id == workspace_id, col(Request.state).in_(OPEN_REQUESTS))
    return session.exec(query).one()


def count_unsent(session: Session, workspace_id: str) -> int:
    """How many of the workspace's requests have no calls yet: they wait for a plan or a decision."""
    unsent = (RequestState.PLANNING, RequestState.AWAITING_DECISION, RequestState.APPROVED)
    query = select(func.count()).where(Request.workspace_id == workspace_id, col(Request.state).in_(unsent))
    return session.exec(query).one()


@dataclass(frozen=True)
class Onlooker:
    """Who looks at requests, and where: he sees those that were asked in that channel, and his own."""

    person: str
    channel: str = ""
    everything: bool = False
    """For those who may see all of the workspace's."""

    def sees(self) -> Any:
        """The condition on a request."""
        if self.everything:
            return sa.true()
        return sa.or_(col(Request.asker) == self.person, col(Request.asked_in) == self.channel)


def recent(session: Session, workspace_id: str, onlooker: Onlooker, *, most: int) -> Sequence[Request]:
    """The newest requests that somebody may see."""
    query = select(Request).where(Request.workspace_id == workspace_id, onlooker.sees())
    return session.exec(query.order_by(col(Request.id).desc()).limit(most)).all()


def open_ones(
    session: Session, workspace_id: str, onlooker: Onlooker | None = None, *, most: int | None = None
) -> Sequence[Request]:
    """The workspace's requests without an end, or those of them that somebody may see, the oldest first."""
    query = select(Request).where(Request.workspace_id == workspace_id, col(Request.state).in_(OPEN_REQUESTS))
    if onlooker is not None:
        query = query.where(onlooker.sees())
    return session.exec(query.order_by(col(Request.id)).limit(most)).all()


def lock_open(session: Session, workspace_id: str, teams: Collection[str] | None = None) -> Sequence[Request]:
    """Hold the rows of the workspace's requests without an end, the oldest first, and give them as they stand now.

    Of an organisation's they may be those that were asked in some of its `teams`.
    """
    query = select(Request).where(Request.workspace_id == workspace_id, col(Request.state).in_(OPEN_REQUESTS))
    if teams is not None:
        query = query.where(col(Request.team_id).in_(teams))
    held = query.order_by(col(Request.id)).with_for_update(key_share=True)
    return session.exec(held.execution_options(populate_existing=True)).all()


def explain(
    session: Session, request: Request, plan: dict[str, Any], *, state: RequestState = RequestState.PLANNING
) -> bool:
    """Note with its plan why nothing happens to a request that is still in `state`; false where it is not."""
    unplanned = update(Request).where(_is(request), col(Request.state) == state)
    noted = session.exec(unplanned.values(plan=plan).execution_options(synchronize_session=False))
    return noted.rowcount == 1


def settle_home(session: Session, workspace_id: str, request_id: int, *, channel: str, root_ts: str) -> None:
    """Note where the request's root message stands."""
    settled = update(Request).where(col(Request.workspace_id) == workspace_id, col(Request.id) == request_id)
    session.exec(settled.values(home_channel=channel, root_ts=root_ts).execution_options(synchronize_session=False))


def count_unapproved(
    session: Session, workspace_id: str, asker: str, domain: str, *, besides: int, around: datetime, within: timedelta
) -> int:
    """How many mailboxes a person asked for on a domain that nobody else had to agree to, `within` a time of a moment.

    Both before and after it: of two requests, the one that was asked first may be planned last.

    Those of requests of which nothing came are not counted.
    """
    query = select(func.coalesce(func.sum(col(Request.unapproved)), 0)).where(
        Request.workspace_id == workspace_id,
        Request.asker == asker,
        Request.domain == domain,
        Request.id != besides,
        Request.created_at > around - within,
        Request.created_at < around + within,
        col(Request.state).not_in(_NOTHING_CAME),
    )
    return int(session.exec(query).one())


def claim_awaiting(session: Session, *, now: datetime, most: int, busy: Sequence[str] = ()) -> Sequence[Request]:
    """Lease requests that wait for a decision and of which somebody is to be told something now."""
    return moves.claim(session, Request, _AWAITING, now=now, most=most, busy=list(busy))


def claim_planning(session: Session, *, now: datetime, most: int, busy: Sequence[str] = ()) -> Sequence[Request]:
    """Lease requests that wait for a plan, or were approved and for a second look, of workspaces that are free.

    Those are neither `busy` nor paused.
    """
    return moves.claim(session, Request, _PLANNING, now=now, most=most, busy=list(busy))


def hasten(session: Session, workspace_id: str, *, now: datetime) -> None:
    """Let the workspace's requests that wait for a plan or a second look be looked at now."""
    waiting = update(Request).where(
        col(Request.workspace_id) == workspace_id,
        col(Request.state).in_((RequestState.PLANNING, RequestState.APPROVED)),
        col(Request.due_at) > now,
    )
    session.exec(waiting.values(due_at=now).execution_options(synchronize_session=False))


def recall(session: Session, workspace_id: str, *, now: datetime) -> None:
    """Let the workspace's requests that wait for a decision be looked at again now: who may decide has changed."""
    waiting = select(Request.id).where(
        Request.workspace_id == workspace_id, Request.state == RequestState.AWAITING_DECISION
    )
    held = session.exec(waiting.order_by(col(Request.id)).with_for_update(key_share=True)).all()
    again = update(Request).where(col(Request.id).in_(held))
    session.exec(again.values(due_at=now).execution_options(synchronize_session=False))


def wake(session: Session, request: Request, *, now: datetime) -> None:
    """Let one request be looked at now, or as soon as whoever has leased it gives it back."""
    due = update(Request).where(_is(request))
    session.exec(due.values(due_at=now).execution_options(synchronize_session=False))


def _is(request: Request) -> Any:
    return sa.and_(col(Request.workspace_id) == request.workspace_id, col(Request.id) == request.id)
