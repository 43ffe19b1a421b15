"""Leaving a workspace: what is under way there ends, its secrets are erased, and its rows go after a time.

Leaving some of an organisation's: what waits there ends, and the organisation goes on.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from bot.notices import owing
from bot.texts import installing as texts
from bot.worker.ending import end_call, give_up
from storage import audit, calls, connections, installations, policies, requests, seen, workspaces
from storage.states import CallState, RequestState
from storage.tables import Call, Request

log = structlog.get_logger(__name__)


def leave(workspace: str, session: Session, *, installed_at: datetime, now: datetime, grace: timedelta) -> None:
    """End all that is open, erase the tokens and the MailAPI key, and note it; done again it finds nothing to do.

    It does nothing where the installation of that moment has made room for another one meanwhile.
    """
    # All requests before the workspace, which the first one that ends locks: two would wait for each other else.
    open_requests = requests.lock_open(session, workspace)
    workspaces.lock(session, workspace)
    if installations.is_another(session, workspace, installed_at=installed_at):
        log.info("installed again while the end of an earlier installation was judged", workspace=workspace)
        return
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


def leave_teams(organisation: str, teams: Collection[str], event: str, session: Session, *, now: datetime) -> None:
    """End what waits in workspaces from which an organisation took the bot away; an `event` does so once.

    What MailAPI is at is watched to its end, for the organisation's key is still in force. Slack takes no message
    there, so what is left to say goes to the asker directly, where he is in another workspace that has the bot.
    """
    open_requests = requests.lock_open(session, organisation, teams)
    if not seen.first_time(session, organisation, event, now=now):
        return
    for request in open_requests:
        if give_up(session, request, texts.TAKEN_AWAY, by=None, now=now):
            request.reason = texts.TAKEN_AWAY
            session.add(request)
            owing.thread(session, request, "taken_away", texts.ended_in_team(request.asker), now=now)
        for call in calls.of_request(session, request):
            if call.state in (CallState.QUEUED, CallState.WAITING):
                end_call(session, call, call.state, CallState.CANCELLED, now=now, reason=texts.TAKEN_AWAY)
    details = {"teams": sorted(teams), "requests": len(open_requests)}
    audit.append(session, organisation, at=now, actor="mailroom", action="leave_teams", outcome="done", details=details)
    log.info("taken away from teams", workspace=organisation, **details)


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
