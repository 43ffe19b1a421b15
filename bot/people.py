"""Who people are, asked of Slack and kept for a minute."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from bot.access import Actor
from bot.clock import Clock
from bot.errors import TryAgain
from bot.slack_errors import SlackError
from bot.slacks import Slacks
from bot.texts import refusals

log = structlog.get_logger(__name__)

Found = TypeVar("Found")

KEPT = timedelta(seconds=60)
PATIENCE_SECONDS = 1.5
"""An acknowledgement has 3 s; half of them are for asking who the person is."""
MOST_KEPT = 10_000


class People:
    """Answers who a person is; what cannot be checked is never a yes."""

    def __init__(self, *, slacks: Slacks, clock: Clock) -> None:
        self._slacks = slacks
        self._clock = clock
        self._actors = _Kept[Actor](clock)
        self._groups = _Kept[frozenset[str]](clock)
        self._handles = _Kept[list[tuple[str, str]]](clock)

    async def actor(self, workspace: str, user: str) -> Actor:
        """The person's standing, at most 60 s old; raises `TryAgain` where Slack does not say within 1.5 s."""

        async def ask() -> Actor:
            return await (await self._slacks.of(workspace)).actor(user, workspace)

        return await self._actors.get((workspace, user), ask, refusals.WHO_ARE_YOU)

    async def group(self, workspace: str, group: str) -> frozenset[str]:
        """The people of a user group, at most 60 s old; none of one that is gone. Raises `TryAgain` as above."""

        async def ask() -> frozenset[str]:
            return await (await self._slacks.of(workspace)).group_members(group)

        return await self._groups.get((workspace, group), ask, refusals.WHO_IS_IN_GROUP)

    async def groups(self, workspace: str) -> list[tuple[str, str]]:
        """The id and the handle of each user group, at most 60 s old; raises `TryAgain` as above."""

        async def ask() -> list[tuple[str, str]]:
            return await (await self._slacks.of(workspace)).groups()

        return await self._handles.get((workspace, ""), ask, refusals.WHO_IS_IN_GROUP)


class _Kept(Generic[Found]):
    """What Slack said, for 60 s."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str], tuple[datetime, Found]] = {}

    async def get(self, key: tuple[str, str], ask: Callable[[], Awaitable[Found]], otherwise: str) -> Found:
        """What is known of `key`, or what `ask` says in time; raises `TryAgain` with `otherwise`."""
        now = self._clock()
        kept = self._known.get(key)
        if kept is not None and kept[0] > now - KEPT:
            return kept[1]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await ask()
        except (SlackError, TimeoutError) as error:
            log.warning("could not ask Slack who somebody is", id=key[1], failure=str(error) or type(error).__name__)
            raise TryAgain(otherwise) from None
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[key] = (now, found)
        return found
