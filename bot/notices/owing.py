"""Owing notices, inside the transaction of the change that they tell."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import Session

from bot.commands import operation_from
from bot.progress import Progress
from bot.rulings import case_of
from bot.texts import card
from bot.texts.message import Block, Message
from storage import calls, notices
from storage.states import RequestState
from storage.tables import Notice, Request

ROOT, EDIT, THREAD, DIRECT, VIEW, FILE = "root", "edit", "thread", "direct", "view", "file"
COPY, COPY_EDIT = "copy", "copy_edit"
KINDS = (ROOT, EDIT, THREAD, DIRECT, VIEW, FILE, COPY, COPY_EDIT)
"""The card of an approver who is not in the channel, and its changes."""
EDIT_EVERY = timedelta(seconds=3)
"""Slack's design advice: a progress message changes at most about every 3 s."""


def progress_of(session: Session, request: Request) -> Progress:
    """How far a request is, as this transaction sees it; raises `ValueError` where it cannot be read."""
    operation = operation_from(request.kind, request.parameters)
    return Progress.of(request, operation, calls.of_request(session, request))


def shown(session: Session, request: Request) -> Message:
    """The root message as things stand; it is put together when it is sent, so that no edit shows anything older."""
    try:
        progress = progress_of(session, request)
        case = case_of(session, request, progress.operation)
    except ValueError:
        return card.unreadable(request)
    return card.card(progress, case, moved=_moved(session, request))


def shown_to(session: Session, request: Request) -> Message:
    """The same as an approver who is not in the channel gets it."""
    try:
        progress = progress_of(session, request)
        case = case_of(session, request, progress.operation)
    except ValueError:
        return card.unreadable(request)
    return card.copy(progress, case)


def refresh(session: Session, request: Request, *, now: datetime) -> None:
    """Owe the root message, or an edit that brings it up to date; what is owed already and not begun does both.

    While a request runs there is at most one edit every 3 s; its end is shown at once. Copies change with it, but do
    not show how far a running request is.
    """
    if request.state is not RequestState.RUNNING:
        refresh_copies(session, request, now=now)
    key = notices.root_key(request.id)
    if notices.by_key(session, request.workspace_id, key) is None:
        _owe(session, request, ROOT, key, {}, now=now)
    if not notices.root_is_out(session, request.workspace_id, request.id):
        return
    due = _edit_due(session, request, now)
    owed = notices.owed_edit(session, request, EDIT)
    if owed is None:
        _owe(session, request, EDIT, f"request:{request.id}:edit:{uuid4().hex}", {}, now=now, due_at=due)
    elif not owed.attempts and owed.due_at is not None:  # a later time after an attempt is a pause that Slack asked for
        owed.due_at = min(owed.due_at, due)
        session.add(owed)


def copy(session: Session, request: Request, person: str, *, now: datetime) -> bool:
    """Owe an approver who is not in the channel a card of his own; false where he has one."""
    notice = Notice(
        workspace_id=request.workspace_id,
        request_id=request.id,
        kind=COPY,
        key=f"request:{request.id}:copy:{person}",
        lane=_lane_of_copy(request, person),
        destination=destination(request.workspace_id, person),
        recipient=person,
        content={},
        created_at=now,
        due_at=now,
    )
    return notices.owe(session, notice) is not None


def refresh_copies(session: Session, request: Request, *, now: datetime) -> None:
    """Owe each copy an edit, unless it or one is owed; what is not begun shows what is new by itself."""
    for original in notices.of_kind(session, request, COPY):
        person = original.recipient or ""
        lane = _lane_of_copy(request, person)
        if notices.owed_in_lane(session, request.workspace_id, lane):
            continue
        edit = Notice(
            workspace_id=request.workspace_id,
            request_id=request.id,
            kind=COPY_EDIT,
            key=f"request:{request.id}:copy:{person}:{uuid4().hex}",
            lane=lane,
            recipient=person,
            content={"copy": original.id},
            created_at=now,
            due_at=now,
        )
        notices.owe(session, edit)


def _lane_of_copy(request: Request, person: str) -> str:
    return f"copy:{request.id}:{person}"


def move_root(session: Session, request: Request, *, now: datetime) -> None:
    """Owe a new root message where the one before is out of reach, and note that it was left."""
    before = notices.by_key(session, request.workspace_id, notices.root_key(request.id))
    if before is not None:
        before.key = notices.left_key(request.id)
        session.add(before)
        session.flush()
    refresh(session, request, now=now)


def thread(session: Session, request: Request, key: str, message: Message, *, now: datetime) -> None:
    """Owe a message in the request's thread; one key is told once."""
    _owe(session, request, THREAD, f"request:{request.id}:{key}", message.content(), now=now)


def file(session: Session, request: Request, key: str, file: tuple[str, str, str], *, now: datetime) -> None:
    """Owe a file in the request's thread: its name, its content, and the text above it."""
    content = dict(zip(("name", "content", "text"), file, strict=True))
    _owe(session, request, FILE, f"request:{request.id}:{key}", content, now=now)


def direct(session: Session, workspace: str, user: str, key: str, message: Message, *, now: datetime) -> None:
    """Owe a direct message to a person; one key is told once."""
    notice = Notice(
        workspace_id=workspace,
        kind=DIRECT,
        key=f"direct:{user}:{key}",
        lane=f"direct:{workspace}:{user}",
        destination=destination(workspace, user),
        recipient=user,
        content=message.content(),
        created_at=now,
        due_at=now,
    )
    notices.owe(session, notice)


def view(session: Session, workspace: str, view_id: str, key: str, content: Block, *, now: datetime) -> None:
    """Owe an update of a form that is open on somebody's screen."""
    notice = Notice(
        workspace_id=workspace,
        kind=VIEW,
        key=f"view:{view_id}:{key}",
        lane=f"view:{view_id}",
        view_id=view_id,
        content=content,
        created_at=now,
        due_at=now,
    )
    notices.owe(session, notice)


def _owe(
    session: Session,
    request: Request,
    kind: str,
    key: str,
    content: dict[str, Any],
    *,
    now: datetime,
    due_at: datetime | None = None,
) -> None:
    lane = f"edit:{request.id}" if kind == EDIT else f"request:{request.id}"
    notice = Notice(
        workspace_id=request.workspace_id,
        request_id=request.id,
        kind=kind,
        key=key,
        lane=lane,
        destination="" if kind == EDIT else home(request),
        content=content,
        created_at=now,
        due_at=due_at or now,
    )
    notices.owe(session, notice)


def home(request: Request) -> str:
    """Where a request's messages go: its channel, or its asker's direct messages."""
    return destination(request.workspace_id, request.asker if request.in_direct_message else request.home_channel)


def destination(workspace: str, place: str) -> str:
    """A channel, or a person whose direct messages with the bot are one."""
    return f"{workspace}:{place}"


def _edit_due(session: Session, request: Request, now: datetime) -> datetime:
    """Progress keeps the distance; what somebody did or has to do is shown at once."""
    last = notices.last_told(session, request, (ROOT, EDIT))
    if request.state is not RequestState.RUNNING or last is None or last.told_at is None:
        return now
    return max(now, last.told_at + EDIT_EVERY)


def _moved(session: Session, request: Request) -> str | None:
    """Why the root message stands in a direct message, where it does."""
    if not request.in_direct_message:
        return None
    return "midway" if notices.by_key(session, request.workspace_id, notices.left_key(request.id)) else "asked"
