"""The end of a call, and of the request whose last call it was."""

from collections import Counter
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from bot.mrkdwn import cut
from bot.notices import owing
from bot.progress import Plan, Progress
from bot.texts import deciding, thread
from storage import audit, calls, connections, requests
from storage.states import OPEN_CALLS, CallState, RequestState
from storage.tables import Call, Connection, Policy, Request

log = structlog.get_logger(__name__)

MOST_CALLS = 20
"""How many calls of a request the audit tells one by one; it counts the others."""
MOST_ANSWERS = 10
LONGEST_REASON = 300


def end_call(
    session: Session, call: Call, before: CallState, after: CallState, *, now: datetime, **values: Any
) -> bool:
    """Move a call to its end, and its request too where nothing else of it is open; false where another was first."""
    request = requests.lock(session, call.workspace_id, call.request_id)
    moved = calls.move(session, call, before, after, ended_at=now, due_at=None, leased_until=None, **values)
    if moved and request is not None:
        session.expire_all()
        end_request(session, request, now=now)
    return moved


def end_request(session: Session, request: Request, *, now: datetime) -> None:
    """Show how far the request is, and say its end in the thread where all its calls have ended."""
    open_calls = [call for call in calls.of_request(session, request) if call.state in OPEN_CALLS]
    if open_calls or request.state is not RequestState.RUNNING:
        owing.refresh(session, request, now=now)
        return
    try:
        progress = owing.progress_of(session, request)
    except ValueError:
        _end_unread(session, request, now=now)
        return
    requests.move(session, request, RequestState.RUNNING, progress.end, ended_at=now)
    session.refresh(request)
    progress = owing.progress_of(session, request)
    owing.refresh(session, request, now=now)
    owing.thread(session, request, "completion", thread.completion(progress), now=now)
    file = thread.outcome_file(progress)
    if file is not None:
        owing.file(session, request, "outcomes", file, now=now)
    account = _account(progress)
    audit.append_own(session, request, at=now, action=request.kind, outcome=request.state.value, details=account)
    # After the workspace, which the entry locks: whoever puts a key in force takes them in this order too.
    connections.erase_unused(session, request.workspace_id)
    log.info("request ended", request=request.id, state=request.state.value, made=progress.made, asked=progress.total)


def _end_unread(session: Session, request: Request, *, now: datetime) -> None:
    """The end of a request that cannot be read: its asker hears that much, and it keeps nobody waiting."""
    made = {call.state for call in calls.of_request(session, request)} & {CallState.DONE, CallState.PARTLY_DONE}
    after = RequestState.PARTLY_DONE if made else RequestState.FAILED
    requests.move(session, request, RequestState.RUNNING, after, ended_at=now)
    session.refresh(request)
    note_set_aside(session, request, "it cannot be read", now=now)
    connections.erase_unused(session, request.workspace_id)


def note_set_aside(session: Session, request: Request, reason: str, *, now: datetime) -> None:
    """A request has ended that could not be worked on: tell its asker directly, show it, and say so in audit and log.

    `reason` is a few words without a secret.
    """
    log.error("set aside", table="Request", row=request.id, workspace=request.workspace_id, reason=reason)
    message = thread.request_set_aside(request.id)
    owing.direct(session, request.workspace_id, request.asker, f"request:{request.id}:set_aside", message, now=now)
    owing.refresh(session, request, now=now)
    audit_set_aside(session, request, reason, now=now)


def audit_set_aside(session: Session, row: Request | Call | Connection | Policy, reason: str, *, now: datetime) -> None:
    """That a row was set aside, for the audit."""
    audit.append_own(session, row, at=now, action="set aside", outcome="done", details={"reason": reason})


def _account(progress: Progress) -> dict[str, Any]:
    """What came of a request, for the audit: how many were made, and what MailAPI answered, as it worded it.

    `tasks` are all of them; `answers` counts what was said of single names.
    """
    told, others = progress.calls[:MOST_CALLS], progress.calls[MOST_CALLS:]
    answers = Counter(result["word"] for call in progress.calls for result in (call.results or {}).values())
    account = {
        "made": progress.made,
        "asked": progress.total,
        "tasks": [call.task_id for call in progress.calls if call.task_id],
        "calls": [_told(call) for call in told],
        "other_calls": Counter(call.state.value for call in others),
        "answers": {_bounded(word): count for word, count in answers.most_common(MOST_ANSWERS)},
        "existing": len(progress.plan.existing),
        "failure": _bounded(progress.plan.failure),
    }
    always = ("made", "asked", "tasks")
    return {name: value for name, value in account.items() if value or name in always}


def _told(call: Call) -> dict[str, Any]:
    told = {"task": call.task_id, "state": call.state.value, "reason": _bounded(call.reason)}
    return {name: value for name, value in told.items() if value}


def _bounded(words: str | None) -> str:
    return cut(words or "", LONGEST_REASON)


def expire(session: Session, request: Request, *, now: datetime) -> None:
    """Let a request that nobody decided end; its row is locked."""
    ended: dict[str, Any] = {"ended_at": now, "due_at": None, "leased_until": None}
    if not requests.move(session, request, RequestState.AWAITING_DECISION, RequestState.EXPIRED, **ended):
        return
    session.refresh(request)
    owing.refresh(session, request, now=now)
    owing.thread(session, request, "expired", deciding.expired(request), now=now)
    audit.append_own(session, request, at=now, action=request.kind, outcome=RequestState.EXPIRED.value)
    log.info("request expired", request=request.id)


def give_up(session: Session, request: Request, why: str, *, by: str | None, now: datetime) -> bool:
    """End a request that has no calls yet, and say whether it was cancelled.

    One that was approved ends as one that could not be carried out, and `why` says so.
    """
    requests.lock(session, request.workspace_id, request.id)
    if request.state in (RequestState.PLANNING, RequestState.AWAITING_DECISION):
        ended: dict[str, Any] = {"ended_at": now, "ended_by": by, "due_at": None}
        requests.move(session, request, request.state, RequestState.CANCELLED, **ended)
        session.refresh(request)
        owing.refresh(session, request, now=now)
        return True
    if request.state is RequestState.APPROVED:
        failed = replace(Plan.of(request), failure=why).stored()
        requests.move(session, request, RequestState.APPROVED, RequestState.RUNNING, plan=failed, due_at=None)
        session.refresh(request)
        end_request(session, request, now=now)
    return False
