import asyncio
from typing import Any

from sandbox.slack.clock import Clock

_CLOSED_SECONDS = 0.05
"""Whoever asks again and again, meanwhile, leaves the loop to others."""


class Journal:
    """Everything that happened, in order; each entry has `seq`, `at`, `kind` and what belongs to its kind."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False
        self.entries: list[dict[str, Any]] = []

    def note(self, kind: str, **details: Any) -> None:
        """Append an entry and wake whoever waits for one."""
        self.entries.append({"seq": len(self.entries) + 1, "at": self._clock.now(), "kind": kind, **details})
        self.stir()

    def close(self) -> None:
        """Let nobody wait any more: whoever serves this is about to end."""
        self._closed = True
        self.stir()

    def stir(self) -> None:
        """Wake whoever waits, without an entry: something changed that may matter to him."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    def after(self, seq: int) -> list[dict[str, Any]]:
        """The entries with a higher number than `seq`."""
        return self.entries[seq:]

    async def wait_after(self, seq: int, seconds: float) -> list[dict[str, Any]]:
        """The entries after `seq`; waits up to `seconds` for the first where there are none."""
        if self._closed:
            await asyncio.sleep(_CLOSED_SECONDS)
        elif len(self.entries) <= seq and seconds > 0:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await asyncio.wait([waiter], timeout=seconds)
            finally:
                self._waiting.discard(waiter)
        return self.after(seq)
