"""The last moment before a create's first byte leaves."""

import asyncio
from collections.abc import Callable

from sqlmodel import Session

from bot.clock import Clock
from storage import moves
from storage.database import Database
from storage.tables import Call

Begin = Callable[[Session], Call | None]
"""Moves a call to `sending` and gives it with its lease; `None` where it must not be sent as it is."""


class Departure:
    """Writes a call down as `sending` once the connection to MailAPI stands.

    A process that is killed while it connects has sent nothing, and its call is still queued; only between the commit
    and the first byte nobody knows, which is as short as it can be.
    """

    def __init__(self, database: Database, clock: Clock, begin: Begin) -> None:
        self._database = database
        self._clock = clock
        self._begin = begin
        self._writing: asyncio.Future[Call | None] | None = None

    async def approve(self) -> bool:
        """Commit, and say whether the first byte may leave: not where this process stood still for too long."""
        self._writing = asyncio.ensure_future(self._database.write(self._begin))
        call = await asyncio.shield(self._writing)
        return call is not None and moves.lasts(call, now=self._clock())

    @property
    def asked(self) -> bool:
        """Whether it came so far that the call was to leave."""
        return self._writing is not None

    async def begun(self) -> Call | None:
        """The call as it was written down, also where it was not sent after all; raises what the writing raised."""
        return await self._writing if self._writing is not None else None
