import sqlite3
from dataclasses import dataclass

from sandbox.mailapi.refusals import INVALID_KEY, WRONG_CALLER, Refused


@dataclass(frozen=True)
class Account:
    """Who asks: what it owns goes by `caller_id`, its tasks and its hourly windows by `key`."""

    key: str
    caller_id: int


def add(db: sqlite3.Connection, account: Account) -> None:
    """Make the key valid. Several keys may belong to one caller id and see the same domains."""
    with db:
        db.execute("INSERT OR REPLACE INTO keys (key, caller_id) VALUES (?, ?)", (account.key, account.caller_id))


def forget(db: sqlite3.Connection, key: str) -> None:
    """Make the key invalid; what was created with it stays."""
    with db:
        db.execute("DELETE FROM keys WHERE key = ?", (key,))


def find(db: sqlite3.Connection, key: str) -> Account | None:
    """The account of a valid key."""
    row = db.execute("SELECT caller_id FROM keys WHERE key = ?", (key,)).fetchone()
    return Account(key, row["caller_id"]) if row else None


def first(db: sqlite3.Connection) -> Account | None:
    """The account that was added before all others."""
    row = db.execute("SELECT key, caller_id FROM keys ORDER BY rowid LIMIT 1").fetchone()
    return Account(row["key"], row["caller_id"]) if row else None


def of_key(db: sqlite3.Connection, key: str) -> Account:
    """The account of the key; refuses an unknown one with 401."""
    account = find(db, key)
    if account is None:
        raise Refused(INVALID_KEY)
    return account


def of_caller(db: sqlite3.Connection, key: str, caller_id: int) -> Account:
    """As `of_key`, and refuses a caller id that does not own the key with 403."""
    account = of_key(db, key)
    if account.caller_id != caller_id:
        raise Refused(WRONG_CALLER)
    return account
