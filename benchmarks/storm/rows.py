"""What the bot's own rows say while it is killed: which calls became unknown, how they were settled, and when it rests.

Whether anything was lost or made twice is not asked of these rows, but of Slack and MailAPI.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlmodel import Session, col, func, select

from bot.worker.settling import INTERRUPTED
from storage.engines import engine_for
from storage.notices import UNSETTLED
from storage.states import CallState, ConnectionState, NoticeState, PolicyState, RequestState
from storage.tables import Call, Connection, Notice, Policy, Request

LOOK_EVERY = 0.25
_AT_WORK = (CallState.QUEUED, CallState.WAITING, CallState.SENDING, CallState.ACCEPTED)


@dataclass
class Unknown:
    """A create of which nobody knew for a while whether MailAPI took it: its answer was lost, or the bot killed."""

    call: int
    names: tuple[str, ...]
    sent_at: datetime
    by_kill: bool
    settled_at: datetime | None = None
    asked: bool = False
    """Whether it could not be settled by looking, so that a person was asked."""


@dataclass
class Rows:
    """Looks at the database beside the bot, as any other process may."""

    url: str
    unknown: dict[int, Unknown] = field(default_factory=dict)
    posts: set[int] = field(default_factory=set)
    """The notices of which nobody knew whether Slack had taken them."""

    def __post_init__(self) -> None:
        self._engine = engine_for(self.url)

    async def watch(self) -> None:
        """Note what is unknown, until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_EVERY)

    def look(self) -> None:
        """Note what is unknown now, and what is no longer."""
        with Session(self._engine) as session:
            self.posts.update(session.exec(select(Notice.id).where(Notice.state == NoticeState.UNKNOWN)))
            found = {call.id: call for call in session.exec(select(Call).where(Call.state == CallState.UNKNOWN))}
        now = datetime.now(UTC)
        for call in found.values():
            self._note(call, now)
        for known in self.unknown.values():
            if known.call not in found and known.settled_at is None:
                known.settled_at = now

    def _note(self, call: Call, now: datetime) -> None:
        by_kill = call.reason == INTERRUPTED
        known = self.unknown.setdefault(call.id, Unknown(call.id, tuple(call.names), call.sent_at or now, by_kill))
        if call.due_at is None and not known.asked:
            known.asked, known.settled_at = True, known.settled_at or now

    def unfinished(self) -> list[str]:
        """What the bot still has to do, in words; empty where it rests."""
        with Session(self._engine) as session:
            return [f"{count} {what}" for what, count in _left(session) if count]

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _left(session: Session) -> Iterable[tuple[str, int]]:
    """Everything on which the bot acts by itself, counted."""
    yield "keys to check", _count(session, Connection, col(Connection.state) == ConnectionState.CHECKING)
    yield "changes to tell", _count(session, Policy, col(Policy.state) == PolicyState.UNTOLD)
    to_plan = (RequestState.PLANNING, RequestState.APPROVED)
    yield "requests to plan", _count(session, Request, col(Request.state).in_(to_plan))
    looked_for = (col(Call.state) == CallState.UNKNOWN) & col(Call.due_at).is_not(None)
    yield "calls under way", _count(session, Call, col(Call.state).in_(_AT_WORK))
    yield "unknown calls to look for", _count(session, Call, looked_for)
    yield "notices to tell", _count(session, Notice, col(Notice.state).in_(UNSETTLED))


def _count(session: Session, table: type[Connection | Policy | Request | Call | Notice], condition: object) -> int:
    return session.exec(select(func.count()).select_from(table).where(condition)).one()  # type: ignore[arg-type]
