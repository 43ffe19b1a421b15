"""Changing a state by compare-and-set, and leasing rows that are due."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Integer, Select, and_, bindparam, or_, select, update
from sqlmodel import Session

from storage.states import CallState, NoticeState, State
from storage.tables import Call, Connection, Notice, Policy, Request, UtcDateTime, table_of

LEASE = timedelta(seconds=30)
"""How long a claimed row is its claimer's: a process that dies loses it after this long."""

Stateful = TypeVar("Stateful", Request, Call, Notice, Connection, Policy)
Leased = Request | Call | Notice | Connection | Policy

_NEVER = datetime.max.replace(tzinfo=UTC)
_STEPS = "mailroom_steps"


@dataclass(frozen=True)
class Step:
    """A row that a transaction has moved to the state `after`; `kind` is empty where its table has none."""

    table: str
    kind: str
    after: str


def steps(session: Session) -> Sequence[Step]:
    """What the transaction of this session has moved so far, in order."""
    return cast("list[Step]", session.info.get(_STEPS, []))


def move(
    session: Session,
    row: Leased,
    before: State,
    after: State,
    arrows: Mapping[State, frozenset[State]],
    *,
    held: Leased | None = None,
    **values: Any,
) -> bool:
    """Move `row` from `before` to `after` and set `values`; false where it was no longer `before`.

    Rows are moved and given back, never numbers: a number may come from anywhere, a row was looked up by workspace.

    With `held`, the row as it was claimed, also where its lease is no longer that one. Raises `ValueError` for an
    arrow that the table of states does not have.
    """
    if after not in arrows[before]:
        raise ValueError(f"No {type(row).__name__} moves from {before} to {after}.")
    columns = cast("Any", type(row))
    statement = update(type(row)).where(_is(row), columns.state == before).values(state=after, **values)
    if held is not None:
        statement = statement.where(_lease_of(held))
    statement = statement.returning(getattr(columns, "kind", columns.id))
    moved = session.execute(statement, execution_options={"synchronize_session": False}).scalars().all()
    if not moved:
        return False
    kind = moved[0] if isinstance(moved[0], str) else ""
    session.info.setdefault(_STEPS, []).append(Step(str(type(row).__tablename__), kind, after.value))
    return True


def due(table: type[Leased], *conditions: Any, states: Collection[Any]) -> Select[Any]:
    """The ids of `most` due rows in one of `states`, the longest due first, that nobody has leased `now`.

    For `claim`. Built once for each kind of claim: each tick claims, and building costs more than asking.
    """
    columns, now = table_of(table).c, bindparam("now", type_=UtcDateTime)
    return (
        select(columns.id)
        .where(columns.state.in_(states), columns.due_at <= now, *conditions)
        .where(or_(columns.leased_until.is_(None), columns.leased_until <= now))
        .order_by(columns.due_at, columns.id)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )


def claim(
    session: Session,
    table: type[Stateful],
    due_ones: Select[Any],
    *,
    now: datetime,
    most: int,
    lease: timedelta = LEASE,
    **values: Any,
) -> Sequence[Stateful]:
    """Lease at most `most` rows of those that are `due`; `values` are for what else that asks for.

    A leased row is left alone until its lease ends; rows that another process is claiming are skipped.
    """
    if most <= 0:
        return []  # to SQLite a negative limit is none
    ids = session.connection().execute(due_ones, {"now": now, "most": most, **values}).scalars().all()
    return lease_rows(session, table, ids, now=now, lease=lease)


def lease_rows(
    session: Session, table: type[Stateful], ids: Collection[int], *, now: datetime, lease: timedelta = LEASE
) -> Sequence[Stateful]:
    """Lease rows that this transaction has locked, and give them as they stand then, the longest due first."""
    if not ids:
        return []
    values, as_it_stands = {"ids": list(ids), "until": now + lease}, {"populate_existing": True}
    rows = session.execute(_lease(table), values, execution_options=as_it_stands).scalars().all()
    return sorted(rows, key=_longest_due)


@cache
def _lease(table: type[Leased]) -> Any:
    its = table_of(table)
    leased = update(its).where(its.c.id.in_(bindparam("ids", expanding=True)))
    leased = leased.values(leased_until=bindparam("until", type_=UtcDateTime))
    return select(table).from_statement(leased.returning(*its.c))


def _longest_due(row: Leased) -> tuple[datetime, int]:
    return (row.due_at or _NEVER, row.id)


def release(session: Session) -> None:
    """End the leases of a process that is gone, where no other one can have any.

    What it was sending stays leased: nobody knows yet what came of that.
    """
    being_sent = {Call: CallState.SENDING, Notice: NoticeState.SENDING}
    for table in (Request, Call, Notice, Connection, Policy):
        columns = cast("Any", table)
        leased = update(table).where(columns.leased_until.is_not(None))
        if table in being_sent:
            leased = leased.where(columns.state != being_sent[table])
        session.execute(leased.values(leased_until=None), execution_options={"synchronize_session": False})


def put_off(session: Session, row: Leased, due_at: datetime | None, **values: Any) -> bool:
    """Give a leased row back, to be looked at again at `due_at` (`None`: not by itself).

    False where its lease is no longer the one that `row` was claimed with: then it is another's to give back.
    """
    given = update(type(row)).where(_is(row), _lease_of(row)).values(due_at=due_at, leased_until=None, **values)
    result = cast("CursorResult[Any]", session.execute(given, execution_options={"synchronize_session": False}))
    return result.rowcount == 1


def _is(row: Leased) -> Any:
    """The condition that it is this row, and of this workspace."""
    columns = cast("Any", type(row))
    return and_(columns.id == row.id, columns.workspace_id == row.workspace_id)


def _lease_of(row: Leased) -> Any:
    """The condition that nobody else has claimed a row since it was read: each claim ends at a moment of its own."""
    return cast("Any", type(row)).leased_until.is_not_distinct_from(row.leased_until)


def holds(claimed: Leased, current: Leased | None, *, now: datetime) -> bool:
    """Whether a row, as it is `current`ly locked, is still its claimer's: neither over nor another's.

    A process that was frozen finds out here what became of its claim meanwhile.
    """
    return current is not None and current.leased_until == claimed.leased_until and lasts(claimed, now=now)


def lasts(claimed: Leased, *, now: datetime) -> bool:
    """Whether a claimed row's lease is not over; while it lasts nobody else claims the row."""
    return claimed.leased_until is not None and claimed.leased_until > now
