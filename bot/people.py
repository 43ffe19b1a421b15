"""Who people are, asked of Slack and kept for a minute."""

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.access import Actor
from bot.clock import Clock
from bot.errors import TryAgain
from bot.slack import Slack, SlackError
from bot.texts import refusals

log = structlog.get_logger(__name__)

KEPT = timedelta(seconds=60)
PATIENCE_SECONDS = 1.5
"""An acknowledgement has 3 s; half of them are for asking who the person is."""
MOST_KEPT = 10_000


class People:
    """Answers who a person is; what cannot be checked is never a yes."""

    def __init__(self, *, slack: Slack, clock: Clock) -> None:
        self._slack = slack
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[datetime, Actor]] = {}

    async def actor(self, workspace: str, user: str) -> Actor:
        """The person's standing, at most 60 s old; raises `TryAgain` where Slack does not say within 1.5 s."""
        now = self._clock()
        kept = self._known.get((workspace, user))
        if kept is not None and kept[0] > now - KEPT:
            return kept[1]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                actor = await self._slack.actor(user, workspace)
        except (SlackError, TimeoutError) as error:
            log.warning("could not ask Slack who a person is", user=user, failure=str(error) or type(error).__name__)
            raise TryAgain(refusals.WHO_ARE_YOU) from None
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[(workspace, user)] = (now, actor)
        return actor
