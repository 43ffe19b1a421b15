"""Looks that taught nothing new, which are most: many calls are given back in one write."""

from datetime import datetime

from storage import calls
from storage.calls import PutOff
from storage.database import Database
from storage.tables import Call


class Uneventful:
    """Gives calls back together, once in each tick. Where the process ends before that, their leases do."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[PutOff] = []

    def put_off(self, call: Call, due_at: datetime, *, now: datetime) -> None:
        """Give a claimed call back with the next `write`, to be looked at again at `due_at`."""
        self._waiting.append(PutOff(call, due_at, now))

    async def write(self) -> None:
        """Give back what was put off since the last time."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            await self._database.write(lambda session: calls.put_off_together(session, waiting))
