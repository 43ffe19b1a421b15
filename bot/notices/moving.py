"""Places that are gone: a request goes on in a direct message, and what it still has to say goes there."""

from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from bot.notices import owing
from bot.notices.leaving_out import drop
from bot.notices.owing import COPY, COPY_EDIT, EDIT, FILE, ROOT, THREAD
from storage import moves, notices, requests
from storage.states import NoticeState, RequestState
from storage.tables import Notice, Request

log = structlog.get_logger(__name__)


def is_astray(notice: Notice, request: Request) -> bool:
    """Whether a notice is about a place that its request has left: it stands there already, or never will."""
    if not request.in_direct_message or notice.kind not in (THREAD, FILE):
        return False
    return notice.destination not in ("", owing.home(request))


def leave(session: Session, notice: Notice, reason: str, *, now: datetime) -> None:
    """The place is gone: the request goes on in a direct message, and says so once."""
    request = _request_there(session, notice)
    if request is None:
        drop(session, notice, reason)
    elif is_astray(notice, request):
        _move_on(session, notice, request, reason, now=now)
    elif request.in_direct_message:
        drop(session, notice, reason)
    elif moves.holds(notice, notices.lock(session, notice.workspace_id, notice.id), now=now):
        _go_on_elsewhere(session, notice, request, reason, now=now)


def _request_there(session: Session, notice: Notice) -> Request | None:
    """The request at whose own place a notice is; a copy never was there."""
    if notice.kind in (COPY, COPY_EDIT) or not notice.request_id:
        return None
    return requests.lock(session, notice.workspace_id, notice.request_id)


def _go_on_elsewhere(session: Session, notice: Notice, request: Request, reason: str, *, now: datetime) -> None:
    request.in_direct_message, request.root_ts = True, None
    if request.state is RequestState.AWAITING_DECISION:
        request.due_at = now  # nobody but the asker sees it there, so the others get cards
    session.add(request)
    session.flush()
    log.info("request goes on in a direct message", request=request.id, reason=reason)
    if notice.kind == ROOT:
        again: dict[str, Any] = {"due_at": now, "leased_until": None, "reason": reason}
        notices.move(session, notice, NoticeState.SENDING, NoticeState.OWED, held=notice, **again)
        notices.redirect(session, request, owing.home(request))
    else:
        _begin_anew(session, notice, request, reason, now=now)


def _begin_anew(session: Session, notice: Notice, request: Request, reason: str, *, now: datetime) -> None:
    """A new root message, and behind it what its thread is still owed.

    What is being said there now, or may have been, is settled before; those after it keep behind it, and each follows
    when its turn comes.
    """
    waiting = [row for row in notices.unsettled_of_request(session, request) if row.kind in (THREAD, FILE)]
    owing.move_root(session, request, now=now)
    if all(row.state is NoticeState.OWED or row.id == notice.id for row in waiting):
        for row in waiting:
            _move_on(session, row, request, reason, now=now)
    if notice.kind == EDIT:
        drop(session, notice, reason)


def _move_on(session: Session, row: Notice, request: Request, reason: str, *, now: datetime) -> None:
    """Owe it at the new place, unless somebody else has begun it meanwhile."""
    if row.state is NoticeState.OWED and not notices.move(session, row, NoticeState.OWED, NoticeState.SENDING):
        return
    if not notices.move(
        session, row, NoticeState.SENDING, NoticeState.UNKNOWN, held=row, leased_until=None, reason=reason
    ):
        return
    notices.move(session, row, NoticeState.UNKNOWN, NoticeState.DROPPED)
    kept = {"workspace_id", "request_id", "kind", "lane", "content", "created_at"}
    elsewhere: dict[str, Any] = {"key": f"{row.key}:moved", "destination": owing.home(request), "due_at": now}
    notices.owe(session, Notice(**row.model_dump(include=kept), **elsewhere))
