"""Turns: creates leave one after the other, as long as MailAPI answers promptly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

PATIENCE = timedelta(seconds=1)
"""How long one create that gets no answer keeps the next one waiting: MailAPI may be slow, but nobody else is."""


class Turns:
    """Of several creates one is out at a time, so that a process that is killed leaves one unknown and not many.

    Each unknown may end as a question to a person. First come, first served.
    """

    def __init__(self, patience: timedelta = PATIENCE) -> None:
        self._patience = patience.total_seconds()
        self._free = asyncio.Lock()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for the turn, and have it until the block ends, or until it has lasted too long for the others."""
        await self._free.acquire()
        turn = _Turn(self._free)
        overdue = asyncio.get_running_loop().call_later(self._patience, turn.end)
        try:
            yield
        finally:
            overdue.cancel()
            turn.end()


class _Turn:
    """Ends once, whether by itself or by the clock."""

    def __init__(self, lock: asyncio.Lock) -> None:
        self._lock: asyncio.Lock | None = lock

    def end(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None
