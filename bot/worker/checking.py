"""Checking a key that somebody wants to connect: it takes the place of the one in force only if it works.

Whether he may connect it was asked when he submitted it; a check takes its time, so it is asked again at its end.
"""

from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.errors import TryAgain
from bot.mailapi import MailAPIError, Rejected
from bot.notices import owing
from bot.pace import retry_after
from bot.people import People
from bot.texts import forms, refusals, thread
from bot.texts.message import Block, Message
from bot.worker.machine import KeyUnreadable, Machine
from storage import audit, calls, connections, moves, requests, workspaces
from storage.tables import Connection

log = structlog.get_logger(__name__)

MOST_TRIES = 4
"""How often MailAPI or Slack may be out of reach before the person is told that the key could not be checked."""


async def check(machine: Machine, people: People, connection: Connection) -> None:
    """List the domains with the new key, and tell the person in the form and directly what came of it."""
    try:
        found = await machine.account(connection).domains.list()
        actor = await people.actor(connection.workspace_id, connection.connected_by)
    except KeyUnreadable as error:
        await machine.database.write(partial(refused, machine, connection, error.reason))
    except Rejected as error:
        await machine.database.write(partial(refused, machine, connection, forms.key_rejected(error.reason)))
    except MailAPIError as error:
        await _put_off(machine, connection, error, forms.KEY_UNCHECKED)
    except TryAgain as error:
        await _put_off(machine, connection, error, forms.PERSON_UNCHECKED)
    else:
        if await machine.database.write(partial(_connected, machine, connection, actor, found.total)):
            await machine.database.write(partial(_hasten, connection.workspace_id, machine.clock()))


async def _put_off(machine: Machine, connection: Connection, error: Exception, otherwise: str) -> None:
    """Check it again in a moment, or refuse it and say `otherwise` where that was tried often enough."""
    if connection.attempts + 1 >= MOST_TRIES:
        await machine.database.write(partial(refused, machine, connection, otherwise))
        return
    log.info("key check put off", connection=connection.id, reason=type(error).__name__)
    due_at = machine.clock() + min(retry_after(connection.attempts + 1), timedelta(seconds=4))
    await machine.database.write(
        lambda session: moves.put_off(session, connection, due_at, attempts=connection.attempts + 1)
    )


def _connected(machine: Machine, connection: Connection, actor: Actor, domain_count: int, session: Session) -> bool:
    """Put it in force and say so, where `actor` may do that now; the workspace's first one is to be announced.

    False where it is not in force: somebody else's may be by now, which he could not replace.
    """
    now, workspace = machine.clock(), connection.workspace_id
    workspaces.lock(session, workspace)  # what is in force now is so until this is committed
    before = connections.in_force(session, workspace)
    if not access.may_connect(actor, connected_by=before.connected_by if before else None):
        _forbidden(machine, connection, actor, before, session)
        return False
    if not connections.put_in_force(session, connection, now=now, domain_count=domain_count):
        return False
    view, message = (
        forms.connected(connection.last_four, domain_count),
        forms.connected_message(connection.last_four, domain_count),
    )
    key = f"connection:{connection.id}:connected"
    owing.view(session, workspace, connection.view_id or "", key, view, now=now)
    owing.direct(session, workspace, connection.connected_by, key, message, now=now)
    _audit(session, machine, connection, "replaced the one before" if before else "connected")
    log.info("key connected", workspace=workspace, connection=connection.id, domains=domain_count)
    return True


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
    before = connections.in_force(session, connection.workspace_id)
    in_force = before.last_four if before else None
    view = forms.refused_form(reason, in_force=in_force, caller_id=connection.caller_id)
    message = forms.refused_message(connection.last_four, reason, in_force=in_force)
    _refuse(machine, connection, reason, view, message, session)


def _forbidden(
    machine: Machine, connection: Connection, actor: Actor, before: Connection | None, session: Session
) -> None:
    """The key works, and whoever typed it may not connect it any more: erase it as well."""
    said, why = refusals.GUESTS, "a guest"
    if before is not None and actor.full_member:
        said, why = refusals.overtaken(before.last_four, before.connected_by), "not an admin"
    view, message = forms.forbidden(connection.last_four, said), forms.forbidden_message(connection.last_four, said)
    _refuse(machine, connection, said, view, message, session, why=why)


def _refuse(
    machine: Machine, connection: Connection, reason: str, view: Block, message: Message, session: Session, **why: str
) -> None:
    now, workspace = machine.clock(), connection.workspace_id
    if not connections.refuse(session, connection, reason, now=now):
        return
    key = f"connection:{connection.id}:refused"
    owing.view(session, workspace, connection.view_id or "", key, view, now=now)
    owing.direct(session, workspace, connection.connected_by, key, message, now=now)
    _audit(session, machine, connection, "refused", **why)
    log.info("key refused", workspace=workspace, connection=connection.id, **why)


def _audit(session: Session, machine: Machine, connection: Connection, outcome: str, **why: str) -> None:
    audit.append(
        session,
        connection.workspace_id,
        at=machine.clock(),
        actor=connection.connected_by,
        action="connect",
        outcome=outcome,
        subject=f"connection:{connection.id}",
        details={"last_four": connection.last_four, "caller_id": connection.caller_id, **why},
    )
