"""How much waits to be worked on, and how much is being worked on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session

from storage.calls import CLAIMED
from storage.moves import Leased
from storage.notices import UNSETTLED
from storage.requests import paused
from storage.states import CallState, ConnectionState, PolicyState, RequestState
from storage.tables import Call, Connection, Notice, Policy, Request

_R = RequestState
QUEUES: dict[type[Leased], Sequence[StrEnum]] = {
    Request: (_R.PLANNING, _R.AWAITING_DECISION, _R.APPROVED),
    Call: (*CLAIMED, CallState.SENDING),
    Notice: UNSETTLED,
    Connection: (ConnectionState.CHECKING,),
    Policy: (PolicyState.UNTOLD,),
}
"""The states in which a row is something that is worked on."""


@dataclass(frozen=True)
class Depth:
    """So many rows of a table in one state are due and nobody's, and so many are somebody's."""

    table: str
    state: str
    due: int
    leased: int


def of_all(session: Session, *, now: datetime) -> Sequence[Depth]:
    """Each state of each table, also where there is nothing.

    What waits for a key that works is not among them: nothing is done of it until somebody connects one.
    """
    return [depth for table, states in QUEUES.items() for depth in _of_table(session, table, states, now)]


def _of_table(session: Session, table: type[Leased], states: Sequence[StrEnum], now: datetime) -> Iterator[Depth]:
    rows = cast("Any", table)
    leased = rows.leased_until > now
    due = and_(rows.due_at <= now, or_(rows.leased_until.is_(None), rows.leased_until <= now))
    counted = select(rows.state, func.count().filter(due), func.count().filter(leased)).where(rows.state.in_(states))
    if table in (Request, Call):
        counted = counted.where(rows.workspace_id.not_in(paused()))
    found = {state: (waiting, held) for state, waiting, held in session.execute(counted.group_by(rows.state))}
    for state in states:
        waiting, held = found.get(state, (0, 0))
        yield Depth(str(table.__tablename__), state.value, waiting, held)
