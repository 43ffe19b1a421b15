"""Notices that cannot be told: left out with a reason, so that what comes after is told."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session

from bot.notices import owing
from bot.notices.owing import COPY_EDIT, EDIT, VIEW
from bot.pace import MOST_FAULTS
from bot.texts import thread
from storage import audit, moves, notices, requests
from storage.states import NoticeState
from storage.tables import Notice

log = structlog.get_logger(__name__)

UNNOTICED = (EDIT, COPY_EDIT, VIEW)
"""Kinds that nobody misses: the next one of them says the same."""
_LEFT_OUT = ":left_out"


def drop(session: Session, notice: Notice, reason: str) -> bool:
    """Never tell a notice that is being sent; false where another process has taken it over meanwhile."""
    dropped: dict[str, Any] = {"leased_until": None, "reason": reason}  # the states have no shorter way
    if not notices.move(session, notice, NoticeState.SENDING, NoticeState.UNKNOWN, held=notice, **dropped):
        return False
    log.warning("notice dropped", notice=notice.id, request=notice.request_id, kind=notice.kind, reason=reason)
    return notices.move(session, notice, NoticeState.UNKNOWN, NoticeState.DROPPED)


def note_fault(session: Session, notice: Notice, reason: str, *, now: datetime, wait: timedelta) -> None:
    """Let the notice be looked for, and so told again, after `wait`; or leave it out where that failed often enough.

    Nobody knows whether Slack took it. `reason` is a few words without a secret.
    """
    faults = notice.faults + 1
    again: dict[str, Any] = {"due_at": now + wait, "leased_until": None, "reason": reason, "faults": faults}
    if not notices.move(session, notice, NoticeState.SENDING, NoticeState.UNKNOWN, **again):
        moves.put_off(session, notice, now + wait, reason=reason, faults=faults)
    if faults >= MOST_FAULTS and notices.move(session, notice, NoticeState.UNKNOWN, NoticeState.DROPPED):
        _left_out(session, notice, reason, now=now)


def note_refusal(session: Session, notice: Notice, reason: str, *, now: datetime) -> None:
    """Slack will never take a notice, which was dropped; a form may just be closed, and one word of it is enough."""
    if notice.kind != VIEW and not notice.key.endswith(_LEFT_OUT):
        _left_out(session, notice, reason, now=now)


def _left_out(session: Session, notice: Notice, reason: str, *, now: datetime) -> None:
    """Say so in log and audit, and to the person whom it would have told something."""
    log.error("set aside", table="Notice", row=notice.id, kind=notice.kind, request=notice.request_id, reason=reason)
    details = {"reason": reason, "kind": notice.kind}
    audit.append_own(session, notice, at=now, action="set aside", outcome="done", details=details)
    request = requests.get(session, notice.workspace_id, notice.request_id) if notice.request_id else None
    person = notice.recipient or (request.asker if request else None)
    if person and notice.kind not in UNNOTICED and not notice.key.endswith(_LEFT_OUT):
        message = thread.left_out(request.id if request else None)
        owing.direct(session, notice.workspace_id, person, f"notice:{notice.id}{_LEFT_OUT}", message, now=now)
