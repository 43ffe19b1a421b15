"""Telling what is owed: claims notices, has them delivered, and writes down what came of it."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.clock import Clock
from bot.logs import about
from bot.metrics import Metrics, age
from bot.notices import late, lost, moving
from bot.notices.delivery import Delivery, Moot, Overtaken
from bot.notices.leaving_out import drop, note_fault, note_refusal
from bot.notices.limits import Limits
from bot.notices.owing import ROOT, VIEW
from bot.outages import DATABASE, SLACK, Outages
from bot.pace import Pace, retry_after
from bot.people import People
from bot.pool import Pool
from bot.slack_errors import (
    AnswerLost,
    EditRefused,
    Limited,
    NotSent,
    PlaceGone,
    Refused,
    SlackError,
    TokenRefused,
    UploadRefused,
)
from bot.slacks import Slacks
from storage import notices, requests
from storage.database import Database, DatabaseUnavailable
from storage.notices import Spacing
from storage.states import NoticeState
from storage.tables import Notice, check_moments

log = structlog.get_logger(__name__)

MOST_TRIES = 8
"""How often a form's update is tried, and the upload of a file whose address does not take it."""


class Teller:
    """Sends owed notices; what Slack surely did not take is tried again, and a place that is gone is left."""

    def __init__(
        self,
        *,
        database: Database,
        slacks: Slacks,
        people: People,
        clock: Clock,
        pace: Pace,
        pool: Pool,
        outages: Outages,
        metrics: Metrics,
    ) -> None:
        self._limits = Limits(clock)
        self._delivery = Delivery(database=database, slacks=slacks, people=people, clock=clock, limits=self._limits)
        self._lost = lost.LostPosts(
            database=database,
            slacks=slacks,
            clock=clock,
            delivery=self._delivery,
            limits=self._limits,
            metrics=metrics,
        )
        self._metrics = metrics
        self._pace = pace
        self._database = database
        self._outages = outages
        self._slacks = slacks
        self._clock = clock
        self.pool = pool

    async def tick(self, nudge: Callable[[], None]) -> None:
        """Claim what is due and start telling it; `nudge` is called after each, since others wait for it."""
        room = self._outages.room(SLACK, self.pool.free)
        unknown, limited = await self._database.write(partial(self._look, room))
        self._limits.learn(limited)
        for notice in unknown:
            self.pool.start(notice.workspace_id, self._guarded(notice, self._lost.settle), then=nudge)
        claimed = await self._database.write(
            partial(
                notices.claim,
                now=self._clock(),
                most=min(room - len(unknown), self.pool.most),
                busy=self.pool.busy,
                spacing=Spacing(*self._pace.posts),
                besides=self._limits.paused(),
            )
        )
        if room and not unknown and not claimed and self._outages.lasts(SLACK):
            self.pool.start("", self._probe())
        for notice in claimed:
            self.pool.start(notice.workspace_id, self._guarded(notice, self._tell), then=nudge)

    def _look(self, room: int, session: Session) -> tuple[Sequence[Notice], Sequence[tuple[str, str, datetime]]]:
        return self._lost.claim(room, session), notices.limited(session, now=self._clock())

    async def _probe(self) -> None:
        """Ask Slack whether an outage is over, where nothing that is owed would find out."""
        with suppress(SlackError):
            await self._slacks.probe()

    async def _guarded(self, notice: Notice, step: Callable[[Notice], Awaitable[None]]) -> None:
        """A step on one notice; what nobody foresaw is counted, so that none is tried for ever."""
        with about(notice):
            try:
                check_moments(notice)
                await step(notice)
            except DatabaseUnavailable as error:
                self._outages.failed(DATABASE, str(error))  # its lease ends, and it is taken up again
            except Exception as error:
                log.exception("telling failed", notice=notice.id, request=notice.request_id, kind=notice.kind)
                why = type(error).__name__
                fault = partial(note_fault, notice=notice, reason=why, now=self._clock(), wait=lost.UNKNOWN_FOR)
                await self._database.write(fault)

    async def _tell(self, notice: Notice) -> None:
        try:
            channel, ts = await self._delivery.send(notice)
        except Overtaken:
            log.warning("a lease ran out before a notice was told", notice=notice.id, request=notice.request_id)
        except PlaceGone as error:
            await self._write(notice, partial(moving.leave, notice=notice, reason=str(error), now=self._clock()))
        except Limited as error:
            await self._again(notice, str(error), self._limits.pause(notice.workspace_id, error))
        except UploadRefused as error:
            await self._write(notice, partial(self._upload_again, notice, str(error)))
        except (NotSent, TokenRefused) as error:
            await self._again(notice, str(error), retry_after(notice.attempts))
        except AnswerLost as error:
            await self._unknown(notice, str(error))
        except (Moot, EditRefused) as error:
            await self._write(notice, partial(drop, notice=notice, reason=str(error)))
        except Refused as error:
            await self._write(notice, partial(self._leave_out, notice, str(error)))
        else:
            await self._write(notice, partial(self._told, notice, channel, ts))
            self._metrics.told(notice.kind, age(notice.created_at, self._clock()))

    async def _write(self, notice: Notice, outcome: Callable[[Session], object]) -> None:
        """Write down what came of a notice, also where the database takes nothing for a while."""
        await self._database.persist(outcome, notice=notice.id)

    def _told(self, notice: Notice, channel: str | None, ts: str | None, session: Session) -> None:
        """Note where it stands; a root message settles where its thread is.

        A late answer still counts, so that nobody looks for what was told, or tells it again.
        """
        told: dict[str, Any] = {"channel": channel, "ts": ts, "told_at": self._clock()}
        moved = self._move(session, notice, NoticeState.TOLD, **told)
        if not moved and not late.told(session, notice, now=self._clock(), channel=channel, ts=ts):
            return
        if notice.kind == ROOT and channel and ts:
            requests.settle_home(session, notice.workspace_id, notice.request_id or 0, channel=channel, root_ts=ts)

    async def _again(self, notice: Notice, reason: str, wait: timedelta) -> None:
        """It was certainly not taken: owe it again; nobody looks at an open form for ever."""
        if notice.attempts >= MOST_TRIES and notice.kind == VIEW:
            await self._write(notice, partial(drop, notice=notice, reason=reason))
            return
        log.info("notice put off", notice=notice.id, request=notice.request_id, reason=reason)
        due_at = self._clock() + wait
        owed = partial(self._move, notice=notice, after=NoticeState.OWED, due_at=due_at, reason=reason)
        await self._write(notice, owed)

    def _upload_again(self, notice: Notice, reason: str, session: Session) -> None:
        """What comes after a file waits for it, so it is not tried for ever; tries in an outage do not count."""
        faults = notice.faults + 1
        if faults >= MOST_TRIES:
            self._leave_out(notice, reason, session)
            return
        log.info("notice put off", notice=notice.id, request=notice.request_id, reason=reason)
        due_at = self._clock() + retry_after(notice.attempts)
        self._move(session, notice, NoticeState.OWED, due_at=due_at, reason=reason, faults=faults)

    async def _unknown(self, notice: Notice, reason: str) -> None:
        log.warning("nobody knows whether Slack took a notice", notice=notice.id, request=notice.request_id)
        await self._write(notice, partial(self._not_known, notice, reason))

    def _not_known(self, notice: Notice, reason: str, session: Session) -> None:
        due_at = self._clock() + retry_after(notice.attempts, at_least=lost.UNKNOWN_FOR)
        if not self._move(session, notice, NoticeState.UNKNOWN, due_at=due_at, reason=reason):
            late.maybe_edited(session, notice, now=self._clock())

    def _leave_out(self, notice: Notice, reason: str, session: Session) -> None:
        """Slack will never take it, wherever it goes: the person whom it would have told something hears that."""
        if drop(session, notice, reason):
            note_refusal(session, notice, reason, now=self._clock())

    def _move(self, session: Session, notice: Notice, after: NoticeState, **values: Any) -> bool:
        """Move a notice that is being sent; false where another process has taken it over meanwhile."""
        return notices.move(session, notice, NoticeState.SENDING, after, held=notice, leased_until=None, **values)
