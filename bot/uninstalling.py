"""Leaving a workspace: what is under way there ends, its secrets are erased, and its rows go after a time."""

from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from bot.notices import owing
from bot.texts import installing as texts
from bot.worker.ending import end_call, give_up
from storage import audit, calls, connections, installations, policies, requests, workspaces
from storage.states import CallState, RequestState
from storage.tables import Call, Request

log = structlog.get_logger(__name__)


def leave(workspace: str, session: Session, *, now: datetime, grace: timedelta) -> None:
    """End all that is open, erase the tokens and the MailAPI key, and note it; done again it finds nothing to do."""
    # All requests before the workspace, which the first one that ends locks: two would wait for each other else.
    open_requests = requests.lock_open(session, workspace)
    workspaces.lock(session, workspace)
    news = installations.end(session, workspace, now=now, delete_at=now + grace)
    for request in open_requests:
        give_up(session, request, texts.REMOVED, by=None, now=now)
    for call in calls.open_ones(session, workspace):
        _end(session, call, now=now)
    for request in open_requests:
        _say(session, request, now=now)
    connections.erase_all(session, workspace, now=now, reason=texts.REMOVED)
    policies.all_told(session, workspace)
    if not news:
        return
    details = {"requests": len(open_requests), "deleted_after_days": grace.days}
    audit.append(session, workspace, at=now, actor="mailroom", action="uninstall", outcome="done", details=details)
    log.info("uninstalled", workspace=workspace, requests=len(open_requests), rows_go_at=(now + grace).isoformat())


def _end(session: Session, call: Call, *, now: datetime) -> None:
    """What was never sent is cancelled; of the rest nobody will know how it ended, since the key is gone."""
    if call.state in (CallState.QUEUED, CallState.WAITING):
        end_call(session, call, call.state, CallState.CANCELLED, now=now, reason=texts.REMOVED)
    else:
        end_call(session, call, call.state, CallState.SET_ASIDE, now=now, reason=texts.REMOVED_WHILE_OUT)


def _say(session: Session, request: Request, *, now: datetime) -> None:
    """Owed like any other, and told if the bot comes back."""
    session.refresh(request)
    if request.state is RequestState.CANCELLED:
        request.reason = texts.REMOVED
        session.add(request)
    owing.thread(session, request, "removed", texts.ended(request.asker), now=now)
