"""Time that passes for the bot and both sandboxes together, in small steps, and never while the bot is at work."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlmodel import Session, col, select

from bot.app import Mailroom
from bot.pace import DEFAULT_PACE
from sandbox.mailapi import MailAPIControl
from sandbox.slack import SlackControl
from storage.calls import CLAIMED
from storage.notices import UNSETTLED
from storage.states import CallState, RequestState
from storage.tables import Call, Notice, Request

LOOK_EVERY = 0.005
MARGIN = timedelta(seconds=0.05)
"""How far off the next thing to do has to be: what became due between two moved clocks would be seen too early."""


class PushedClock:
    """The real time, and what it was pushed ahead by."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """The moment, for the bot."""
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True)
class Passing:
    """The three clocks, and by how much they are pushed at a time; `None` where time is simply waited for."""

    bot: Mailroom
    slack: SlackControl
    mailapi: MailAPIControl
    clock: PushedClock
    step: timedelta | None

    async def on(self) -> None:
        """Let a step pass; where it is pushed, the bot ticks right after it."""
        if self.step is None:
            await asyncio.sleep(DEFAULT_PACE.tick.total_seconds())
            return
        await self._rest()
        seconds = self.step.total_seconds()
        await asyncio.gather(self.mailapi.advance_clock(seconds), self.slack.advance_clock(seconds))
        self.clock.ahead += self.step
        self.bot.worker.nudge()

    async def _rest(self) -> None:
        """Wait until nothing is under way; the database's only writer looks, so that nothing is half written."""
        rests = False
        while not rests:
            await asyncio.sleep(LOOK_EVERY)
            rests = await self.bot.database.write(self._rests)

    def _rests(self, session: Session) -> bool:
        soon = self.clock() + MARGIN
        return not any(map(partial(_acts, soon), _rows(session)))


def _acts(soon: datetime, row: Request | Call | Notice) -> bool:
    """Whether the bot is at work on a row or about to be: what is being done has a lease, which time would end."""
    return row.leased_until is not None or (row.due_at is not None and row.due_at <= soon)


def _rows(session: Session) -> Iterable[Request | Call | Notice]:
    """All that is under way; of each lane of notices the first, for which the others wait."""
    waiting = (RequestState.PLANNING, RequestState.APPROVED)
    yield from session.exec(select(Request).where(col(Request.state).in_(waiting)))
    yield from session.exec(select(Call).where(col(Call.state).in_((*CLAIMED, CallState.SENDING))))
    owed = session.exec(select(Notice).where(col(Notice.state).in_(UNSETTLED)).order_by(col(Notice.id).desc()))
    yield from {notice.lane: notice for notice in owed}.values()
