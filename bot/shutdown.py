"""The end of the bot: what is in flight may end, within a time for all of it together."""

import asyncio
import time
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
