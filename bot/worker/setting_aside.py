"""Rows that cannot be worked on: tried a few times, then set aside with a reason, told once, in nobody's way."""

from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from bot.notices import owing
from bot.pace import MOST_FAULTS, retry_after
from bot.texts import forms, thread
from bot.texts import policies as told_of_policies
from bot.worker import checking
from bot.worker.ending import audit_set_aside, end_call, note_set_aside
from bot.worker.machine import Machine
from storage import moves, policies, requests
from storage.states import CallState, ConnectionState, RequestState
from storage.tables import Call, Connection, Policy, Request

log = structlog.get_logger(__name__)

_WORKED_ON = (RequestState.PLANNING, RequestState.AWAITING_DECISION, RequestState.APPROVED)


def note_fault(machine: Machine, row: Any, reason: str, session: Session) -> None:
    """Try the row again later, or set it aside where that was tried often enough; `reason` is a few safe words."""
    now = machine.clock()
    if row.faults + 1 < MOST_FAULTS:
        again = now + retry_after(row.faults + 1, machine.pace)
        moves.put_off(session, row, again, faults=row.faults + 1)
        return
    match row:
        case Request():
            _request(session, row, reason, now=now)
            return
        case Call():
            if not _call(session, row, now=now):
                return
        case Connection(state=ConnectionState.IN_FORCE):
            moves.put_off(session, row, None)  # the key works, and only the admins were not told
        case Connection():
            checking.refused(machine, row, forms.KEY_SET_ASIDE, session)
        case Policy():
            if not policies.told(session, row):
                return
            key = f"policy:{row.id}:set_aside"
            owing.direct(session, row.workspace_id, row.changed_by, key, told_of_policies.set_aside(), now=now)
        case _:
            raise TypeError(type(row).__name__)
    log.error("set aside", table=type(row).__name__, row=row.id, workspace=row.workspace_id, reason=reason)
    audit_set_aside(session, row, reason, now=now)


def bury(row: Any, session: Session) -> None:
    """Let a row that cannot even be set aside never come due again."""
    moves.put_off(session, row, None)


def _call(session: Session, call: Call, *, now: datetime) -> bool:
    """The call ends here, whatever MailAPI makes of it; its request ends as far as it came. False where it has."""
    if not end_call(session, call, call.state, CallState.SET_ASIDE, now=now, reason=thread.SET_ASIDE):
        return False
    request = requests.lock(session, call.workspace_id, call.request_id)
    if request is not None:
        owing.thread(session, request, f"call:{call.id}:set_aside", thread.set_aside(request.asker), now=now)
    return True


def _request(session: Session, request: Request, reason: str, *, now: datetime) -> None:
    """The request ends here, before it has any calls; once it runs, its calls are what is worked on."""
    current = requests.lock(session, request.workspace_id, request.id)
    if current is None or current.state not in _WORKED_ON:
        return
    ended: dict[str, Any] = {"ended_at": now, "due_at": None, "leased_until": None}
    if current.state is RequestState.APPROVED:
        requests.move(session, request, RequestState.APPROVED, RequestState.RUNNING)
        requests.move(session, request, RequestState.RUNNING, RequestState.FAILED, **ended)
    else:
        requests.move(session, request, current.state, RequestState.CANCELLED, **ended)
    session.refresh(current)
    note_set_aside(session, current, reason, now=now)
