"""Connections to PostgreSQL that are given up once they say nothing, also where something between keeps them open."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event

GIVEN_UP_AFTER = 10.0
"""How many seconds one statement may go without an answer: whoever asked was refused long before.

The system gives a connection up whose other end is gone, but not one on which a proxy or a load balancer still
acknowledges what nobody gets any more. Without this bound such connections would hold all threads for ever.
"""

Answer = TypeVar("Answer")
_thread = threading.local()


@contextmanager
def bounded() -> Iterator[None]:
    """Within the block this thread waits for no answer longer than `GIVEN_UP_AFTER`."""
    _thread.bounded = True
    try:
        yield
    finally:
        _thread.bounded = False


def give_up_silent_connections(engine: Engine) -> None:
    """Let the engine make connections that know the bound."""
    event.listen(engine, "do_connect", _connect)


class _Bounded(Connection[Any]):
    """Is closed where it was given up: nobody knows what it would answer next."""

    def wait(self, gen: PQGen[Answer], interval: float = 0.1, timeout: float | None = None) -> Answer:
        """Wait for the answer to a statement."""
        if timeout is None and getattr(_thread, "bounded", False):
            timeout = GIVEN_UP_AFTER
        try:
            return super().wait(gen, interval, timeout)
        except OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.pgconn.finish()
            raise


def _connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> Connection[Any]:
    return _Bounded.connect(*arguments, **options)
