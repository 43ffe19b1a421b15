"""The end of the bot: what is in flight may end, within a time for all of it together."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.pool import Pool
from bot.worker.worker import Worker

log = structlog.get_logger(__name__)

LAST_WORD = 1.0
"""How many seconds the database has for what is written at the very end."""


@dataclass
class Shutdown:
    """The time in which the bot ends; it runs from the moment at which it was told to."""

    seconds: float
    _until: float | None = None

    def begin(self) -> None:
        """The bot was told to end."""
        self._until = time.monotonic() + self.seconds

    @property
    def left(self) -> float:
        """How many seconds are left."""
        return self.seconds if self._until is None else max(0.0, self._until - time.monotonic())

    async def drain(self, worker: Worker, after: Pool) -> None:
        """Let what runs end; what is cancelled at the end of the time stands in the database as begun."""
        try:
            async with asyncio.timeout(self.left + LAST_WORD):
                await asyncio.gather(worker.stop(self.left), after.drain(self.left))
        except TimeoutError:
            log.warning("the database took nothing at the end; the next start takes up what is under way")

    async def at_last(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do what comes after everything else, in what is left of the time for the last word."""
        until = self._until or time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, until + LAST_WORD - time.monotonic())):
                await work()
