"""Sending a call: written down as `sending` before the bytes leave, and what came of it afterwards."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.mailapi import KeyRefused, MailAPIError, NotFound, OutcomeUnknown, Rejected
from bot.notices import owing
from bot.operation import Operation, Sight
from bot.pace import retry_after
from bot.texts import thread
from bot.worker import outcomes
from bot.worker.departure import Begin, Departure
from bot.worker.ending import end_call
from bot.worker.machine import Machine, NotConnected, asked_pause, operation_of
from bot.worker.planning import add_calls, unknown_domain
from storage import calls, connections, moves, requests, workspaces
from storage.states import CallState
from storage.tables import Call, Connection, Request

log = structlog.get_logger(__name__)

TOLD_AFTER = 3
"""How many tries in vain it takes until the thread says so."""


async def send(machine: Machine, call: Call) -> None:
    """Send a queued call, unless a window is closed or its names have come to exist meanwhile."""
    operation = operation_of(call)
    try:
        connection = await machine.connection(call.workspace_id)
    except NotConnected:
        # The key was given up while the call was out, and MailAPI did not take it.
        await machine.database.write(partial(_never_sent, machine, call, thread.DISCONNECTED))
        return
    try:
        sight, looked_at = await _look_again(machine, call, connection, operation)
    except KeyRefused as error:
        await machine.key_refused(connection, error)
        await _put_off(machine, call, None)
    except NotFound as error:
        reason = await unknown_domain(machine, connection, operation, error)
        await machine.database.write(partial(_never_sent, machine, call, reason))
    except Rejected as error:
        await machine.database.write(partial(_never_sent, machine, call, error.reason))
    except MailAPIError as error:
        await _put_off(machine, call, error.reason, asked_pause(error))
    else:
        begin = partial(_begin, machine, call, connection, operation, sight, looked_at)
        async with machine.turns.one():
            await _submit(machine, call, connection, operation, begin)


def _never_sent(machine: Machine, call: Call, reason: str, session: Session) -> None:
    end_call(session, call, CallState.QUEUED, CallState.CANCELLED, now=machine.clock(), reason=reason, held=call)


def _held_by_window(
    session: Session, machine: Machine, call: Call, connection: Connection, operation: Operation
) -> bool:
    """Whether the call has to wait: for a window that our records tell, or for another call that may have closed it."""
    if operation.window is None:
        return False
    now = machine.clock()
    last = calls.last_sent(session, connection, call.domain, call.kind)
    if last is not None and last + operation.window > now:
        outcomes.wait(machine, call, last + operation.window, session, thread.Closed.TAKEN)
        return True
    undecided = calls.undecided(session, connection, call.domain, call.kind, since=now - operation.window)
    if not undecided:
        return False
    if any(other.state is CallState.SENDING or other.due_at is not None for other in undecided):
        calls.put_off(session, call, now + machine.pace.first_poll)
    else:
        # A person was asked, who may never answer.
        opens_at = max(other.sent_at or now for other in undecided) + operation.window
        outcomes.wait(machine, call, opens_at, session, thread.Closed.LOST)
    return True


async def _look_again(
    machine: Machine, call: Call, connection: Connection, operation: Operation
) -> tuple[Sight | None, datetime]:
    """What exists now; `None` where the plan's look is fresh enough to stand for it."""
    if call.looked_at is not None and call.looked_at > machine.clock() - machine.pace.look_kept:
        return None, call.looked_at
    return await machine.look(connection, operation)


def _begin(
    machine: Machine,
    call: Call,
    connection: Connection,
    operation: Operation,
    sight: Sight | None,
    looked_at: datetime,
    session: Session,
) -> Call | None:
    """Move the call to `sending` with what existed before it, and give it as it stands then, with a lease for that.

    `None` where it must not be sent as it is, or was taken over by another process while this one looked.
    """
    # A request, its calls, the workspace: in this order, as everywhere, or two transactions would deadlock.
    requests.lock(session, call.workspace_id, call.request_id)
    current = calls.lock(session, call.workspace_id, call.id)
    workspaces.lock(session, call.workspace_id)
    now = machine.clock()
    if current is None or not moves.holds(call, current, now=now):
        log.warning("a lease ran out before the call was sent", call=call.id, request=call.request_id)
        return None
    in_force = connections.in_force(session, call.workspace_id)
    # A key that was replaced meanwhile is erased where no call needs it.
    if machine.ending or in_force is None or in_force.id != connection.id:
        calls.put_off(session, call, now)
        return None
    if _held_by_window(session, machine, call, connection, operation):
        return None
    if sight is not None and not _still_whole(session, machine, call, operation, sight, looked_at):
        return None
    existing = call.existing if sight is None else [name for name in call.names if name in sight]
    moved = calls.move(
        session,
        call,
        CallState.QUEUED,
        CallState.SENDING,
        connection_id=connection.id,
        existing=existing,
        looked_at=looked_at,
        sent_at=now,
        watch_until=now + machine.pace.watch_for,
        leased_until=now + moves.LEASE,
        attempts=call.attempts + 1,
    )
    session.refresh(current)
    return current if moved else None


def _still_whole(
    session: Session, machine: Machine, call: Call, operation: Operation, sight: Sight, looked_at: datetime
) -> bool:
    """Whether all of the call's names are still missing; where not, calls for the missing ones take its place."""
    request = requests.lock(session, call.workspace_id, call.request_id)
    if request is None:
        return False
    late = _late(call, sight)
    taken = {name: sight[name].word for name in call.names if name in sight and name not in late}
    in_flight = calls.names_in_flight(session, call.workspace_id, call.domain, besides=call.request_id)
    left = operation.without({*late, *taken, *in_flight})
    if left == (operation,):
        return True
    now = machine.clock()
    _note_taken(session, request, taken, in_flight & set(call.names) - taken.keys() - late)
    add_calls(session, request, left, sight, looked_at, now=now)
    if late:
        _claim_late(session, machine, request, call, operation.without(set(call.names) - late))
    else:
        names = sum(len(part.names()) for part in left)
        note = thread.reduced(operation.counted(names), existing=len(call.names) - names)
        owing.thread(session, request, f"call:{call.id}:reduced", note, now=now)
    end_call(session, call, CallState.QUEUED, CallState.CANCELLED, now=now)
    return False


def _late(call: Call, sight: Sight) -> set[str]:
    """What a call that is sent again made after all: there now, and not there before it was sent first."""
    if call.grew_at is None:
        return set()
    return {name for name in call.names if name in sight and name not in (call.existing or ())}


def _note_taken(session: Session, request: Request, taken: Mapping[str, str], in_flight: Collection[str]) -> None:
    """Names that came to exist, or were asked for elsewhere, since the plan."""
    plan = dict(request.plan or {})
    plan["existing"] = {**plan.get("existing", {}), **taken}
    plan["in_flight"] = sorted({*plan.get("in_flight", ()), *in_flight})
    request.plan = plan
    session.add(request)


def _claim_late(session: Session, machine: Machine, request: Request, call: Call, made: Collection[Operation]) -> None:
    """Watch what the first sending made, as calls that were accepted without a task."""
    now = machine.clock()
    accepted = {
        "connection_id": call.connection_id,
        "sent_at": call.sent_at,
        "watch_until": now + machine.pace.watch_for,
    }
    for added in add_calls(session, request, made, call.existing or (), call.looked_at, now=now):
        calls.move(session, added, CallState.QUEUED, CallState.SENDING, **accepted)
        calls.move(session, added, CallState.SENDING, CallState.ACCEPTED, due_at=now)


async def _submit(machine: Machine, call: Call, connection: Connection, operation: Operation, begin: Begin) -> None:
    """Send it, and write what came of it by its remedy."""
    departure = Departure(machine.database, machine.clock, begin)
    came: int | MailAPIError | None
    try:
        came = await operation.submit(machine.account(connection, depart=departure.approve))
    except MailAPIError as error:
        came = error
    begun = await departure.begun()
    if begun is not None:
        _log_answer(begun, came)  # before it is written, which may take a while and be cut off by the process's end
        await machine.database.persist(partial(outcomes.write, machine, begun, operation, came), call=begun.id)
    elif isinstance(came, MailAPIError) and not departure.asked:
        await _put_off(machine, call, None if isinstance(came, KeyRefused) else came.reason)  # it never connected
    if isinstance(came, KeyRefused):
        await machine.key_refused(connection, came)


def _log_answer(call: Call, came: int | MailAPIError | None) -> None:
    about: dict[str, Any] = {"call": call.id, "request": call.request_id}
    if isinstance(came, OutcomeUnknown):
        log.warning("a create's answer was lost", **about)
    elif isinstance(came, MailAPIError):
        log.info("create refused", error=type(came).__name__, status=getattr(came, "status", None), **about)
    else:
        log.info("create accepted", task=came, **about)


async def _put_off(machine: Machine, call: Call, unavailable: str | None, pause: timedelta = timedelta()) -> None:
    """Look at the call again, after a `pause` at least; from the third time on, the thread says why."""

    def put_off(session: Session) -> None:
        now, attempts = machine.clock(), call.attempts + 1
        request = requests.lock(session, call.workspace_id, call.request_id)
        wait = retry_after(attempts, machine.pace, at_least=pause)
        held = calls.put_off(session, call, now + wait, attempts=attempts)
        if held and unavailable and attempts >= TOLD_AFTER and request is not None:
            owing.thread(session, request, "unavailable", thread.unavailable(unavailable), now=now)

    log.info("call put off", call=call.id, request=call.request_id)
    await machine.database.write(put_off)
