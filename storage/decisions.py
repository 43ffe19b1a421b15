"""Decisions: who confirmed, approved or rejected a request. Its row is locked before one is added."""

from collections.abc import Collection, Sequence

from sqlmodel import Session, col, select

from storage.tables import Decision, Request

APPROVED, REJECTED, CONFIRMED = "approved", "rejected", "confirmed"
WITHDRAWN = "withdrawn"
"""An approval of somebody who is no approver any more."""


def of_round(session: Session, request: Request) -> Sequence[Decision]:
    """The decisions on a request as it is planned now, in the order in which they were made."""
    query = select(Decision).where(
        Decision.workspace_id == request.workspace_id,
        Decision.request_id == request.id,
        Decision.round == request.round,
    )
    return session.exec(query.order_by(col(Decision.id))).all()


def by_key(session: Session, workspace_id: str, key: str) -> Decision | None:
    """The decision that the same click made already."""
    query = select(Decision).where(Decision.workspace_id == workspace_id, Decision.deduplication_key == key)
    return session.exec(query).first()


def withdraw(session: Session, request: Request, people: Collection[str]) -> None:
    """Let approvals of these people count no more in this round; they stay in the audit."""
    for decision in of_round(session, request):
        if decision.person in people and decision.verdict == APPROVED:
            decision.verdict = WITHDRAWN
            session.add(decision)
    session.flush()


def decide(session: Session, decision: Decision) -> None:
    """Add a decision; a person's earlier one on the same round is changed by it."""
    query = select(Decision).where(
        Decision.workspace_id == decision.workspace_id,
        Decision.request_id == decision.request_id,
        Decision.round == decision.round,
        Decision.person == decision.person,
    )
    before = session.exec(query).first()
    if before is None:
        session.add(decision)
    else:
        for name in ("verdict", "reason", "deduplication_key", "decided_at"):
            setattr(before, name, getattr(decision, name))
        session.add(before)
    session.flush()
