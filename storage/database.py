"""Transactions off the event loop: the only way to the rows."""

import asyncio
import contextvars
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlmodel import Session

from storage import moves
from storage.engines import THREADS, engine_for, snapshots
from storage.moves import Step
from storage.patience import bounded
from storage.threads import Closed, Threads
from storage.writers import PooledWriter, QueuedWriter, Work, Writer

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

PATIENCE = 2.0
"""How many seconds PostgreSQL has for a transaction, the wait for a thread included.

Shorter than the 3 s that Slack gives an acknowledgement. SQLite needs no such bound: it waits for nothing but locks
and the disk.
"""

PAUSES = (0.1, 0.2, 0.5, 1.0)
"""How many seconds `persist` waits after each time in vain; the last from then on."""

GOODBYE = 1.0
"""How many seconds transactions on PostgreSQL have to end at the close: nobody waits for their answers any more."""

_CALLERS_MATTER = (IntegrityError, DataError, ProgrammingError, NotSupportedError)
"""What the statement or its values broke: doing it again later would end in the same way."""


class DatabaseUnavailable(Exception):
    """The database took nothing: locked, full, or out of reach. What was asked for was not written.

    Only where PostgreSQL is lost or falls silent in the very moment of a commit, nobody knows: it may be written.
    """


class Database:
    """Runs functions of a `Session`, each as one transaction, in threads.

    On SQLite one thread writes, and the transactions that wait together are committed together, each behind a
    savepoint of its own; on PostgreSQL each has its own connection. Open with `Database.open(url)`, end with `close()`.
    """

    def __init__(self, engine: Engine, writer: Writer, readers: Threads) -> None:
        self.engine = engine
        self.heard: Callable[[Step], None] | None = None
        """Is told of each row that was moved to another state, once that is committed."""
        self._patience = PATIENCE if self.shared else None
        self._hurried = False
        self._snapshots = snapshots(engine)
        self._writer = writer
        self._readers = readers

    @classmethod
    def open(cls, url: str) -> "Database":
        """Open `sqlite:///…` or `postgresql+psycopg://…`; nothing is connected or created before the first use."""
        engine = engine_for(url)
        readers = Threads(THREADS, name="database")
        writer: Writer = QueuedWriter(engine) if engine.dialect.name == "sqlite" else PooledWriter(engine, readers)
        return cls(engine, writer, readers)

    @property
    def shared(self) -> bool:
        """Whether several processes may use it."""
        return self.engine.dialect.name != "sqlite"

    async def write(self, work: Work[Result]) -> Result:
        """Run `work` as one transaction and give back what it returned, after the commit.

        Raises what `work` raised, with nothing written, or `DatabaseUnavailable`. Cancelling the caller does not
        undo it. A broken rule of the schema is raised without the values that broke it.

        A server that gives no answer is not waited for: `DatabaseUnavailable` comes after `PATIENCE`, and `work` is
        not committed when it goes on later. A commit that hangs may still come to pass, as one whose answer is lost;
        what must not happen twice has a key of its own, so that doing it again does no harm.
        """
        until = None if self._patience is None else time.monotonic() + self._patience
        # In the caller's context, so that what is logged in there says which row it is about.
        context, run = contextvars.copy_context(), partial(_in_time, work, until)
        with _while_open():
            begun = self._writer.submit(lambda session: context.run(run, session))
        result, steps = await _translated(_answer(begun, self._patience))
        if self.heard is not None:
            for step in steps:
                self.heard(step)
        return result

    async def persist(self, work: Work[Result], **about: int) -> Result:
        """As `write`, but again and again until the database takes it: for what nobody can be asked for again.

        So `work` may be done twice, where a commit's answer was lost. The log says that it waits, with `about` what it
        is. Raises what `work` raised, and `DatabaseUnavailable` only where the process ends (`hurry`).
        """
        attempts = 0
        while True:
            try:
                return await self.write(work)
            except DatabaseUnavailable as error:
                if attempts and self._hurried:
                    raise
                if not attempts:
                    log.warning("an answer waits to be written down", reason=str(error), **about)
            await asyncio.sleep(PAUSES[min(attempts, len(PAUSES) - 1)])
            attempts += 1

    def hurry(self) -> None:
        """The process ends: from now on `persist` tries once more at most."""
        self._hurried = True

    async def read(self, work: Work[Result], *, at_leisure: bool = False) -> Result:
        """Run `work` on a snapshot; what it changes is thrown away. `at_leisure` it may take as long as it takes."""
        patience = None if at_leisure else self._patience
        read = self._read if patience is None else bounded()(self._read)
        return await _translated(_answer(self._started(partial(read, work)), patience))

    async def apart(self, run: Callable[[Engine], Result]) -> Result:
        """Run what makes transactions of its own, as an upgrade of the schema does, for as long as it takes."""
        return await _answer(self._started(partial(run, self.engine)), None)

    def _started(self, run: Callable[[], Result]) -> Future[Result]:
        with _while_open():
            return self._readers.submit(run)

    def _read(self, work: Work[Result]) -> Result:
        with Session(self._snapshots, expire_on_commit=False) as session:
            result = work(session)
            session.expunge_all()
            return result

    def close(self) -> None:
        """Finish what was begun, but wait for no server that gives no answer; let go of all connections."""
        self._writer.close()
        self._readers.close(GOODBYE if self.shared else None)
        self.engine.dispose()


@contextmanager
def _while_open() -> Iterator[None]:
    try:
        yield
    except Closed:
        raise DatabaseUnavailable("The database is closed.") from None


async def _answer(begun: Future[Result], patience: float | None) -> Result:
    """What comes of it within so many seconds; where no thread has taken it by then, none does."""
    answer = asyncio.wrap_future(begun)
    try:
        async with asyncio.timeout(patience):
            return await asyncio.shield(answer)
    except TimeoutError:
        answer.cancel()
        raise DatabaseUnavailable(_SILENT) from None


def _in_time(work: Work[Result], until: float | None, session: Session) -> tuple[Result, Sequence[Step]]:
    """What came of it, and which rows it moved.

    Raises instead of being committed where whoever asked was told by then that it was not.
    """
    result = work(session)
    session.flush()
    if until is not None and time.monotonic() > until:
        raise DatabaseUnavailable(_SILENT)
    return result, moves.steps(session)


async def _translated(result: Awaitable[Result]) -> Result:
    try:
        return await result
    except DBAPIError as error:
        failure = named(error)
    # Raised out here, nothing of the driver's exception hangs on to it: its text may hold the row's values.
    raise failure


def named(error: DBAPIError) -> Exception:
    """A failure of the database by what it means, or the caller's own as it was, without values in its text."""
    cause = error.orig or error
    if isinstance(error, _CALLERS_MATTER):
        words = "" if isinstance(error, DataError) else _words(cause)
        return type(error)(error.statement, None, type(cause)(words), hide_parameters=True)
    return DatabaseUnavailable(f"{type(cause).__name__}: {_words(cause)}")


def _words(cause: BaseException) -> str:
    """What the driver says, in one line; of PostgreSQL's message the first part, since the others show rows."""
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)
    return " ".join(str(primary or cause).split())


_SILENT = f"no answer within {PATIENCE:.0f} s"
