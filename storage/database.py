"""Transactions off the event loop: the only way to the rows."""

import asyncio
import contextvars
import json
import queue
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlmodel import Session

from storage import moves
from storage.moves import Step
from storage.patience import bounded, give_up_silent_connections
from storage.threads import Closed, Threads

Result = TypeVar("Result")
Work = Callable[[Session], Result]

BUSY_TIMEOUT_MS = 2_000
"""How long SQLite waits for another process's lock: shorter than the 3 s that Slack gives an acknowledgement."""

CONNECT_TIMEOUT = 2
"""How many seconds PostgreSQL has to take a connection, for the same reason; the URL may say otherwise."""

PATIENCE = 2.0
"""How many seconds PostgreSQL has for a transaction, the wait for a thread included, for the same reason again.

SQLite needs no such bound: it waits for nothing but locks and the disk.
"""

ALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 5_000}
"""When a connection is taken for broken whose other end is gone without a word, in s and ms; a frozen server's is not.
"""

GOODBYE = 1.0
"""How many seconds transactions on PostgreSQL have to end at the close: nobody waits for their answers any more."""

STANDSTILL_MS = 1_500
"""How long a transaction may stand still before PostgreSQL ends it, and with it the locks of a process that is frozen.

Shorter than our patience, so that others who need what it locks get it in time. Transactions do nothing but ask the
database, so that one of a process which is alive hardly ever pauses.
"""

LOCK_TIMEOUT_MS = 4_000
"""How long a thread waits for another's lock: longer than a frozen process keeps one, and not for ever.

Whoever asked was refused long before; the thread is free again for those who need nothing that is locked.
"""

THREADS = 8
"""Transactions at a time: PostgreSQL's connections, or SQLite's readers."""

TOGETHER = 100
"""The most SQLite transactions that share one commit."""

UNREADABLE = "unreadable"
"""Stands for what a column says that is no JSON: the row is no less a row, and stands in nobody's way."""

_AGAIN = 0.01
_WRITES = "mailroom_writes"
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

    def __init__(self, engine: Engine, writer: "_Writer", readers: Threads) -> None:
        self.engine = engine
        self.heard: Callable[[Step], None] | None = None
        """Is told of each row that was moved to another state, once that is committed."""
        self._patience = PATIENCE if self.shared else None
        self._snapshots = _snapshots(engine)
        self._writer = writer
        self._readers = readers

    @classmethod
    def open(cls, url: str) -> "Database":
        """Open `sqlite:///…` or `postgresql+psycopg://…`; nothing is connected or created before the first use."""
        engine = engine_for(url)
        readers = Threads(THREADS, name="database")
        writer: _Writer = _QueuedWriter(engine) if engine.dialect.name == "sqlite" else _PooledWriter(engine, readers)
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
        begun = self._writer.submit(lambda session: context.run(run, session))
        result, steps = await _translated(_answer(begun, self._patience))
        if self.heard is not None:
            for step in steps:
                self.heard(step)
        return result

    async def read(self, work: Work[Result], *, at_leisure: bool = False) -> Result:
        """Run `work` on a snapshot; what it changes is thrown away. `at_leisure` it may take as long as it takes."""
        patience = None if at_leisure else self._patience
        read = self._read if patience is None else bounded()(self._read)
        return await _translated(_answer(_started(self._readers, partial(read, work)), patience))

    async def apart(self, run: Callable[[Engine], Result]) -> Result:
        """Run what makes transactions of its own, as an upgrade of the schema does, for as long as it takes."""
        return await _answer(_started(self._readers, partial(run, self.engine)), None)

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


async def _answer(begun: "Future[Result]", patience: float | None) -> Result:
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


def _started(threads: Threads, run: Callable[[], Result]) -> "Future[Result]":
    try:
        return threads.submit(run)
    except Closed:
        raise DatabaseUnavailable(_CLOSED) from None


_CLOSED = "The database is closed."
_SILENT = f"no answer within {PATIENCE:.0f} s"


class _Writer(Protocol):
    def submit(self, work: Work[Result]) -> "Future[Result]": ...
    def close(self) -> None: ...


class _PooledWriter:
    """Each transaction on a connection of its own."""

    def __init__(self, engine: Engine, threads: Threads) -> None:
        self._engine = engine
        self._threads = threads

    def submit(self, work: Work[Result]) -> "Future[Result]":
        return _started(self._threads, partial(self._run, work))

    def _run(self, work: Work[Result]) -> Result:
        with bounded(), Session(self._engine, expire_on_commit=False) as session, session.begin():
            result = work(session)
            session.flush()
            session.expunge_all()
            return result

    def close(self) -> None:
        """The threads are the database's, which ends them."""


class _QueuedWriter:
    """One thread that takes all that waits, runs it in one transaction, and commits once.

    A commit costs a wait for the disk, and under load that wait is what callers would queue for.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = writing(engine)
        self._closed = False
        self._closing = threading.Lock()
        self._waiting: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="database-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[Result]) -> "Future[Result]":
        future: Future[Result] = Future()
        with self._closing:  # nothing comes behind the mark of the end, where nobody would take it
            if self._closed:
                raise DatabaseUnavailable(_CLOSED)
            self._waiting.put((work, future))
        return future

    def close(self) -> None:
        with self._closing:
            self._closed = True
            self._waiting.put(None)
        self._thread.join()

    def _serve(self) -> None:
        open_ = True
        while open_:
            batch, open_ = self._batch()
            if batch:
                self._write(batch)

    def _batch(self) -> tuple[list[tuple[Work[Any], "Future[Any]"]], bool]:
        batch = []
        item = self._waiting.get()
        while item is not None:
            batch.append(item)
            if len(batch) == TOGETHER:
                return batch, True
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _write(self, batch: list[tuple[Work[Any], "Future[Any]"]]) -> None:
        outcomes: list[tuple[Any, BaseException | None]]
        begun = False
        try:
            with self._engine.begin() as connection:
                begun = True
                if len(batch) == 1:
                    outcomes = [(_alone(connection, batch[0][0]), None)]
                else:
                    outcomes = [_attempt(connection, work) for work, _ in batch]
        except BaseException as error:  # noqa: BLE001 - nothing was committed, and each caller is told so
            batch = batch if begun else [*batch, *self._waited_as_well()]
            outcomes = [(None, error)] * len(batch)
        for (_, future), (result, failure) in zip(batch, outcomes, strict=True):
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _waited_as_well(self) -> list[tuple[Work[Any], "Future[Any]"]]:
        """Those who came while a lock was waited for in vain: a second wait would be longer than Slack's 3 s."""
        found: list[tuple[Work[Any], Future[Any]]] = []
        while True:
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                return found
            if item is None:
                self._waiting.put(None)  # the mark of the end stays the last
                return found
            found.append(item)


def _alone(connection: DatabaseConnection, work: Work[Result]) -> Result:
    """Run `work` without a savepoint: there is no neighbour whom its failure could undo."""
    with Session(bind=connection, expire_on_commit=False, join_transaction_mode="rollback_only") as session:
        result = work(session)
        session.commit()  # of the session alone: the transaction is committed by whoever began it
        session.expunge_all()
        return result


def _attempt(connection: DatabaseConnection, work: Work[Result]) -> tuple[Result | None, BaseException | None]:
    """Run `work` behind a savepoint, so that its failure undoes nothing of its neighbours.

    Raises the failure where SQLite itself has undone the whole transaction, as it does when the disk is full: there
    is no savepoint then to go back to, and what ran before would be lost without a word.
    """
    try:
        with (
            Session(bind=connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session,
            session.begin(),
        ):
            result = work(session)
            session.flush()
            session.expunge_all()
            return result, None
    except BaseException as error:  # noqa: BLE001 - it is the caller's, and is raised there
        if not cast("sqlite3.Connection", connection.connection.dbapi_connection).in_transaction:
            raise _first(error) from None
        return None, error


def _first(error: BaseException) -> BaseException:
    """The failure behind the failure to go back to a savepoint."""
    while isinstance(error.__context__, DBAPIError):
        error = error.__context__
    return error


def engine_for(url: str) -> Engine:
    """An engine with the settings that Mailroom relies on; parameters stay out of exceptions and logs."""
    if make_url(url).get_backend_name() != "sqlite":
        said = make_url(url).query
        ours = f"-c idle_in_transaction_session_timeout={STANDSTILL_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
        patience = {
            **{name: said.get(name, value) for name, value in {"connect_timeout": CONNECT_TIMEOUT, **ALIVE}.items()},
            "options": f"{ours} {said.get('options', '')}",
        }
        engine = create_engine(
            url, pool_size=THREADS, max_overflow=0, pool_pre_ping=True, hide_parameters=True, connect_args=patience
        )
        give_up_silent_connections(engine)
        return engine
    engine = create_engine(
        url, pool_size=THREADS + 1, max_overflow=0, hide_parameters=True, json_deserializer=_from_json
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _from_json(stored: Any) -> Any:
    """SQLite keeps anything in any column; PostgreSQL takes nothing into one of JSON that is none."""
    try:
        return json.loads(stored)
    except (TypeError, ValueError):
        return UNREADABLE


def writing(engine: Engine) -> Engine:
    """The same engine for transactions that write: on SQLite they take the lock at once."""
    return engine.execution_options(**{_WRITES: True})


def _snapshots(engine: Engine) -> Engine:
    """The same engine for transactions that read: SQLite's are snapshots anyway, PostgreSQL's have to be asked for."""
    return engine if engine.dialect.name == "sqlite" else engine.execution_options(isolation_level="REPEATABLE READ")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """WAL, so that readers do not wait; FULL, so that what was acknowledged survives a power cut."""
    connection.isolation_level = None  # the driver would begin transactions at moments of its own
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()
    _write_ahead(connection)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Where several processes open a new file at once, SQLite refuses this to all but one of them without waiting."""
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(_AGAIN)
        else:
            return


def _begin_sqlite(connection: DatabaseConnection) -> None:
    """One that begins as a reader may be refused in the middle, when it comes to write."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
