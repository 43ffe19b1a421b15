"""Looks that taught nothing new, which are most: many calls are given back in one write."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from storage import calls
from storage.calls import PutOff
from storage.database import Database
from storage.tables import Call


class Uneventful:
    """Gives calls back together, once in each tick. Where the process ends before that, their leases do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[int, PutOff] = {}

    def __contains__(self, row: Any) -> bool:
        """Whether this row waits to be given back without news."""
        return isinstance(row, Call) and row.id in self._waiting

    def put_off(self, call: Call, due_at: datetime, *, now: datetime) -> None:
        """Give a claimed call back with the next `write`, to be looked at again at `due_at`."""
        self._waiting[call.id] = PutOff(call, due_at, now)

    def take(self) -> Sequence[PutOff]:
        """What was put off since the last time, for whoever gives it back."""
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())

    def keep(self, looks: Sequence[PutOff]) -> None:
        """These could not be given back: with the next ones, unless they were looked at again meanwhile."""
        self._waiting = {look.call.id: look for look in looks} | self._waiting

    async def write(self) -> None:
        """Give back what was put off since the last time."""
        await self._database.write(partial(calls.put_off_together, looks=self.take()))
