"""Nudges between the processes on one PostgreSQL database, carried by LISTEN and NOTIFY."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import psycopg
import structlog
from sqlalchemy import text
from sqlmodel import Session

from storage.database import PATIENCE, Database, DatabaseUnavailable
from storage.engines import ALIVE, CONNECT_TIMEOUT

log = structlog.get_logger(__name__)

A_MOMENT = 0.02
"""Nudges within this time are one, and none shares the processor with the acknowledgement that it follows."""
LONGEST_WAIT = 30.0
"""How many seconds at most go by between two tries to listen again."""

_CHANNEL = "mailroom"


@asynccontextmanager
async def carried(database: Database, heard: Callable[[], None]) -> AsyncIterator[Callable[[], None]]:
    """Call `heard` when another process nudges; gives the function that nudges the others.

    Nothing may depend on it: what is not heard is found by the next tick. SQLite has one process, and no others.
    """
    if not database.shared:
        yield _nobody_to_nudge
        return
    nudges = _Nudges(database, heard)
    listening = asyncio.create_task(nudges.listen())
    try:
        yield nudges.send
    finally:
        listening.cancel()
        # psycopg waits for the server's answer even when it is told to stop, and a server may hang.
        await asyncio.wait([listening, asyncio.create_task(nudges.sent())], timeout=PATIENCE)


def _nobody_to_nudge() -> None:
    """There is no other process."""


class _Nudges:
    """What one process says and hears, under a name by which it knows its own."""

    def __init__(self, database: Database, heard: Callable[[], None]) -> None:
        self._database = database
        self._heard = heard
        self._name = uuid4().hex
        self._waiting: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._failures = 0

    def send(self) -> None:
        """Nudge the other processes in a moment."""
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_later(A_MOMENT, self._start)

    def _start(self) -> None:
        self._waiting = None
        task = asyncio.create_task(self._send())
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self) -> None:
        try:
            await self._database.write(self._notify)
        except DatabaseUnavailable as error:
            log.info("the other processes were not nudged", reason=str(error))

    def _notify(self, session: Session) -> None:
        said = text("SELECT pg_notify(:channel, :name)").bindparams(channel=_CHANNEL, name=self._name)
        session.connection().execute(said)

    async def sent(self) -> None:
        """Wait for what is on its way; what has not begun is given up."""
        if self._waiting is not None:
            self._waiting.cancel()
        await asyncio.gather(*self._sending)

    async def listen(self) -> None:
        """Hear the others until this is cancelled, on a connection of its own, which is made again where it breaks."""
        while True:
            try:
                await self._listen()
            except psycopg.Error as error:
                self._failures += 1
                if self._failures == 1:
                    log.warning("nudges are not heard; ticks go on", reason=type(error).__name__)
            wait = min(2.0 ** min(self._failures, 10) / 2, LONGEST_WAIT)
            await asyncio.sleep(wait * random.uniform(0.75, 1.0))  # noqa: S311 - jitter is no secret

    async def _listen(self) -> None:
        engine = self._database.engine
        _, options = engine.dialect.create_connect_args(engine.url)
        # Nothing is ever sent on it, so that only keepalives find out that the other end is gone.
        options = {"connect_timeout": CONNECT_TIMEOUT, **ALIVE, **options}
        async with await psycopg.AsyncConnection.connect(autocommit=True, **options) as connection:
            await connection.execute(f"LISTEN {_CHANNEL}")
            if self._failures:
                log.info("nudges are heard again")
            self._failures = 0
            self._heard()  # what was said before is not heard any more
            async for nudge in connection.notifies():
                if nudge.payload != self._name:
                    self._heard()
