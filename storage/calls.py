"""Calls: the creates that requests need."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select, update

from storage import connections, moves
from storage.requests import paused
from storage.states import CALL_ARROWS, OPEN_CALLS, CallState
from storage.tables import Call, Connection, Request, table_of

TO_WATCH = (CallState.ACCEPTED,)
TO_SETTLE = (CallState.UNKNOWN,)
TO_SEND = (CallState.QUEUED, CallState.WAITING)
CLAIMED = (*TO_SEND, *TO_SETTLE, *TO_WATCH)
"""The states in which a call is something that the worker acts on when it is due."""

_C = table_of(Call)
_PUT_OFF = (
    sql_update(_C)
    .where(_C.c.id == bindparam("held_id"), _C.c.leased_until == bindparam("lease", type_=_C.c.leased_until.type))
    .values(due_at=bindparam("next", type_=_C.c.due_at.type), leased_until=None, attempts=0)
)

_TAKEN = (CallState.ACCEPTED, CallState.DONE, CallState.PARTLY_DONE, CallState.STALLED)
"""The states of a call that MailAPI took, so that its windows count from it."""


def add(session: Session, call: Call) -> Call:
    """Write a call down."""
    session.add(call)
    session.flush()
    return call


def get(session: Session, workspace_id: str, call_id: int) -> Call | None:
    """A call of this workspace."""
    return session.exec(select(Call).where(Call.workspace_id == workspace_id, Call.id == call_id)).first()


def of_request(session: Session, request: Request) -> Sequence[Call]:
    """A request's calls, in the order in which they were planned."""
    query = select(Call).where(Call.workspace_id == request.workspace_id, Call.request_id == request.id)
    return session.exec(query.order_by(col(Call.id))).all()


def open_ones(session: Session, workspace_id: str) -> Sequence[Call]:
    """The workspace's calls of which something is still to come."""
    query = select(Call).where(Call.workspace_id == workspace_id, col(Call.state).in_(OPEN_CALLS))
    return session.exec(query.order_by(col(Call.id))).all()


def unsent(session: Session, workspace_id: str) -> Sequence[Call]:
    """The workspace's calls that were never sent, or certainly not taken, and wait to be."""
    query = select(Call).where(
        Call.workspace_id == workspace_id, col(Call.state).in_((CallState.QUEUED, CallState.WAITING))
    )
    return session.exec(query.order_by(col(Call.id))).all()


def waiting(session: Session, workspace_id: str) -> Sequence[Call]:
    """The workspace's calls that wait for a window, the next to open first."""
    query = select(Call).where(Call.workspace_id == workspace_id, Call.state == CallState.WAITING)
    return session.exec(query.order_by(col(Call.due_at))).all()


def count_out(session: Session, workspace_id: str) -> int:
    """How many of the workspace's calls are with MailAPI."""
    query = select(func.count()).where(
        Call.workspace_id == workspace_id,
        col(Call.state).in_((CallState.SENDING, CallState.ACCEPTED, CallState.UNKNOWN, CallState.STALLED)),
    )
    return session.exec(query).one()


def count_watched(session: Session, workspace_id: str) -> int:
    """How many of them are watched by themselves: about the others a person was asked."""
    query = select(func.count()).where(
        Call.workspace_id == workspace_id,
        col(Call.state).in_((CallState.SENDING, CallState.ACCEPTED, CallState.UNKNOWN)),
        (col(Call.state) != CallState.UNKNOWN) | col(Call.due_at).is_not(None),
    )
    return session.exec(query).one()


def move(session: Session, call: Call, before: CallState, after: CallState, **values: Any) -> bool:
    """Move a call by compare-and-set; false where it was no longer `before`."""
    return moves.move(session, call, before, after, CALL_ARROWS, **values)


def names_in_flight(session: Session, workspace_id: str, domain: str, *, besides: int) -> set[str]:
    """The names on a domain that unfinished calls make, of all requests but `besides`."""
    query = select(Call.names).where(
        Call.workspace_id == workspace_id,
        Call.domain == domain,
        Call.request_id != besides,
        col(Call.state).in_(OPEN_CALLS),
    )
    return {name for names in session.exec(query) for name in names}


def hasten(session: Session, workspace_id: str, *, now: datetime) -> None:
    """Let the workspace's calls that wait for another try be tried now; windows stay as they are."""
    waiting = update(Call).where(
        col(Call.workspace_id) == workspace_id,
        col(Call.state).in_((CallState.QUEUED, CallState.ACCEPTED, CallState.UNKNOWN)),
        col(Call.due_at) > now,
    )
    session.exec(waiting.values(due_at=now).execution_options(synchronize_session=False))


def claim(
    session: Session,
    *,
    now: datetime,
    most: int,
    busy: Collection[str] = (),
    states: tuple[CallState, ...] = CLAIMED,
    lease: timedelta = moves.LEASE,
) -> Sequence[Call]:
    """Lease calls that are due, in one of these states, of workspaces that are neither `busy` nor paused."""
    return moves.claim(session, Call, _due(states), now=now, most=most, lease=lease, busy=list(busy))


@cache
def _due(states: tuple[CallState, ...]) -> Any:
    free = _C.c.workspace_id.not_in(bindparam("busy", expanding=True))
    return moves.due(Call, free, _C.c.workspace_id.not_in(paused()), states=states)


def claim_watched(
    session: Session, workspace_id: str, connection_id: int, kinds: Collection[str], *, now: datetime
) -> Sequence[Call]:
    """Lease the accepted calls of these kinds that one list of domains can answer together, due or not.

    Those that somebody has leased already are not among them.
    """
    query = (
        select(Call.id)
        .where(Call.workspace_id == workspace_id, Call.connection_id == connection_id)
        .where(Call.state == CallState.ACCEPTED, col(Call.kind).in_(kinds))
        .where(col(Call.leased_until).is_(None) | (col(Call.leased_until) <= now))
        .with_for_update(skip_locked=True)
    )
    return moves.lease_rows(session, Call, session.exec(query).all(), now=now)


def lock(session: Session, workspace_id: str, call_id: int) -> Call | None:
    """Hold a call's row until the transaction ends, and give it as it stands now; its request's row comes first."""
    query = select(Call).where(Call.workspace_id == workspace_id, Call.id == call_id).with_for_update(key_share=True)
    return session.exec(query.execution_options(populate_existing=True)).first()


def put_off(session: Session, call: Call, due_at: datetime | None, **values: Any) -> bool:
    """Give a leased call back, to be looked at again at `due_at`; false where it is no longer its claimer's."""
    return moves.put_off(session, call, due_at, **values)


@dataclass(frozen=True)
class PutOff:
    """A call, as it was claimed, of which MailAPI said nothing new at `looked_at`; it is due again at `due_at`."""

    call: Call
    due_at: datetime
    looked_at: datetime


def put_off_together(session: Session, looks: Sequence[PutOff]) -> None:
    """Give claimed calls back in one statement; those whose lease is another's by now stay as they are.

    In the order of their numbers, or two processes that do so at once would wait for each other.
    """
    if not looks:
        return
    looks = sorted(looks, key=lambda look: look.call.id)
    rows = [{"held_id": look.call.id, "lease": look.call.leased_until, "next": look.due_at} for look in looks]
    session.connection().execute(_PUT_OFF, rows)
    looked_at = {
        (look.call.connection_id, look.call.workspace_id): look.looked_at
        for look in looks
        if look.call.connection_id is not None
    }
    for (connection_id, workspace_id), now in sorted(looked_at.items()):
        connections.polled(session, workspace_id, connection_id, now=now)


def lost_in_sending(session: Session, *, now: datetime) -> Sequence[Call]:
    """The calls whose sender is gone: found as `sending` after its lease, so that nobody knows what came of them."""
    query = select(Call).where(Call.state == CallState.SENDING, col(Call.leased_until) <= now)
    return session.exec(query.with_for_update(skip_locked=True)).all()


def _of_key(connection: Connection) -> Any:
    """The connections with the same key and caller id, as far as what is not secret tells: windows count for a key."""
    return select(Connection.id).where(
        Connection.workspace_id == connection.workspace_id,
        Connection.caller_id == connection.caller_id,
        Connection.last_four == connection.last_four,
    )


def undecided(session: Session, connection: Connection, domain: str, kind: str, *, since: datetime) -> Sequence[Call]:
    """The calls of this kind for a domain, sent after `since`, of which nobody knows whether they were taken."""
    query = select(Call).where(
        col(Call.connection_id).in_(_of_key(connection)),
        Call.domain == domain,
        Call.kind == kind,
        col(Call.sent_at) > since,
        col(Call.state).in_((CallState.SENDING, CallState.UNKNOWN)),
    )
    return session.exec(query).all()


def sent_since(
    session: Session, connection: Connection, kind: str, *, since: datetime
) -> Sequence[tuple[str, datetime]]:
    """The domains for which a call of this kind was sent and taken after `since`, each with the last time."""
    query = select(Call.domain, func.max(Call.sent_at)).where(
        Call.workspace_id == connection.workspace_id,
        Call.connection_id == connection.id,
        Call.kind == kind,
        col(Call.sent_at) > since,
        col(Call.state).in_(_TAKEN),
    )
    return [(domain, sent_at) for domain, sent_at in session.exec(query.group_by(Call.domain)) if sent_at is not None]


def last_sent(session: Session, connection: Connection, domain: str, kind: str) -> datetime | None:
    """When the last call of this kind for a domain was sent and taken: a provider's window counts from there."""
    query = select(func.max(Call.sent_at)).where(
        col(Call.connection_id).in_(_of_key(connection)),
        Call.domain == domain,
        Call.kind == kind,
        col(Call.state).in_(_TAKEN),
    )
    return session.exec(query).one()
