"""Sending a call: written down as `sending` before the bytes leave, and what came of it afterwards."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.mailapi import KeyRefused, MailAPIError, OutcomeUnknown, RateLimited, Rejected, Unavailable
from bot.notices import owing
from bot.operation import Operation, Sight
from bot.pace import retry_after
from bot.texts import thread
from bot.worker.ending import end_call, end_request
from bot.worker.machine import Machine, NotConnected, operation_of
from bot.worker.planning import add_calls
from storage import calls, connections, moves, requests, workspaces
from storage.states import CallState
from storage.tables import Call, Connection, Request

log = structlog.get_logger(__name__)

FIRST_LOOK = timedelta(seconds=2)
"""When a create whose answer was lost is looked for first: the provider queues, so it may take a moment."""
CONFLICT = 409
TOLD_AFTER = 3
"""How many tries in vain it takes until the thread says so."""


async def send(machine: Machine, call: Call) -> None:
    """Send a queued call, unless a window is closed or its names have come to exist meanwhile."""
    operation = operation_of(call)
    try:
        connection = await machine.connection(call.workspace_id)
    except NotConnected:
        # The key was given up while the call was out, and MailAPI did not take it.
        await machine.database.write(partial(_given_up, machine, call))
        return
    try:
        sight, looked_at = await _look_again(machine, call, connection, operation)
    except KeyRefused as error:
        await machine.key_refused(connection, error)
        await _put_off(machine, call, None)
    except MailAPIError as error:
        await _put_off(machine, call, error.reason)
    else:
        begin = partial(_begin, machine, call, connection, operation, sight, looked_at)
        async with machine.turns.one():
            begun = await machine.database.write(begin)
            if begun is not None:
                await _submit(machine, begun, connection, operation)


def _given_up(machine: Machine, call: Call, session: Session) -> None:
    now, reason = machine.clock(), thread.DISCONNECTED
    end_call(session, call, CallState.QUEUED, CallState.CANCELLED, now=now, reason=reason, held=call)


def _held_by_window(
    session: Session, machine: Machine, call: Call, connection: Connection, operation: Operation
) -> bool:
    """Whether the call has to wait: for a window that our records tell, or for another call that may open one."""
    if operation.window is None:
        return False
    last = calls.last_sent(session, connection, call.domain, call.kind)
    if last is not None and last + operation.window > machine.clock():
        _wait(machine, call, last + operation.window, session, known=True)
        return True
    if calls.undecided(session, connection, call.domain, call.kind):
        calls.put_off(session, call, machine.clock() + machine.pace.first_poll)
        return True
    return False


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
    requests.lock(session, call.request_id)
    current = calls.lock(session, call.id)
    workspaces.lock(session, call.workspace_id)
    now = machine.clock()
    if current is None or not moves.holds(call, current, now=now):
        log.warning("a lease ran out before the call was sent", call=call.id, request=call.request_id)
        return None
    in_force = connections.in_force(session, call.workspace_id)
    if in_force is None or in_force.id != connection.id:
        calls.put_off(session, call, now)  # a key that was replaced meanwhile is erased where no call needs it
        return None
    if _held_by_window(session, machine, call, connection, operation):
        return None
    if sight is not None and not _still_whole(session, machine, call, operation, sight, looked_at):
        return None
    existing = call.existing if sight is None else [name for name in call.names if name in sight]
    moved = calls.move(
        session,
        call.id,
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
    request = requests.lock(session, call.request_id)
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
        calls.move(session, added.id, CallState.QUEUED, CallState.SENDING, **accepted)
        calls.move(session, added.id, CallState.SENDING, CallState.ACCEPTED, due_at=now)


async def _submit(machine: Machine, call: Call, connection: Connection, operation: Operation) -> None:
    """Send it, and write what came of it by its remedy; `call` has the lease with which it is being sent."""
    write = machine.database.write
    if not moves.lasts(call, now=machine.clock()):
        # This process stood still before the first byte left: nobody was told that it is not sent, so it may be now.
        await write(partial(_requeue, call, machine.clock(), thread.STOOD_STILL))
        return
    try:
        task_id = await operation.submit(machine.account(connection))
    except KeyRefused as error:
        await write(partial(_requeue, call, machine.clock(), error.reason))
        await machine.key_refused(connection, error)
    except RateLimited as error:
        await write(partial(_limited, machine, call, operation, error))
    except Rejected as error:
        if error.status == CONFLICT and call.grew_at is not None:
            # After a lost answer of our own it means that the call got through.
            await write(partial(_accepted, machine, call, None))
        else:
            await write(partial(_rejected, machine, call, error))
    except OutcomeUnknown as error:
        await write(partial(_unknown, machine, call, error.reason))
    except Unavailable as error:
        due_at = machine.clock() + retry_after(call.attempts, machine.pace)
        await write(partial(_requeue, call, due_at, error.reason))
    else:
        await write(partial(_accepted, machine, call, task_id))


def _accepted(machine: Machine, call: Call, task_id: int | None, session: Session) -> None:
    """MailAPI took it. A late answer still counts where the call has been found as unknown meanwhile.

    That is so whoever holds the lease now: if another process has begun to send it again, this says what there is.
    """
    now = machine.clock()
    values: dict[str, Any] = {
        "task_id": task_id,
        "due_at": now + machine.pace.next_poll(timedelta()),
        "leased_until": None,
        "attempts": 0,
        "reason": None,
    }
    request = requests.lock(session, call.request_id)
    moved = calls.move(session, call.id, CallState.SENDING, CallState.ACCEPTED, **values) or calls.move(
        session, call.id, CallState.UNKNOWN, CallState.ACCEPTED, **values
    )
    log.info("call accepted", call=call.id, request=call.request_id, task=task_id, noted=moved)
    if request is not None:
        end_request(session, request, now=now)


def _rejected(machine: Machine, call: Call, error: Rejected, session: Session) -> None:
    log.info("call rejected", call=call.id, request=call.request_id, status=error.status)
    now, reason = machine.clock(), error.reason
    end_call(session, call, CallState.SENDING, CallState.FAILED, now=now, reason=reason, held=call)


def _limited(machine: Machine, call: Call, operation: Operation, error: RateLimited, session: Session) -> None:
    """A closed window of which we have no record is tried again after its length; else after what was said."""
    requests.lock(session, call.request_id)
    requeued = _requeue(call, machine.clock() + timedelta(seconds=error.retry_after or 1), error.reason, session)
    if requeued and operation.window is not None:
        _wait(machine, call, machine.clock() + operation.window, session, known=False)


def _wait(machine: Machine, call: Call, opens_at: datetime, session: Session, *, known: bool) -> None:
    """Wait for a window, and say until when."""
    request = requests.lock(session, call.request_id)
    calls.move(session, call.id, CallState.QUEUED, CallState.WAITING, due_at=opens_at, leased_until=None)
    if request is not None:
        message = thread.waits(opens_at, known=known)
        key = f"call:{call.id}:waits:{int(opens_at.timestamp())}"
        owing.thread(session, request, key, message, now=machine.clock())
        owing.refresh(session, request, now=machine.clock())


def open_window(machine: Machine, call: Call, session: Session) -> None:
    """The window has come: queue the call again."""
    calls.move(session, call.id, CallState.WAITING, CallState.QUEUED, due_at=machine.clock(), leased_until=None)


def _requeue(call: Call, due_at: datetime, reason: str, session: Session) -> bool:
    """It was certainly not sent, and is sent again later; its attempts stand in the row already.

    False where another process has found it in sending meanwhile: then it is settled as any lost one.
    """
    log.info("call requeued", call=call.id, request=call.request_id)
    again: dict[str, Any] = {"due_at": due_at, "leased_until": None, "reason": reason}
    return calls.move(session, call.id, CallState.SENDING, CallState.QUEUED, held=call, **again)


def _unknown(machine: Machine, call: Call, reason: str, session: Session) -> None:
    """It may have happened: look for it, and never send it again blindly."""
    now = machine.clock()
    log.warning("a create's answer was lost", call=call.id, request=call.request_id)
    lost = {"due_at": now + FIRST_LOOK, "leased_until": None, "reason": reason, "grew_at": now}
    request = requests.lock(session, call.request_id)
    calls.move(session, call.id, CallState.SENDING, CallState.UNKNOWN, held=call, **lost)
    if request is not None:
        owing.refresh(session, request, now=now)


async def _put_off(machine: Machine, call: Call, unavailable: str | None) -> None:
    """Look at the call again later; from the third time on, the thread says that MailAPI is out of reach."""

    def put_off(session: Session) -> None:
        now, attempts = machine.clock(), call.attempts + 1
        request = requests.lock(session, call.request_id)
        held = calls.put_off(session, call, now + retry_after(attempts, machine.pace), attempts=attempts)
        if held and unavailable and attempts >= TOLD_AFTER and request is not None:
            owing.thread(session, request, "unavailable", thread.unavailable(unavailable), now=now)

    log.info("call put off", call=call.id, request=call.request_id)
    await machine.database.write(put_off)
