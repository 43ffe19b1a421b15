"""The audit chain: what was done or tried, by whom, and what came of it."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from storage import workspaces
from storage.tables import AuditEntry, Call, Connection, Notice, Policy, Request, Workspace, table_of

GENESIS = "0" * 64
"""What the first entry of a workspace names as the hash before it."""
MAILROOM = "mailroom"
"""The actor of what the bot does by itself."""
BATCH = 1_000
"""How many entries of a chain are held at once while it is verified."""

_HASHED = ("workspace_id", "seq", "at", "actor", "action", "outcome", "subject", "details", "previous_hash")
# An entry is a part of every acknowledged request, so its statements are built once and go past the unit of work.
_CHAIN, _WORKSPACE = table_of(AuditEntry), table_of(Workspace)
_APPEND = sa.insert(_CHAIN)
_LAST = (
    sa.select(_CHAIN.c.seq, _CHAIN.c.hash)
    .where(_CHAIN.c.workspace_id == sa.bindparam("workspace"))
    .order_by(_CHAIN.c.seq.desc())
    .limit(1)
)
# The end that was kept moves on only from an entry that is still there: a tail that was cut off shows for ever and not
# just until the next entry, and what an older version appended without keeping it is caught up with.
_KEEP_END = (
    sa.update(_WORKSPACE)
    .where(
        _WORKSPACE.c.id == sa.bindparam("workspace"),
        sa.or_(
            _WORKSPACE.c.audit_seq == 0,
            sa.exists().where(
                _CHAIN.c.workspace_id == _WORKSPACE.c.id,
                _CHAIN.c.seq == _WORKSPACE.c.audit_seq,
                _CHAIN.c.hash == _WORKSPACE.c.audit_hash,
            ),
        ),
    )
    .values(audit_seq=sa.bindparam("end_seq"), audit_hash=sa.bindparam("end_hash"))
)
_BATCH = (
    sa.select(*(_CHAIN.c[name] for name in (*_HASHED, "hash")))
    .where(_CHAIN.c.workspace_id == sa.bindparam("workspace"))
    .order_by(_CHAIN.c.seq)
    .limit(BATCH)
)
_EXTENT = sa.select(sa.func.count(), sa.cast(sa.func.coalesce(sa.func.max(_CHAIN.c.seq), 0), sa.Integer)).where(
    _CHAIN.c.workspace_id == sa.bindparam("workspace")
)
_HAYSTACK = sa.func.lower(
    _CHAIN.c.actor
    + (" " + _CHAIN.c.action)
    + (" " + _CHAIN.c.outcome)
    + (" " + _CHAIN.c.subject)
    + (" " + sa.cast(_CHAIN.c.details, sa.Text))
)


@dataclass(frozen=True)
class Head:
    """Where a chain ends: the place of its last entry, counted from 1, and that entry's hash."""

    seq: int = 0
    hash: str = GENESIS


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

    The workspace's row is locked first, so that two processes do not take the same place in the chain, and keeps
    where the chain ends. The entry is hashed as it is read back: its moment in UTC, its details as JSON.
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
    end = Head(entry["seq"], hash_of(entry))
    session.execute(_APPEND, {**entry, "hash": end.hash})
    session.execute(_KEEP_END, {"workspace": workspace_id, "end_seq": end.seq, "end_hash": end.hash})
    return end.seq


def append_own(
    session: Session,
    row: Request | Call | Connection | Policy | Notice,
    *,
    at: datetime,
    action: str,
    outcome: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Append what the bot did with a row by itself, as `append` does."""
    subject = f"{type(row).__name__.lower()}:{row.id}"
    append(
        session,
        row.workspace_id,
        at=at,
        actor=MAILROOM,
        action=action,
        outcome=outcome,
        subject=subject,
        details=details,
    )


def hash_of(entry: Mapping[str, Any]) -> str:
    """The SHA-256 of an entry's content and of the hash before it, as 64 hexadecimal digits."""
    content = [entry[name].isoformat() if name == "at" else entry[name] for name in _HASHED]
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


@dataclass(frozen=True)
class Verdict:
    """What was found of a chain: how many entries there are, and up to where it is whole."""

    entries: int
    head: Head
    first_broken: int | None
    """The place of the first entry that was changed, removed or put in, or that is not the one known from before."""
    missing: int
    """How many entries there were behind the last one."""

    @property
    def whole(self) -> bool:
        """Whether all of it is there as it was written."""
        return self.first_broken is None and not self.missing


def verify(session: Session, workspace_id: str, *, known: Head | None = None) -> Verdict:
    """Look at each entry of a workspace's chain, a batch at a time, up to the first that is broken.

    The end that the workspace's row keeps, and one that is `known` from elsewhere, such as a log, have to be in the
    chain as they were: else it was cut, or written anew, which leaves each link of it whole.
    """
    ends = [end for end in (heads(session).get(workspace_id), known) if end is not None]
    last, broken = Head(), None
    try:
        for entry in _in_order(session, workspace_id):
            if not (_follows(entry, last) and _is_known(entry, ends)):
                broken = last.seq + 1
                break
            last = Head(entry["seq"], entry["hash"])
    except (ValueError, TypeError):  # what stands there now cannot even be read as a moment or as JSON
        broken = last.seq + 1
    entries, farthest = session.execute(_EXTENT, {"workspace": workspace_id}).one()
    return Verdict(entries, last, broken, max(0, *(end.seq - farthest for end in ends), 0))


def heads(session: Session) -> dict[str, Head]:
    """Where the chain of each workspace ends, as its row has kept it; those without an entry are left out."""
    kept = sa.select(_WORKSPACE.c.id, _WORKSPACE.c.audit_seq, _WORKSPACE.c.audit_hash).order_by(_WORKSPACE.c.id)
    return {row.id: Head(row.audit_seq, row.audit_hash) for row in session.execute(kept) if row.audit_seq}


def _in_order(session: Session, workspace_id: str) -> Iterator[Mapping[str, Any]]:
    """The entries, each read only when it is asked for."""
    query = _BATCH
    while True:
        last = None
        for last in session.execute(query, {"workspace": workspace_id}).mappings():
            yield dict(last)
        if last is None:
            return
        query = _BATCH.where(_CHAIN.c.seq > last["seq"])


def _follows(entry: Mapping[str, Any], before: Head) -> bool:
    return (entry["seq"], entry["previous_hash"], entry["hash"]) == (before.seq + 1, before.hash, hash_of(entry))


def _is_known(entry: Mapping[str, Any], ends: Sequence[Head]) -> bool:
    """False for an entry that stands in the place of another one, which is known to have been there."""
    return all(end.hash == entry["hash"] for end in ends if end.seq == entry["seq"])


def page(session: Session, workspace_id: str, words: Sequence[str], *, number: int, size: int) -> Sequence[AuditEntry]:
    """Page `number`, counted from 1, of the entries in which all of `words` occur, the newest first."""
    newest = select(AuditEntry).where(*_matching(workspace_id, words)).order_by(col(AuditEntry.seq).desc())
    return session.exec(newest.offset((number - 1) * size).limit(size)).all()


def count(session: Session, workspace_id: str, words: Sequence[str]) -> int:
    """In how many entries all of `words` occur."""
    return session.exec(select(sa.func.count()).select_from(AuditEntry).where(*_matching(workspace_id, words))).one()


def _matching(workspace_id: str, words: Sequence[str]) -> list[Any]:
    """The conditions on an entry; each word may stand in who, action, outcome, subject or details, in any case."""
    return [_CHAIN.c.workspace_id == workspace_id, *(_holds(word) for word in words)]


def _holds(word: str) -> Any:
    """Details are kept as JSON in ASCII, whose escapes no database takes from one case into the other."""
    spelled = {json.dumps(each)[1:-1].lower() for each in (word, word.lower(), word.upper(), word.capitalize())}
    return sa.or_(*(_HAYSTACK.contains(each, autoescape=True) for each in sorted(spelled)))
