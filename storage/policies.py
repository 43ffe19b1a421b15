"""Policies: what a workspace has laid down about approvals, version by version."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select, update

from storage import moves, workspaces
from storage.states import POLICY_ARROWS, PolicyState
from storage.tables import Policy

_CURRENT = (
    select(Policy)
    .where(Policy.workspace_id == bindparam("workspace"))
    .order_by(col(Policy.version).desc())
    .limit(1)
    .execution_options(populate_existing=True)
)
_UNTOLD = moves.due(Policy, states=(PolicyState.UNTOLD,))


def current(session: Session, workspace_id: str) -> Policy | None:
    """The version in force, or `None` where nobody has changed anything yet."""
    return session.exec(_CURRENT, params={"workspace": workspace_id}).first()


def version(session: Session, workspace_id: str, number: int) -> Policy | None:
    """An older version."""
    query = select(Policy).where(Policy.workspace_id == workspace_id, Policy.version == number)
    return session.exec(query).first()


def by_key(session: Session, workspace_id: str, key: str) -> Policy | None:
    """The version that this submission put in force, also where it is no longer."""
    query = select(Policy).where(Policy.workspace_id == workspace_id, Policy.deduplication_key == key)
    return session.exec(query).first()


def change(
    session: Session,
    workspace_id: str,
    rules: dict[str, Any],
    *,
    after: int,
    by: str,
    key: str,
    now: datetime,
) -> Policy | None:
    """Put a new version in force; `None` where version `after` (0: none yet) is no longer the one that it changes.

    The same submission, known by `key`, changes it once and is given what it changed.
    """
    workspaces.lock(session, workspace_id)
    known = by_key(session, workspace_id, key)
    if known is not None:
        return known
    before = current(session, workspace_id)
    if (before.version if before else 0) != after:
        return None
    changed = Policy(
        workspace_id=workspace_id,
        version=after + 1,
        rules=rules,
        changed_by=by,
        deduplication_key=key,
        changed_at=now,
        due_at=now,
    )
    session.add(changed)
    session.flush()
    return changed


def claim_untold(session: Session, *, now: datetime, most: int) -> Sequence[Policy]:
    """Lease changes of which those whom they concern have not been told yet."""
    return moves.claim(session, Policy, _UNTOLD, now=now, most=most)


def told(session: Session, policy: Policy) -> bool:
    """Note that a change was told; false where that was noted already."""
    done = {"due_at": None, "leased_until": None}
    return moves.move(session, policy, PolicyState.UNTOLD, PolicyState.TOLD, POLICY_ARROWS, **done)


def all_told(session: Session, workspace_id: str) -> None:
    """Note that nobody is to be told of a workspace's changes any more."""
    untold = update(Policy).where(col(Policy.workspace_id) == workspace_id, col(Policy.state) == PolicyState.UNTOLD)
    done = untold.values(state=PolicyState.TOLD, due_at=None, leased_until=None)
    session.exec(done.execution_options(synchronize_session=False))
