"""When the worker ticks: one tick at a time, several nudges in a row are one more."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

A_MOMENT = 0.02


class Ticks:
    """Runs `tick`, or only `refill` where nothing came up but room for more work; never two at a time."""

    def __init__(self, *, tick: Callable[[], Awaitable[None]], refill: Callable[[], Awaitable[None]]) -> None:
        self._tick = tick
        self._refill = refill
        self._running: asyncio.Task[None] | None = None
        self._again = False
        self._whole = False
        self._soon: asyncio.TimerHandle | None = None
        self._stopped = False
        self._ended = time.monotonic()

    @property
    def since(self) -> float:
        """How many seconds ago the last whole one came to its end."""
        return time.monotonic() - self._ended

    def note_news(self) -> None:
        """Something was written of which others than its own row hear: the next is a whole tick, whenever it comes."""
        self._whole = True

    def now(self) -> None:
        """Run one now, or one more once the one that runs has ended."""
        if self._stopped:
            return
        if self._running is None:
            self._running = asyncio.create_task(self._until_quiet())
        else:
            self._again = True

    def soon(self, seconds: float = A_MOMENT) -> None:
        """Run one within so many seconds, once for all that ask for it until then."""
        loop = asyncio.get_running_loop()
        if self._soon is not None and self._soon.when() <= loop.time() + seconds:
            return
        if self._soon is not None:
            self._soon.cancel()
        self._soon = loop.call_later(seconds, self._is_soon)

    def end(self) -> None:
        """Run no more."""
        self._stopped = True

    async def stop(self, seconds: float) -> None:
        """The same, and wait so long for the one that runs."""
        self.end()
        if self._running is not None:
            await asyncio.wait([self._running], timeout=seconds)

    def _is_soon(self) -> None:
        self._soon = None
        self.now()

    async def _until_quiet(self) -> None:
        structlog.contextvars.clear_contextvars()  # those of whoever nudged: a tick is about nobody
        try:
            while True:
                self._again = False
                whole, self._whole = self._whole, False
                await (self._tick() if whole else self._refill())
                if whole:
                    self._ended = time.monotonic()
                if self._stopped or not self._again:
                    return
        finally:
            self._running = None
