import json
import sqlite3
from typing import Any

from sandbox.mailapi.clock import day

_LISTED = """
SELECT mailboxes.*, credentials.payload
FROM mailboxes LEFT JOIN credentials USING (address)
WHERE caller_id = ? AND domain = ? ORDER BY mailboxes.id
"""
_ADD = """
INSERT INTO mailboxes (caller_id, domain, address, quota, created_at, status, times) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (caller_id, address) DO
"""


def listed(db: sqlite3.Connection, caller_id: int, domain: str) -> dict[str, dict[str, Any]]:
    """The domain's mailboxes by address, the oldest first, as List Mailboxes shows them."""
    return {row["address"]: _shown(row) for row in db.execute(_LISTED, (caller_id, domain))}


def begin(db: sqlite3.Connection, caller_id: int, address: str, *, quota: str, now: float) -> None:
    """List the mailbox as pending; one that is there already stays as it is."""
    db.execute(f"{_ADD} NOTHING", (caller_id, _domain(address), address, quota, now, "pending", 0))


def create(db: sqlite3.Connection, caller_id: int, address: str, *, quota: str, now: float) -> None:
    """Make the mailbox active and count that it was created, the second time as the first."""
    db.execute(
        f"{_ADD} UPDATE SET status = 'active', times = times + 1",
        (caller_id, _domain(address), address, quota, now, "active", 1),
    )


def give_up(db: sqlite3.Connection, caller_id: int, address: str) -> None:
    """List the mailbox no longer, unless an earlier request had created it."""
    db.execute("DELETE FROM mailboxes WHERE caller_id = ? AND address = ? AND times = 0", (caller_id, address))


def creations(db: sqlite3.Connection, domain: str | None = None) -> dict[str, int]:
    """How many times each address was created, over all accounts; those still pending are left out."""
    rows = db.execute(
        "SELECT address, sum(times) AS times FROM mailboxes"
        " WHERE times > 0 AND (?1 IS NULL OR domain = ?1) GROUP BY address ORDER BY min(id)",
        (domain,),
    )
    return {row["address"]: row["times"] for row in rows}


def failure(db: sqlite3.Connection, address: str) -> str | None:
    """The status with which this address is to fail."""
    row = db.execute("SELECT status FROM mailbox_failures WHERE address = ?", (address,)).fetchone()
    return row["status"] if row else None


def set_failure(db: sqlite3.Connection, address: str, status: str | None) -> None:
    """Let the address fail whenever it is asked for, until `None` heals it."""
    with db:
        db.execute("DELETE FROM mailbox_failures WHERE address = ?", (address,))
        if status is not None:
            db.execute("INSERT INTO mailbox_failures (address, status) VALUES (?, ?)", (address, status))


def set_credentials(db: sqlite3.Connection, address: str, credentials: dict[str, Any] | None) -> None:
    """What `imap_credentials` shows of the address."""
    with db:
        db.execute(
            "INSERT OR REPLACE INTO credentials (address, payload) VALUES (?, ?)", (address, json.dumps(credentials))
        )


def _domain(address: str) -> str:
    return address.rpartition("@")[2]


def _shown(row: Any) -> dict[str, Any]:
    return {
        "provisioning_status": row["status"],
        "mailbox_quota": row["quota"],
        "imap_credentials": json.loads(row["payload"] or "null"),
        "created_at": day(row["created_at"]),
    }
