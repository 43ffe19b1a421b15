"""Every arrow of the four tables of states, as the architecture draws them, and no other."""

from collections.abc import Callable
from enum import StrEnum
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Engine, update
from sqlmodel import Session

from storage import calls, connections, notices, requests
from storage.states import OPEN_CALLS, CallState, ConnectionState, NoticeState, RequestState
from storage.tables import Call, Connection, Notice, Request
from tests.adapters.storage import rows

REQUEST = """
planning           awaiting_decision approved rejected expired cancelled
awaiting_decision  approved rejected expired cancelled
approved           running awaiting_decision
running            done partly_done failed
"""
CALL = """
queued    sending waiting cancelled set_aside
waiting   queued cancelled set_aside
sending   accepted queued failed unknown set_aside
accepted  done partly_done failed stalled set_aside
unknown   accepted done failed queued abandoned set_aside
stalled   accepted set_aside
"""
NOTICE = """
owed     sending
sending  told owed unknown
unknown  told owed dropped
"""
CONNECTION = """
checking  in_force refused
in_force  replaced
replaced  erased
"""
TABLES: dict[str, tuple[type[Any], type[StrEnum], Callable[..., bool], Callable[[Session], Any], str]] = {
    "request": (Request, RequestState, requests.move, rows.request, REQUEST),
    "call": (Call, CallState, calls.move, rows.call, CALL),
    "notice": (Notice, NoticeState, notices.move, rows.notice, NOTICE),
    "connection": (Connection, ConnectionState, connections.move, rows.connection, CONNECTION),
}


def arrows(drawn: str) -> set[tuple[str, str]]:
    return {(line.split()[0], after) for line in drawn.strip().splitlines() for after in line.split()[1:]}


@pytest.mark.parametrize("name", TABLES)
def test_a_row_moves_along_each_arrow_and_along_no_other(session: Session, name: str) -> None:
    table, states, move, make, drawn = TABLES[name]
    row = make(session)
    moved = set()
    for before, after in product(states, states):
        session.exec(update(table).values(state=before))
        try:
            assert move(session, row, before, after)
            moved.add((before.value, after.value))
        except ValueError:
            session.refresh(row)
            assert row.state is before
        else:
            session.refresh(row)
            assert row.state is after
    assert moved == arrows(drawn)


@pytest.mark.parametrize("name", TABLES)
def test_a_row_that_has_left_a_state_does_not_move_from_there(session: Session, name: str) -> None:
    table, states, move, make, drawn = TABLES[name]
    row = make(session)
    for (before, after), actual in product(sorted(arrows(drawn)), states):
        session.exec(update(table).values(state=actual))
        assert move(session, row, states(before), states(after)) is (actual == before)


@pytest.mark.parametrize("name", TABLES)
def test_of_many_that_move_a_row_at_once_one_wins_and_the_others_are_told_so(engine: Engine, name: str) -> None:
    _, states, move, make, drawn = TABLES[name]
    before, after = min(pair for pair in arrows(drawn) if pair[0] == drawn.split()[0])
    with Session(engine) as session, session.begin():
        row = make(session)
        session.expunge(row)
    won = rows.at_once(engine, [lambda session: move(session, row, states(before), states(after))] * 8)
    assert sorted(won) == [False] * 7 + [True]


def test_a_move_writes_the_values_that_come_with_it(session: Session) -> None:
    call = rows.call(session)
    assert calls.move(session, call, CallState.QUEUED, CallState.SENDING, sent_at=rows.NOW, attempts=3)
    session.refresh(call)
    assert (call.sent_at, call.attempts) == (rows.NOW, 3)


def test_the_loser_of_a_race_writes_nothing(session: Session) -> None:
    call = rows.call(session, state=CallState.CANCELLED)
    assert not calls.move(session, call, CallState.QUEUED, CallState.SENDING, attempts=3)
    session.refresh(call)
    assert call.attempts == 0


def test_a_call_is_open_as_long_as_an_arrow_leads_out_of_its_state() -> None:
    assert {before for before, _ in arrows(CALL)} == OPEN_CALLS
