"""Rows that cannot be worked on: tried a few times, then set aside with a reason, told once, in nobody's way."""

from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from bot.commands import operation_from
from bot.notices import owing
from bot.pace import retry_after
from bot.texts import thread
from bot.worker.ending import end_call, end_request
from bot.worker.machine import Machine
from storage import audit, calls, connections, moves, policies, requests
from storage.states import OPEN_CALLS, CallState, RequestState
from storage.tables import Call, Connection, Policy, Request

log = structlog.get_logger(__name__)

MOST_FAULTS = 3
"""How often a step on a row may fail in a way that nobody foresaw."""


def note_fault(machine: Machine, row: Any, reason: str, session: Session) -> None:
    """Try the row again later, or set it aside where that was tried often enough; `reason` is a few safe words."""
    now = machine.clock()
    if row.faults + 1 < MOST_FAULTS:
        again = now + retry_after(row.faults + 1, machine.pace)
        moves.put_off(session, row, again, faults=row.faults + 1)
        return
    log.error("set aside", table=type(row).__name__, row=row.id, workspace=row.workspace_id, reason=reason)
    match row:
        case Request():
            _request(session, row, reason, now=now)
        case Call():
            _call(session, row, reason, now=now)
        case Connection():
            connections.refuse(session, row, reason, now=now)
        case Policy():
            policies.told(session, row.id)
        case _:
            raise TypeError(type(row).__name__)
    audit.append(
        session,
        row.workspace_id,
        at=now,
        actor="mailroom",
        action="set aside",
        outcome="done",
        subject=f"{type(row).__name__.lower()}:{row.id}",
        details={"reason": reason},
    )


def _call(session: Session, call: Call, reason: str, *, now: datetime) -> None:
    """The call ends here, whatever MailAPI makes of it; its request ends as far as it came."""
    request = requests.lock(session, call.request_id)
    if request is None or not _readable(request):
        unreadable: dict[str, Any] = {"ended_at": now, "due_at": None, "leased_until": None, "reason": reason}
        calls.move(session, call.id, call.state, CallState.SET_ASIDE, **unreadable)
        if request is not None:
            _request(session, request, reason, now=now)
        return
    end_call(session, call, call.state, CallState.SET_ASIDE, now=now, reason=thread.SET_ASIDE)
    owing.thread(session, request, f"call:{call.id}:set_aside", thread.set_aside(request.asker), now=now)


def _request(session: Session, request: Request, reason: str, *, now: datetime) -> None:
    """The request ends here; one that cannot be read has no card to show it on, so its asker is told directly."""
    current = requests.lock(session, request.id)
    if current is None:
        return
    for call in calls.of_request(session, request.id):
        if call.state in OPEN_CALLS:
            aside: dict[str, Any] = {"ended_at": now, "due_at": None, "leased_until": None, "reason": reason}
            calls.move(session, call.id, call.state, CallState.SET_ASIDE, **aside)
    _end(session, current, now=now)
    session.refresh(current)
    message = thread.request_set_aside(current.id)
    owing.direct(session, current.workspace_id, current.asker, f"request:{current.id}:set_aside", message, now=now)
    if _readable(current):
        owing.refresh(session, current, now=now)


def _end(session: Session, request: Request, *, now: datetime) -> None:
    ended: dict[str, Any] = {"ended_at": now, "due_at": None, "leased_until": None}
    match request.state:
        case RequestState.PLANNING | RequestState.AWAITING_DECISION:
            requests.move(session, request.id, request.state, RequestState.CANCELLED, **ended)
        case RequestState.APPROVED:
            requests.move(session, request.id, RequestState.APPROVED, RequestState.RUNNING)
            requests.move(session, request.id, RequestState.RUNNING, RequestState.FAILED, **ended)
        case RequestState.RUNNING if _readable(request):
            end_request(session, request, now=now)
        case RequestState.RUNNING:
            requests.move(session, request.id, RequestState.RUNNING, RequestState.FAILED, **ended)
        case _:
            pass  # it has ended already


def _readable(request: Request) -> bool:
    try:
        operation_from(request.kind, request.parameters)
    except ValueError:
        return False
    return True
