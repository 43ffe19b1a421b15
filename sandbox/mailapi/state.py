"""Everything the sandbox remembers over a restart, as one SQLite file."""

import sqlite3
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY,
    caller_id INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS domains (
    id INTEGER PRIMARY KEY,
    caller_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    base TEXT NOT NULL,
    status TEXT NOT NULL,
    quota TEXT NOT NULL,
    created_at REAL NOT NULL,
    UNIQUE (caller_id, name)
);
CREATE INDEX IF NOT EXISTS pending_domains ON domains (created_at) WHERE status = 'pending';
CREATE TABLE IF NOT EXISTS windows (
    key TEXT NOT NULL,
    base TEXT NOT NULL,
    opened_at REAL NOT NULL,
    PRIMARY KEY (key, base)
);
CREATE TABLE IF NOT EXISTS mailboxes (
    id INTEGER PRIMARY KEY,
    caller_id INTEGER NOT NULL,
    domain TEXT NOT NULL,
    address TEXT NOT NULL,
    status TEXT NOT NULL,
    quota TEXT NOT NULL,
    created_at REAL NOT NULL,
    times INTEGER NOT NULL,
    UNIQUE (caller_id, address)
);
CREATE INDEX IF NOT EXISTS mailboxes_by_domain ON mailboxes (caller_id, domain);
CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    caller_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    domain TEXT NOT NULL,
    name TEXT NOT NULL,
    total INTEGER NOT NULL,
    quota TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued',
    reason TEXT,
    done INTEGER NOT NULL DEFAULT 0,
    touched_at REAL NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS open_tasks ON tasks (state, id) WHERE state IN ('queued', 'processing');
CREATE TABLE IF NOT EXISTS results (
    task_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    address TEXT NOT NULL,
    status TEXT NOT NULL,
    PRIMARY KEY (task_id, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS task_failures (id INTEGER PRIMARY KEY, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS mailbox_failures (address TEXT PRIMARY KEY, status TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS credentials (address TEXT PRIMARY KEY, payload TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY CHECK (id = 1), ahead REAL NOT NULL);
"""

_TABLES = (
    "keys",
    "domains",
    "windows",
    "mailboxes",
    "tasks",
    "results",
    "task_failures",
    "mailbox_failures",
    "credentials",
    "clock",
    "sqlite_sequence",
)


def open_state(path: Path | None) -> sqlite3.Connection:
    """Open the state at `path`, creating what is missing; without a path it lives in memory only."""
    db = sqlite3.connect(path or ":memory:")
    db.row_factory = sqlite3.Row
    # A lost last second after a power cut is nothing to a sandbox; waiting for the disk would be.
    db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; {_SCHEMA}")
    return db


def erase(db: sqlite3.Connection) -> None:
    """Forget everything, the numbering of the tasks included."""
    with db:
        for table in _TABLES:
            db.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are the constants above
