"""What came of a create, written by its remedy."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from bot.mailapi import KeyRefused, MailAPIError, OutcomeUnknown, RateLimited, Rejected
from bot.notices import owing
from bot.operation import Operation
from bot.pace import retry_after
from bot.texts import thread
from bot.worker.ending import end_call, end_request
from bot.worker.machine import Machine, asked_pause
from storage import calls, requests
from storage.states import CallState
from storage.tables import Call

FIRST_LOOK = timedelta(seconds=2)
"""When a create whose answer was lost is looked for first: the provider queues, so it may take a moment."""
CONFLICT = 409


def write(
    machine: Machine, call: Call, operation: Operation, came: int | MailAPIError | None, session: Session
) -> None:
    """Write what came of `call` as it was begun: a task's id, none, or an error. To do so twice does no harm."""
    match came:
        case KeyRefused():
            _requeue(call, machine.clock(), came.reason, session)
        case RateLimited():
            _limited(machine, call, operation, came, session)
        case Rejected() if came.status == CONFLICT and call.grew_at is not None:
            # After a lost answer of our own it means that the call got through.
            _accepted(machine, call, None, session)
        case Rejected():
            _rejected(machine, call, came, session)
        case OutcomeUnknown():
            _unknown(machine, call, came.reason, session)
        case MailAPIError():
            _requeue(call, machine.clock() + retry_after(call.attempts, machine.pace), came.reason, session)
        case task_id:
            _accepted(machine, call, task_id, session)


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
    request = requests.lock(session, call.workspace_id, call.request_id)
    if not calls.move(session, call, CallState.SENDING, CallState.ACCEPTED, **values):
        calls.move(session, call, CallState.UNKNOWN, CallState.ACCEPTED, **values)
    if request is not None:
        end_request(session, request, now=now)


def _rejected(machine: Machine, call: Call, error: Rejected, session: Session) -> None:
    now, reason = machine.clock(), error.reason
    end_call(session, call, CallState.SENDING, CallState.FAILED, now=now, reason=reason, held=call)


def _limited(machine: Machine, call: Call, operation: Operation, error: RateLimited, session: Session) -> None:
    """A closed window of which we have no record is tried again after its length; else after what was said."""
    requests.lock(session, call.workspace_id, call.request_id)
    pause = retry_after(call.attempts, machine.pace, at_least=asked_pause(error))
    requeued = _requeue(call, machine.clock() + pause, error.reason, session)
    if requeued and operation.window is not None:
        wait(machine, call, machine.clock() + operation.window, session, thread.Closed.ELSEWHERE)


def wait(machine: Machine, call: Call, opens_at: datetime, session: Session, why: thread.Closed) -> None:
    """Wait for a window, and say until when."""
    request = requests.lock(session, call.workspace_id, call.request_id)
    calls.move(session, call, CallState.QUEUED, CallState.WAITING, due_at=opens_at, leased_until=None)
    if request is not None:
        message = thread.waits(opens_at, why)
        key = f"call:{call.id}:waits:{int(opens_at.timestamp())}"
        owing.thread(session, request, key, message, now=machine.clock())
        owing.refresh(session, request, now=machine.clock())


def open_window(machine: Machine, call: Call, session: Session) -> None:
    """The window has come: queue the call again."""
    calls.move(session, call, CallState.WAITING, CallState.QUEUED, due_at=machine.clock(), leased_until=None)


def _requeue(call: Call, due_at: datetime, reason: str, session: Session) -> bool:
    """It was certainly not sent, and is sent again later; its attempts stand in the row already.

    False where another process has found it in sending meanwhile: then it is settled as any lost one.
    """
    again: dict[str, Any] = {"due_at": due_at, "leased_until": None, "reason": reason}
    return calls.move(session, call, CallState.SENDING, CallState.QUEUED, held=call, **again)


def _unknown(machine: Machine, call: Call, reason: str, session: Session) -> None:
    """It may have happened: look for it, and never send it again blindly."""
    now = machine.clock()
    lost = {"due_at": now + FIRST_LOOK, "leased_until": None, "reason": reason, "grew_at": now}
    request = requests.lock(session, call.workspace_id, call.request_id)
    calls.move(session, call, CallState.SENDING, CallState.UNKNOWN, held=call, **lost)
    if request is not None:
        owing.refresh(session, request, now=now)
