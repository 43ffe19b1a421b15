import sqlite3
from typing import Any

from sandbox.mailapi.accounts import Account
from sandbox.mailapi.clock import day

DEFAULT_QUOTA = "10GB"
WINDOW_SECONDS = 3600.0
"""One successful sub-domain request per key and base domain within this time."""

_LISTED = """
SELECT name, status, quota, created_at,
       (SELECT count(*) FROM mailboxes WHERE caller_id = domains.caller_id AND domain = domains.name) AS mailboxes
FROM domains WHERE caller_id = ? ORDER BY id
"""
_ADD = """
INSERT INTO domains (caller_id, name, base, status, quota, created_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (caller_id, name) DO
"""


def listed(db: sqlite3.Connection, account: Account) -> dict[str, dict[str, str]]:
    """The account's domains by name, the oldest first, as List Domains shows them."""
    return {row["name"]: _shown(row) for row in db.execute(_LISTED, (account.caller_id,))}


def base(db: sqlite3.Connection, account: Account, name: str) -> str | None:
    """The base domain that `name` belongs to, itself if it is one; `None` if the account has no such domain."""
    found = db.execute("SELECT base FROM domains WHERE caller_id = ? AND name = ?", (account.caller_id, name))
    row = found.fetchone()
    return row["base"] if row else None


def request(db: sqlite3.Connection, account: Account, name: str, *, base: str, now: float) -> None:
    """Queue a domain, pending until it is verified; one that is there already stays as it is."""
    db.execute(f"{_ADD} NOTHING", (account.caller_id, name, base, "pending", DEFAULT_QUOTA, now))


def plant(db: sqlite3.Connection, account: Account, name: str, *, status: str, quota: str, now: float) -> None:
    """Put a domain there without any request, or change the one that is there."""
    with db:
        db.execute(
            f"{_ADD} UPDATE SET status = excluded.status, quota = excluded.quota",
            (account.caller_id, name, name, status, quota, now),
        )


def window_is_open(db: sqlite3.Connection, key: str, base: str, *, now: float) -> bool:
    """Whether the hour since the last successful sub-domain request has not passed yet."""
    row = db.execute("SELECT opened_at FROM windows WHERE key = ? AND base = ?", (key, base)).fetchone()
    return row is not None and now < row["opened_at"] + WINDOW_SECONDS


def open_window(db: sqlite3.Connection, key: str, base: str, *, now: float) -> None:
    """Start the hour in which no further sub-domain request succeeds."""
    db.execute("INSERT OR REPLACE INTO windows (key, base, opened_at) VALUES (?, ?, ?)", (key, base, now))


def verify(db: sqlite3.Connection, *, requested_by: float) -> None:
    """Verify what is pending since `requested_by` or longer."""
    db.execute("UPDATE domains SET status = 'verified' WHERE status = 'pending' AND created_at <= ?", (requested_by,))


def oldest_pending(db: sqlite3.Connection) -> float | None:
    """Since when the longest pending domain has been waiting."""
    oldest: float | None = db.execute("SELECT min(created_at) FROM domains WHERE status = 'pending'").fetchone()[0]
    return oldest


def statuses(db: sqlite3.Connection) -> dict[str, str]:
    """Every account's domains with their status."""
    return {row["name"]: row["status"] for row in db.execute("SELECT name, status FROM domains ORDER BY id")}


def _shown(row: Any) -> dict[str, str]:
    return {
        "status": row["status"],
        "domain_quota": row["quota"],
        "mailbox_count": str(row["mailboxes"]),
        "created_at": day(row["created_at"]),
    }
