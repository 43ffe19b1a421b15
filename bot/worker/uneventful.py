"""Looks that taught nothing new, which are most: many calls are given back in one write."""

import asyncio
from datetime import datetime

from storage import calls
from storage.calls import PutOff
from storage.database import Database
from storage.tables import Call

A_MOMENT = 0.02
"""How long the first waits for others; the next look is a second away at the earliest."""


class Uneventful:
    """Gives calls back together. Where the process ends before that, their leases do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[PutOff] = []
        self._writing: asyncio.Task[None] | None = None

    async def put_off(self, call: Call, due_at: datetime, *, now: datetime) -> None:
        """Give a claimed call back, to be looked at again at `due_at`; returns once that is written."""
        self._waiting.append(PutOff(call, due_at, now))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(self._writing)

    async def _write(self) -> None:
        await asyncio.sleep(A_MOMENT)
        waiting, self._waiting, self._writing = self._waiting, [], None
        await self._database.write(lambda session: calls.put_off_together(session, waiting))
