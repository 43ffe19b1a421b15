"""The keys of a workspace: one in force, older ones only as long as a call needs them."""

from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from storage import connections
from storage.states import OPEN_CALLS, CallState, ConnectionState
from storage.tables import Connection
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW

IN_FORCE = ConnectionState.IN_FORCE


def put_in_force(session: Session, connection: Connection) -> bool:
    return connections.put_in_force(session, connection, now=NOW, domain_count=3)


def states(session: Session) -> list[ConnectionState]:
    session.expire_all()
    return [connection.state for connection in session.exec(select(Connection).order_by("id"))]


def test_the_database_itself_refuses_a_second_connection_in_force(session: Session) -> None:
    rows.connection(session, "T1", state=IN_FORCE)
    rows.connection(session, "T2", state=IN_FORCE)
    with pytest.raises(IntegrityError):
        rows.connection(session, "T1", state=IN_FORCE)


def test_a_checked_key_takes_the_place_of_the_one_in_force(session: Session) -> None:
    old, new = rows.connection(session, state=IN_FORCE), rows.connection(session)
    rows.call(session, connection_id=old.id, state=CallState.ACCEPTED)
    assert put_in_force(session, new)
    assert states(session) == [ConnectionState.REPLACED, IN_FORCE]
    found = connections.in_force(session, "T1")
    assert found is not None
    assert (found.id, found.domain_count, found.checked_at, found.last_success_at) == (new.id, 3, NOW, NOW)
    assert (found.due_at, found.leased_until) == (None, None)


def test_a_new_key_touches_no_other_workspace(session: Session) -> None:
    rows.connection(session, "T2", state=IN_FORCE)
    assert put_in_force(session, rows.connection(session, "T1"))
    assert states(session) == [IN_FORCE, IN_FORCE]


@pytest.mark.parametrize("state", sorted(set(ConnectionState) - {ConnectionState.CHECKING}))
@pytest.mark.parametrize("beside_one_in_force", [True, False])
def test_a_key_that_is_not_being_checked_replaces_nothing(
    session: Session, state: ConnectionState, *, beside_one_in_force: bool
) -> None:
    if beside_one_in_force and state is not IN_FORCE:
        rows.connection(session, state=IN_FORCE)
    late = rows.connection(session, state=state)
    before = states(session)
    assert not put_in_force(session, late)
    assert states(session) == before


def test_of_two_keys_that_were_checked_at_once_the_later_replaces_the_earlier(engine: Engine) -> None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        both = [rows.connection(session), rows.connection(session)]
    assert rows.at_once(engine, [lambda s, c=c: put_in_force(s, c) for c in both]) == [True, True]  # type: ignore[misc]
    with Session(engine) as session:
        assert sorted(states(session)) == [ConnectionState.ERASED, IN_FORCE]


def test_a_refused_key_is_erased_and_the_one_in_force_stays(session: Session) -> None:
    rows.connection(session, state=IN_FORCE)
    new = rows.connection(session)
    assert connections.refuse(session, new, "Invalid API key", now=NOW)
    assert states(session) == [IN_FORCE, ConnectionState.REFUSED]
    assert (new.secret, new.reason, new.checked_at, new.due_at) == (None, "Invalid API key", NOW, None)
    assert not connections.refuse(session, new, "again", now=NOW)


def test_that_a_key_is_broken_is_news_once(session: Session) -> None:
    connection = rows.connection(session, state=IN_FORCE)
    assert connections.mark_broken(session, connection, now=NOW, reason="Invalid API key")
    assert not connections.mark_broken(session, connection, now=NOW, reason="again")
    session.refresh(connection)
    assert (connection.broken_at, connection.reason) == (NOW, "Invalid API key")
    assert connections.in_force(session, "T1") is not None


@pytest.mark.parametrize("state", CallState)
def test_a_replaced_key_is_erased_exactly_when_no_open_call_uses_it(session: Session, state: CallState) -> None:
    old = rows.connection(session, state=ConnectionState.REPLACED)
    rows.call(session, connection_id=old.id, state=state)
    rows.call(session, connection_id=old.id, state=CallState.DONE)
    rows.call(session, connection_id=None)
    # About one that stalled a person was asked, who may never answer.
    needed = state in OPEN_CALLS - {CallState.STALLED}
    assert connections.erase_unused(session, "T1") == (0 if needed else 1)
    session.refresh(old)
    expected: tuple[Any, ...] = (ConnectionState.REPLACED, "sealed") if needed else (ConnectionState.ERASED, None)
    assert (old.state, old.secret) == expected


def test_the_key_of_a_lost_call_is_erased_when_a_person_is_asked(session: Session) -> None:
    old = rows.connection(session, state=ConnectionState.REPLACED)
    looked_for = rows.call(session, connection_id=old.id, state=CallState.UNKNOWN, due_at=NOW)
    assert connections.erase_unused(session, "T1") == 0
    looked_for.due_at = None
    session.flush()
    assert connections.erase_unused(session, "T1") == 1


@pytest.mark.parametrize(
    ("caller_id", "stands_in"), [(123, True), (124, False), (None, False)], ids=["same account", "another one", "none"]
)
def test_in_the_place_of_an_erased_key_stands_the_one_in_force_of_the_same_account(
    session: Session, caller_id: int | None, *, stands_in: bool
) -> None:
    old = rows.connection(session, state=ConnectionState.REPLACED, caller_id=123)
    call = rows.call(session, connection_id=old.id)
    current = rows.connection(session, state=IN_FORCE, caller_id=caller_id) if caller_id else None
    assert connections.to_look_with(session, call) == old
    old.secret = None
    session.flush()
    assert connections.to_look_with(session, call) == (current if stands_in else None)


@pytest.mark.parametrize("state", sorted(set(ConnectionState) - {ConnectionState.REPLACED}))
def test_only_replaced_keys_are_erased(session: Session, state: ConnectionState) -> None:
    connection = rows.connection(session, state=state)
    assert connections.erase_unused(session, "T1") == 0
    session.refresh(connection)
    assert (connection.state, connection.secret) == (state, "sealed")


def test_the_keys_of_another_workspace_are_not_erased(session: Session) -> None:
    rows.connection(session, "T2", state=ConnectionState.REPLACED)
    assert connections.erase_unused(session, "T1") == 0


def test_a_submission_that_is_delivered_again_is_known_by_its_key(session: Session) -> None:
    connection = connections.add(session, _unsaved(session, "view:1:hash"))
    assert connections.by_key(session, "T1", "view:1:hash") == connection
    assert connections.by_key(session, "T1", "view:2:hash") is None
    with pytest.raises(IntegrityError):
        connections.add(session, _unsaved(session, "view:1:hash"))


def _unsaved(session: Session, key: str) -> Connection:
    return Connection(
        workspace_id=rows.workspace(session),
        secret="sealed",
        caller_id=1,
        last_four="4Abc",
        connected_by="U1",
        deduplication_key=key,
        created_at=NOW,
    )
