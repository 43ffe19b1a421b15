"""Writers: how transactions that write come to their connections, on PostgreSQL and on SQLite."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from storage.engines import writing
from storage.patience import bounded
from storage.threads import Closed, Threads

Result = TypeVar("Result")
Work = Callable[[Session], Result]

TOGETHER = 100
"""The most SQLite transactions that share one commit."""


class Writer(Protocol):
    """Takes transactions that write."""

    def submit(self, work: Work[Result]) -> Future[Result]:
        """Begin one as soon as may be; what came of it is there once it is committed. Raises `Closed`."""

    def close(self) -> None:
        """Finish what was taken, and take nothing more."""


class PooledWriter:
    """Each transaction on a connection of its own."""

    def __init__(self, engine: Engine, threads: Threads) -> None:
        self._engine = engine
        self._threads = threads

    def submit(self, work: Work[Result]) -> Future[Result]:
        """As above; where a thread is free, or else as soon as one is."""
        return self._threads.submit(partial(self._run, work))

    def _run(self, work: Work[Result]) -> Result:
        with bounded(), Session(self._engine, expire_on_commit=False) as session, session.begin():
            result = work(session)
            session.flush()
            session.expunge_all()
            return result

    def close(self) -> None:
        """Nothing: the threads are the database's, which ends them."""


class QueuedWriter:
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

    def submit(self, work: Work[Result]) -> Future[Result]:
        """As above; with what else waits by then."""
        future: Future[Result] = Future()
        with self._closing:  # nothing comes behind the mark of the end, where nobody would take it
            if self._closed:
                raise Closed
            self._waiting.put((work, future))
        return future

    def close(self) -> None:
        """As above."""
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

    def _batch(self) -> tuple[list[tuple[Work[Any], Future[Any]]], bool]:
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

    def _write(self, batch: list[tuple[Work[Any], Future[Any]]]) -> None:
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

    def _waited_as_well(self) -> list[tuple[Work[Any], Future[Any]]]:
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


def _alone(connection: Connection, work: Work[Result]) -> Result:
    """Run `work` without a savepoint: there is no neighbour whom its failure could undo."""
    with Session(bind=connection, expire_on_commit=False, join_transaction_mode="rollback_only") as session:
        result = work(session)
        session.commit()  # of the session alone: the transaction is committed by whoever began it
        session.expunge_all()
        return result


def _attempt(connection: Connection, work: Work[Result]) -> tuple[Result | None, BaseException | None]:
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
        if not cast("Any", connection.connection.dbapi_connection).in_transaction:
            raise _first(error) from None
        return None, error


def _first(error: BaseException) -> BaseException:
    """The failure behind the failure to go back to a savepoint."""
    while isinstance(error.__context__, DBAPIError):
        error = error.__context__
    return error
