"""The audit chain: what was done or tried, by whom, and what came of it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import workspaces
from storage.tables import AuditEntry, table_of

GENESIS = "0" * 64
"""What the first entry of a workspace names as the hash before it."""


_HASHED = ("workspace_id", "seq", "at", "actor", "action", "outcome", "subject", "details", "previous_hash")
# An entry is a part of every acknowledged request, so its statements are built once and go past the unit of work.
_CHAIN = table_of(AuditEntry)
_APPEND = sa.insert(_CHAIN)
_LAST = (
    sa.select(_CHAIN.c.seq, _CHAIN.c.hash)
    .where(_CHAIN.c.workspace_id == sa.bindparam("workspace"))
    .order_by(_CHAIN.c.seq.desc())
    .limit(1)
)


def append(
    session: Session,
    workspace_id: str,
    *,
    at: datetime,
    actor: str,
    action: str,
    outcome: str,
    subject: str = "",
    details: dict[str, Any] | None = None,
) -> int:
    """Append an entry to the workspace's chain, and give its place there, counted from 1.

    There is never a key, a token or a credential in it.

    The workspace's row is locked first, so that two processes do not take the same place in the chain. The entry
    is hashed as it is read back: its moment in UTC, its details as JSON.
    """
    workspaces.lock(session, workspace_id)
    last = session.execute(_LAST, {"workspace": workspace_id}).first()
    entry: dict[str, Any] = {
        "workspace_id": workspace_id,
        "seq": last.seq + 1 if last else 1,
        "at": at.astimezone(UTC) if at.tzinfo else at,
        "actor": actor,
        "action": action,
        "outcome": outcome,
        "subject": subject,
        "details": json.loads(json.dumps(details or {})),
        "previous_hash": last.hash if last else GENESIS,
    }
    session.execute(_APPEND, {**entry, "hash": _hash(entry)})
    return int(entry["seq"])


def hash_of(entry: AuditEntry) -> str:
    """The SHA-256 of an entry's content and of the hash before it, as 64 hexadecimal digits."""
    return _hash(entry.model_dump())


def _hash(entry: Mapping[str, Any]) -> str:
    content = [entry[name].isoformat() if name == "at" else entry[name] for name in _HASHED]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def entries(session: Session, workspace_id: str) -> list[AuditEntry]:
    """All entries of a workspace, oldest first."""
    chain = select(AuditEntry).where(AuditEntry.workspace_id == workspace_id)
    return list(session.exec(chain.order_by(col(AuditEntry.seq))))


def first_broken(chain: list[AuditEntry]) -> int | None:
    """The `seq` of the first entry that was changed, removed or put in, or `None` for a whole chain."""
    before = GENESIS
    for place, entry in enumerate(chain, start=1):
        if (entry.seq, entry.previous_hash, entry.hash) != (place, before, hash_of(entry)):
            return place
        before = entry.hash
    return None
