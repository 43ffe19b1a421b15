"""Checking a key that somebody wants to connect: it takes the place of the one in force only if it works."""

from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlmodel import Session

from bot.mailapi import MailAPIError, Rejected
from bot.notices import owing
from bot.pace import retry_after
from bot.texts import forms, thread
from bot.worker.machine import KeyUnreadable, Machine
from storage import audit, calls, connections, moves, requests
from storage.tables import Connection

log = structlog.get_logger(__name__)

MOST_TRIES = 4
"""How often MailAPI may be out of reach before the person is told that the key could not be checked."""


async def check(machine: Machine, connection: Connection) -> None:
    """List the domains with the new key, and tell the person in the form and directly what came of it."""
    try:
        found = await machine.account(connection).domains.list()
    except KeyUnreadable as error:
        await machine.database.write(partial(refused, machine, connection, error.reason))
    except Rejected as error:
        await machine.database.write(partial(refused, machine, connection, forms.key_rejected(error.reason)))
    except MailAPIError as error:
        if connection.attempts + 1 >= MOST_TRIES:
            await machine.database.write(partial(refused, machine, connection, forms.KEY_UNCHECKED))
            return
        log.info("key check put off", connection=connection.id, reason=type(error).__name__)
        due_at = machine.clock() + min(retry_after(connection.attempts + 1), timedelta(seconds=4))
        await machine.database.write(
            lambda session: moves.put_off(session, connection, due_at, attempts=connection.attempts + 1)
        )
    else:
        await machine.database.write(partial(_connected, machine, connection, found.total))
        await machine.database.write(partial(_hasten, connection.workspace_id, machine.clock()))


def _connected(machine: Machine, connection: Connection, domain_count: int, session: Session) -> None:
    """Put it in force and say so; where it is the workspace's first, that is to be announced."""
    now, workspace = machine.clock(), connection.workspace_id
    before = connections.in_force(session, workspace)
    if not connections.put_in_force(session, connection, now=now, domain_count=domain_count):
        return
    view, message = (
        forms.connected(connection.last_four, domain_count),
        forms.connected_message(connection.last_four, domain_count),
    )
    key = f"connection:{connection.id}:connected"
    owing.view(session, workspace, connection.view_id or "", key, view, now=now)
    owing.direct(session, workspace, connection.connected_by, key, message, now=now)
    _audit(session, machine, connection, "replaced the one before" if before else "connected")
    log.info("key connected", workspace=workspace, connection=connection.id, domains=domain_count)


def take_up_readable(machine: Machine, session: Session) -> None:
    """Let work go on with keys that could not be decrypted and now can: somebody put the encryption key back."""
    for connection in connections.broken(session):
        if connection.reason == thread.UNREADABLE_KEY and machine.can_read(connection):
            connections.mend(session, connection)
            log.info("a stored key can be read again", workspace=connection.workspace_id, connection=connection.id)
            _hasten(connection.workspace_id, machine.clock(), session)


def _hasten(workspace: str, now: datetime, session: Session) -> None:
    """Let what waited for a key go on, and call those who may decide now.

    This has a transaction of its own: elsewhere a request's row is locked before the workspace's, which putting a key
    in force holds.
    """
    requests.hasten(session, workspace, now=now)
    requests.recall(session, workspace, now=now)
    calls.hasten(session, workspace, now=now)


def refused(machine: Machine, connection: Connection, reason: str, session: Session) -> None:
    """The key does not work: erase it and say so; the one in force stays."""
    now, workspace = machine.clock(), connection.workspace_id
    if not connections.refuse(session, connection, reason, now=now):
        return
    before = connections.in_force(session, workspace)
    in_force = before.last_four if before else None
    key = f"connection:{connection.id}:refused"
    view = forms.refused_form(reason, in_force=in_force, caller_id=connection.caller_id)
    message = forms.refused_message(connection.last_four, reason, in_force=in_force)
    owing.view(session, workspace, connection.view_id or "", key, view, now=now)
    owing.direct(session, workspace, connection.connected_by, key, message, now=now)
    _audit(session, machine, connection, "refused")
    log.info("key refused", workspace=workspace, connection=connection.id)


def _audit(session: Session, machine: Machine, connection: Connection, outcome: str) -> None:
    audit.append(
        session,
        connection.workspace_id,
        at=machine.clock(),
        actor=connection.connected_by,
        action="connect",
        outcome=outcome,
        subject=f"connection:{connection.id}",
        details={"last_four": connection.last_four, "caller_id": connection.caller_id},
    )
