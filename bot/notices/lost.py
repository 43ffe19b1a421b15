"""Posts of which nobody knows whether they arrived: their answer was lost, or their sender is gone."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.clock import Clock
from bot.metrics import Metrics, age
from bot.notices.delivery import Delivery
from bot.notices.limits import Limits
from bot.notices.owing import COPY_EDIT, EDIT, FILE, ROOT, VIEW
from bot.pace import retry_after
from bot.slack import reading
from bot.slack_errors import AnswerLost, Limited, NotSent, SlackError, TokenRefused
from bot.slacks import Slacks
from storage import moves, notices, requests
from storage.database import Database
from storage.states import NoticeState
from storage.tables import Notice

log = structlog.get_logger(__name__)

UNKNOWN_FOR = timedelta(seconds=10)
"""How long a post whose answer was lost is left alone before it is looked for."""
CLOCKS_APART = timedelta(minutes=2)
"""How far our clock and Slack's may differ when a post is looked for by its time."""


class LostPosts:
    """Looks for them where the bot may read; what did not arrive is owed again."""

    def __init__(
        self,
        *,
        database: Database,
        slacks: Slacks,
        clock: Clock,
        delivery: Delivery,
        limits: Limits,
        metrics: Metrics,
    ) -> None:
        self._database = database
        self._slacks = slacks
        self._clock = clock
        self._delivery = delivery
        self._limits = limits
        self._metrics = metrics

    def claim(self, most: int, session: Session) -> Sequence[Notice]:
        """Note what was found in sending after its lease as unknown; gives what is so for long enough to be settled."""
        now = self._clock()
        for notice in notices.lost_in_sending(session, now=now):
            unknown: dict[str, Any] = {
                "due_at": now + UNKNOWN_FOR,
                "leased_until": None,
                "reason": "its sender is gone",
            }
            notices.move(session, notice, NoticeState.SENDING, NoticeState.UNKNOWN, held=notice, **unknown)
        return notices.claim_unknown(session, now=now, most=most)

    async def settle(self, notice: Notice) -> None:
        """Note that one of them stands in Slack, or owe it again; where Slack does not say, it is looked for later."""
        try:
            channel, ts = await self._find(notice)
        except (Limited, NotSent, AnswerLost, TokenRefused) as error:
            await self._look_again(notice, error)
            return
        except SlackError as error:
            log.info("may not look for a notice", notice=notice.id, reason=str(error))
            channel, ts = None, None
        await self._database.write(partial(self._found, notice, channel, ts))
        if ts is not None:
            self._metrics.told(notice.kind, age(notice.created_at, self._clock()))

    async def _look_again(self, notice: Notice, error: SlackError) -> None:
        """Slack did not say whether it is there; posting it now might be the second time."""
        wait = self._limits.pause(notice.workspace_id, error) if isinstance(error, Limited) else retry_after(1)
        due_at, reason = self._clock() + wait, str(error)
        log.info("could not look for a notice", notice=notice.id, reason=reason)
        await self._database.write(lambda session: moves.put_off(session, notice, due_at, reason=reason))

    async def _find(self, notice: Notice) -> tuple[str | None, str | None]:
        if notice.kind in (EDIT, VIEW, COPY_EDIT) or notice.tried_at is None:
            return None, None  # these can be repeated without anybody noticing
        channel, thread_ts = await self._delivery.place(notice)
        self._limits.check(notice.workspace_id, reading(thread_ts))
        since = notice.tried_at - CLOCKS_APART
        slack = await self._slacks.of(notice.workspace_id)
        if notice.kind == FILE:
            name = notice.content["name"]
            return channel, await slack.find_file(channel, name, thread_ts=thread_ts or "", since=since)
        return channel, await slack.find(channel, notice.id, thread_ts=thread_ts, since=since)

    def _found(self, notice: Notice, channel: str | None, ts: str | None, session: Session) -> None:
        now = self._clock()
        if ts is None:
            again: dict[str, Any] = {"due_at": now, "leased_until": None}
            notices.move(session, notice, NoticeState.UNKNOWN, NoticeState.OWED, held=notice, **again)
            return
        told: dict[str, Any] = {"channel": channel, "ts": ts, "told_at": now, "leased_until": None}
        found = notices.move(session, notice, NoticeState.UNKNOWN, NoticeState.TOLD, **told)
        if found and notice.kind == ROOT and channel:
            requests.settle_home(session, notice.workspace_id, notice.request_id or 0, channel=channel, root_ts=ts)
