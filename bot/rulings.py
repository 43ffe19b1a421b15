"""What the policy says of a request now, from the rows."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot.approvers import Rules
from bot.case import Case
from bot.operation import Operation
from bot.policy import COUNTED_WITHIN, Gate, Policy, Ruling, ruling
from bot.progress import Plan
from storage import decisions, policies, requests
from storage.states import RequestState
from storage.tables import Request


def ruling_for(
    session: Session, operation: Operation, asker: str, workspace: str, *, besides: int, now: datetime
) -> Ruling:
    """What today's policy says where somebody asks for `operation`, beside his other requests."""
    laid_down = policies.current(session, workspace)
    counted: dict[str, Any] = {"besides": besides, "around": now, "within": COUNTED_WITHIN}
    earlier = requests.count_unapproved(session, workspace, asker, operation.scope, **counted)
    rules = Policy.read(laid_down.rules if laid_down else None)
    return ruling(rules, operation.subject, len(operation.names()), earlier=earlier)


def ruling_on(session: Session, request: Request, operation: Operation) -> Ruling:
    """What a request has to pass: what today's policy says, and no less than was said when it was planned.

    It is judged by the time when it was asked, so that waiting does not make it small.
    """
    today = ruling_for(
        session, operation, request.asker, request.workspace_id, besides=request.id, now=request.created_at
    )
    before = Plan.of(request).ruling
    return before.at_least(today) if before else today


def case_of(session: Session, request: Request, operation: Operation) -> Case:
    """How a request is decided, or was."""
    planned = Plan.of(request).ruling
    if planned is None or planned.gate is Gate.NONE:
        return Case()
    made = decisions.of_round(session, request)
    if request.state is not RequestState.AWAITING_DECISION:
        return Case(planned, made)
    rules = Rules.of(session, request.workspace_id)
    policy = rules.policy
    named = tuple(person for person in rules.named if _may_be_asked(request, person))
    return Case(ruling_on(session, request, operation), made, named, policy.groups, policy.admins)


def _may_be_asked(request: Request, person: str) -> bool:
    """False for whom the policy names and Slack did not say that he may decide, once it was asked."""
    return request.called is None or person in (*request.called, request.asker)
