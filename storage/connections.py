"""Connections: a workspace's MailAPI keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, not_
from sqlmodel import Session, col, select, update

from storage import moves, workspaces
from storage.encryption import Vault
from storage.states import CONNECTION_ARROWS, OPEN_CALLS, CallState, ConnectionState
from storage.tables import Call, Connection

PURPOSE = "mailapi-key"
"""What a connection's secret is encrypted for."""

_DUE = moves.due(Connection, states=(ConnectionState.CHECKING, ConnectionState.IN_FORCE))


def add(session: Session, connection: Connection) -> Connection:
    """Write a connection down, to be checked."""
    session.add(connection)
    session.flush()
    return connection


def sealed(vault: Vault, key: str, *, workspace: str, row: str) -> str:
    """The key encrypted for the connection of `workspace` whose `deduplication_key` is `row`, and for no other."""
    return vault.seal(key, workspace=workspace, purpose=PURPOSE, row=row)


def unsealed(vault: Vault, connection: Connection) -> str:
    """The key; raises `Undecryptable`, also where it was moved there from another row."""
    workspace, row = connection.workspace_id, connection.deduplication_key
    return vault.unseal(connection.secret or "", workspace=workspace, purpose=PURPOSE, row=row)


def by_key(session: Session, workspace_id: str, key: str) -> Connection | None:
    """The connection that this submission made already."""
    query = select(Connection).where(Connection.workspace_id == workspace_id, Connection.deduplication_key == key)
    return session.exec(query).first()


_IN_FORCE = select(Connection).where(
    Connection.workspace_id == bindparam("workspace"), Connection.state == ConnectionState.IN_FORCE
)


def in_force(session: Session, workspace_id: str) -> Connection | None:
    """The connection that new work uses; it may be broken."""
    return session.exec(_IN_FORCE, params={"workspace": workspace_id}).first()


def get(session: Session, workspace_id: str, connection_id: int) -> Connection | None:
    """A connection of this workspace, also an old one."""
    query = select(Connection).where(Connection.workspace_id == workspace_id, Connection.id == connection_id)
    return session.exec(query).first()


def to_look_with(session: Session, call: Call) -> Connection | None:
    """The connection that shows what became of a sent call: its own, unless that key is erased.

    In the place of an erased one stands the one in force, if it is of the same account; otherwise there is none.
    """
    own = get(session, call.workspace_id, call.connection_id) if call.connection_id is not None else None
    if own is not None and own.secret is not None:
        return own
    current = in_force(session, call.workspace_id)
    return current if current is None or own is None or current.caller_id == own.caller_id else None


def move(
    session: Session, connection: Connection, before: ConnectionState, after: ConnectionState, **values: Any
) -> bool:
    """Move a connection by compare-and-set; false where it was no longer `before`."""
    return moves.move(session, connection, before, after, CONNECTION_ARROWS, **values)


def put_in_force(session: Session, connection: Connection, *, now: datetime, domain_count: int) -> bool:
    """Let a checked connection take the place of the one in force; false where it was no longer being checked.

    One that takes nobody's place is due at once, to be announced.
    """
    workspaces.lock(session, connection.workspace_id)  # two that were checked at once follow one another
    checking = select(Connection.id).where(_is(connection), Connection.state == ConnectionState.CHECKING)
    if session.exec(checking.with_for_update(key_share=True)).first() is None:
        return False
    before = in_force(session, connection.workspace_id)
    if before is not None:
        move(session, before, ConnectionState.IN_FORCE, ConnectionState.REPLACED)
    moved = move(
        session,
        connection,
        ConnectionState.CHECKING,
        ConnectionState.IN_FORCE,
        checked_at=now,
        last_success_at=now,
        domain_count=domain_count,
        due_at=None if before else now,
        leased_until=None,
        attempts=0,
    )
    erase_unused(session, connection.workspace_id)
    return moved


def polled(session: Session, workspace_id: str, connection_id: int, *, now: datetime) -> None:
    """Note that MailAPI answered a question about a call."""
    answered = update(Connection).where(
        col(Connection.workspace_id) == workspace_id, col(Connection.id) == connection_id
    )
    values = {"polled_at": now, "last_success_at": now}
    session.exec(answered.values(**values).execution_options(synchronize_session=False))


def give_up(session: Session, connection: Connection) -> bool:
    """Take a connection out of force without another one; its key is erased once no call needs it."""
    moved = move(session, connection, ConnectionState.IN_FORCE, ConnectionState.REPLACED)
    erase_unused(session, connection.workspace_id)
    return moved


def given_up_last(session: Session, workspace_id: str) -> str:
    """The last four characters of the newest key that is no longer in force; empty where there was none."""
    gone = col(Connection.state).in_((ConnectionState.REPLACED, ConnectionState.ERASED))
    query = select(Connection.last_four).where(Connection.workspace_id == workspace_id, gone)
    return session.exec(query.order_by(col(Connection.id).desc()).limit(1)).first() or ""


def refuse(session: Session, connection: Connection, reason: str, *, now: datetime) -> bool:
    """End the check of a connection that does not work, and erase its key."""
    return move(
        session,
        connection,
        ConnectionState.CHECKING,
        ConnectionState.REFUSED,
        reason=reason,
        secret=None,
        checked_at=now,
        due_at=None,
        leased_until=None,
    )


def mark_broken(session: Session, connection: Connection, *, now: datetime, reason: str) -> bool:
    """Note that MailAPI refuses the key; false where that was known already."""
    unbroken = update(Connection).where(_is(connection), col(Connection.broken_at).is_(None))
    return bool(session.exec(unbroken.values(broken_at=now, reason=reason)).rowcount)


def _is(connection: Connection) -> Any:
    return and_(col(Connection.workspace_id) == connection.workspace_id, col(Connection.id) == connection.id)


def any_in_force(session: Session) -> Connection | None:
    """A connection in force of any workspace whose key works, if there is one."""
    working = select(Connection).where(
        Connection.state == ConnectionState.IN_FORCE, col(Connection.broken_at).is_(None)
    )
    return session.exec(working.limit(1)).first()


def broken(session: Session) -> Sequence[Connection]:
    """The connections in force, of all workspaces, whose key does not work."""
    return session.exec(
        select(Connection).where(Connection.state == ConnectionState.IN_FORCE, col(Connection.broken_at).is_not(None))
    ).all()


def mend(session: Session, connection: Connection) -> None:
    """Note that the key may be tried again."""
    mended = update(Connection).where(_is(connection))
    session.exec(mended.values(broken_at=None, reason=None))


def erase_unused(session: Session, workspace_id: str) -> int:
    """Erase the keys of replaced connections with which nothing is watched any more; gives how many.

    What waits for a person's answer, who may never give one, keeps no key.
    """
    lost = and_(col(Call.state) == CallState.UNKNOWN, col(Call.due_at).is_(None))
    watched = select(Call.connection_id).where(
        col(Call.state).in_(OPEN_CALLS - {CallState.STALLED}), not_(lost), col(Call.connection_id).is_not(None)
    )
    unused = update(Connection).where(
        col(Connection.workspace_id) == workspace_id,
        col(Connection.state) == ConnectionState.REPLACED,
        col(Connection.id).not_in(watched),
    )
    erased = unused.values(state=ConnectionState.ERASED, secret=None).execution_options(synchronize_session=False)
    return session.exec(erased).rowcount


def erase_all(session: Session, workspace_id: str, *, now: datetime, reason: str) -> None:
    """Take all of a workspace's keys out of use and erase them; none of its calls is open any more."""
    held = select(Connection).where(Connection.workspace_id == workspace_id, col(Connection.secret).is_not(None))
    for connection in session.exec(held.order_by(col(Connection.id)).with_for_update(key_share=True)).all():
        refuse(session, connection, reason, now=now)
        move(session, connection, ConnectionState.IN_FORCE, ConnectionState.REPLACED)
    every = update(Connection).where(col(Connection.workspace_id) == workspace_id)
    session.exec(every.values(secret=None).execution_options(synchronize_session=False))
    erase_unused(session, workspace_id)


def claim_due(session: Session, *, now: datetime, most: int) -> Sequence[Connection]:
    """Lease connections that wait to be checked or announced; a broken key in force keeps none of them waiting."""
    return moves.claim(session, Connection, _DUE, now=now, most=most)
