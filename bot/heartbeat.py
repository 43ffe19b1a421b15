"""What tells others that this process runs, and which encryption keys it knows."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from importlib.metadata import version

import structlog
from sqlmodel import Session

from bot.clock import Clock
from storage import processes
from storage.database import Database, DatabaseUnavailable
from storage.tables import Process

log = structlog.get_logger(__name__)

BEATS_EVERY = timedelta(seconds=10)
"""So often that one or two may fail before the process is taken for gone."""


class Heartbeat:
    """This process's row: made at its start, renewed while it runs, and gone at its end."""

    def __init__(self, *, database: Database, clock: Clock, fingerprints: Sequence[str]) -> None:
        self.living = 1
        """How many processes run, this one included, as of the last beat."""
        self._database = database
        self._clock = clock
        self._process = Process(
            id=secrets.token_hex(8),
            started_at=clock(),
            version=version("mailroom")[:32],
            fingerprints=list(fingerprints),
        )

    async def begin(self) -> None:
        """Before anything is read or written with the keys. Raises `DatabaseUnavailable`."""
        self.living = await self._database.write(self._begin)

    async def beat(self) -> None:
        """The process still runs; where the database takes nothing, the next beat says so."""
        try:
            self.living = await self._database.write(self._seen)
        except DatabaseUnavailable as error:
            log.debug("no heartbeat", reason=str(error))

    async def end(self) -> None:
        """The process writes nothing any more; where this is not taken, its row comes to its end by itself."""
        try:
            await self._database.write(partial(processes.ended, process_id=self._process.id))
        except DatabaseUnavailable as error:
            log.debug("the last heartbeat stays", reason=str(error))

    def _begin(self, session: Session) -> int:
        if not self._database.shared:
            processes.all_ended(session)  # those of a process that was killed; no other one runs on this file
        return self._seen(session)

    def _seen(self, session: Session) -> int:
        now = self._clock()
        processes.seen(session, self._process, now=now)
        return len(processes.living(session, now=now))
