"""Engines: how Mailroom connects to SQLite and PostgreSQL, and begins transactions there."""

import json
import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url

from storage.patience import give_up_silent_connections

BUSY_TIMEOUT_MS = 2_000
"""How long SQLite waits for another process's lock: shorter than the 3 s that Slack gives an acknowledgement."""

CONNECT_TIMEOUT = 2
"""How many seconds PostgreSQL has to take a connection, for the same reason; the URL may say otherwise."""

ALIVE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 5_000}
"""When a connection is taken for broken whose other end is gone without a word, in s and ms; a frozen server's is not.
"""

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

UNREADABLE = "unreadable"
"""Stands for what a column says that is no JSON: the row is no less a row, and stands in nobody's way."""

_AGAIN = 0.01
_WRITES = "mailroom_writes"


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


def snapshots(engine: Engine) -> Engine:
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


def _begin_sqlite(connection: Connection) -> None:
    """One that begins as a reader may be refused in the middle, when it comes to write."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
