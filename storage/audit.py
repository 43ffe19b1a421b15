"""The audit chain: what was done or tried, by whom, and what came of it."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, desc, select

from storage import workspaces
from storage.tables import AuditEntry

GENESIS = "0" * 64
"""What the first entry of a workspace names as the hash before it."""


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
) -> AuditEntry:
    """Append an entry to the workspace's chain; never with a key, a token or a credential in it.

    The workspace's row is locked first, so that two processes do not take the same place in the chain. The entry
    is hashed as it is read back: its moment in UTC, its details as JSON.
    """
    workspaces.lock(session, workspace_id)
    last = _last(session, workspace_id)
    entry = AuditEntry(
        workspace_id=workspace_id,
        seq=last.seq + 1 if last else 1,
        at=at.astimezone(UTC) if at.tzinfo else at,
        actor=actor,
        action=action,
        outcome=outcome,
        subject=subject,
        details=json.loads(json.dumps(details or {})),
        previous_hash=last.hash if last else GENESIS,
        hash="",
    )
    entry.hash = hash_of(entry)
    session.add(entry)
    session.flush()
    return entry


def hash_of(entry: AuditEntry) -> str:
    """The SHA-256 of an entry's content and of the hash before it, as 64 hexadecimal digits."""
    content = [
        entry.workspace_id,
        entry.seq,
        entry.at.isoformat(),
        entry.actor,
        entry.action,
        entry.outcome,
        entry.subject,
        entry.details,
        entry.previous_hash,
    ]
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


def _last(session: Session, workspace_id: str) -> AuditEntry | None:
    chain = select(AuditEntry).where(AuditEntry.workspace_id == workspace_id)
    return session.exec(chain.order_by(desc(col(AuditEntry.seq))).limit(1)).first()
