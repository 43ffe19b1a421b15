"""What Slack took after another process had found the notice in sending: a process that was frozen wakes up."""

from datetime import datetime

import structlog
from sqlmodel import Session

from bot.notices import owing
from bot.notices.owing import COPY, COPY_EDIT, EDIT, ROOT, VIEW
from storage import notices, requests
from storage.states import NoticeState
from storage.tables import Notice

log = structlog.get_logger(__name__)


def told(session: Session, notice: Notice, *, now: datetime, channel: str | None, ts: str | None) -> bool:
    """Note that a notice stands there after all, so that nobody tells it again; false where that is no news.

    An edit is followed by another one, since what it showed may be old by now; a root message or a copy is brought up
    to date by an edit of its own.
    """
    if notice.kind in (EDIT, COPY_EDIT):
        maybe_edited(session, notice, now=now)
        return False
    request = requests.lock(session, notice.workspace_id, notice.request_id) if notice.request_id else None
    current = notices.lock(session, notice.workspace_id, notice.id)
    if current is None or notice.kind == VIEW:
        return False
    before = current.state
    if before is NoticeState.OWED and notices.move(session, notice, before, NoticeState.SENDING):
        before = NoticeState.SENDING
    if before not in (NoticeState.SENDING, NoticeState.UNKNOWN):
        return False
    log.warning("a notice was told late", notice=notice.id, request=notice.request_id)
    stands = {"channel": channel, "ts": ts, "told_at": now, "leased_until": None}
    moved = notices.move(session, notice, before, NoticeState.TOLD, **stands)
    session.expire_all()
    if request is not None and notice.kind in (ROOT, COPY):
        owing.refresh(session, request, now=now)
    return moved


def maybe_edited(session: Session, notice: Notice, *, now: datetime) -> None:
    """Owe an edit that shows what is true now, where one that Slack has taken late may have overwritten a newer one."""
    request = requests.lock(session, notice.workspace_id, notice.request_id) if notice.request_id else None
    if request is None or notice.kind not in (EDIT, COPY_EDIT):
        return
    log.warning("an edit was made late", notice=notice.id, request=notice.request_id)
    if notice.kind == EDIT:
        owing.refresh(session, request, now=now)
    else:
        owing.refresh_copies(session, request, now=now)
