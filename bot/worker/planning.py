"""Planning: what exists already, and which calls are left to make."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.approvers import Rules
from bot.findings import Findings
from bot.mailapi import KeyRefused, MailAPIError, NotFound, Rejected
from bot.notices import owing
from bot.operation import Operation, Sight
from bot.pace import retry_after
from bot.policy import Gate, Ruling, Subject
from bot.progress import Plan, differences
from bot.rulings import ruling_on
from bot.texts import card, deciding, refusals
from bot.worker.ending import end_request
from bot.worker.machine import Machine, NotConnected, asked_pause, operation_of
from storage import audit, calls, connections, moves, notices, requests, workspaces
from storage.states import RequestState
from storage.tables import Call, Connection, Request

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Look:
    """What MailAPI lists where the names of a request would be, since when that is known, and the account's domains.

    `domains` is left out where nobody has to decide about the request.
    """

    sight: Sight
    looked_at: datetime
    domains: Sight | None


async def plan(machine: Machine, request: Request) -> None:
    """Look at MailAPI, and write the plan; where nobody has to decide, or somebody has, also the calls.

    What was approved is looked at again: if it got worse, it needs a decision again. Where MailAPI does not answer,
    this is tried again later.
    """
    operation = operation_of(request)
    try:
        connection = await machine.connection(request.workspace_id)
    except NotConnected:
        await _later(machine, request, card.PAUSED)
        return
    gated = await machine.database.read(lambda session: ruling_on(session, request, operation))
    try:
        look = await _look_or_say_late(machine, connection, request, operation, thorough=gated.gate is not Gate.NONE)
    except KeyRefused as error:
        await machine.key_refused(connection, error)
        await _later(machine, request, card.PAUSED)
    except NotFound as error:
        failure = await unknown_domain(machine, connection, operation, error)
        await machine.database.write(partial(_settle, machine, request, operation, failure, None))
    except Rejected as error:
        await machine.database.write(partial(_settle, machine, request, operation, error.reason, None))
    except MailAPIError as error:
        log.info("plan put off", request=request.id, reason=type(error).__name__)
        await _later(machine, request, card.LATE, asked_pause(error))
    else:
        missing = missing_parent(operation, look.sight)
        await machine.database.write(partial(_settle, machine, request, operation, missing, look))


async def look_at(
    machine: Machine, connection: Connection, operation: Operation, *, thorough: bool, after: datetime | None = None
) -> Look:
    """Look at MailAPI, not before `after`; `thorough` for somebody who decides. Raises `MailAPIError`."""
    sight, looked_at = await machine.look(connection, operation, after=after)
    domains = await machine.domains(connection, after=after) if thorough else None
    return Look(sight, looked_at, domains)


async def _look_or_say_late(
    machine: Machine, connection: Connection, request: Request, operation: Operation, *, thorough: bool
) -> Look:
    """The look; 2 s after the command or the approval the root message says that it takes long."""
    approved_at = request.due_at if request.state is RequestState.APPROVED else None
    look = asyncio.ensure_future(look_at(machine, connection, operation, thorough=thorough, after=approved_at))
    patience = (_since(request) + machine.pace.late_plan - machine.clock()).total_seconds()
    done, _ = await asyncio.wait([look], timeout=max(0.0, patience))
    if not done:
        await machine.database.write(partial(_say_late, machine, request, card.LATE))
    return await look


def _since(request: Request) -> datetime:
    """Since when a person waits for this look."""
    return request.due_at or request.created_at if request.state is RequestState.APPROVED else request.created_at


def _say_late(machine: Machine, request: Request, why: str, session: Session) -> None:
    """Let the root message say `why` nothing happens; what was approved keeps its plan."""
    approved = request.state is RequestState.APPROVED
    plan = replace(Plan.of(request), unplanned=why) if approved else Plan(unplanned=why)
    if requests.explain(session, request, plan.stored(), state=request.state):
        owing.refresh(session, request, now=machine.clock())


async def _later(machine: Machine, request: Request, why: str, pause: timedelta = timedelta()) -> None:
    """Keep the request for another try, after a `pause` at least; the root message says `why` it is not planned yet."""

    def put_off(session: Session) -> None:
        attempts = request.attempts + 1
        due_at = machine.clock() + retry_after(attempts, machine.pace, at_least=pause)
        held = moves.put_off(session, request, due_at, attempts=attempts)
        if not held:
            return
        if why == card.PAUSED or machine.clock() >= _since(request) + machine.pace.late_plan:
            _say_late(machine, request, why, session)

    await machine.database.write(put_off)


def missing_parent(operation: Operation, sight: Sight) -> str | None:
    """For sub-domains, that their parent is not in the account, which the list of domains shows."""
    if operation.window is None or operation.scope in sight:
        return None
    return _no_such_domain(operation.scope, sight)


async def unknown_domain(machine: Machine, connection: Connection, operation: Operation, error: NotFound) -> str:
    """That the account has no such domain, with those that are near."""
    try:
        found = await machine.account(connection).domains.list()
    except MailAPIError:
        return error.reason
    return _no_such_domain(operation.scope, [domain.name for domain in found.domains])


def _no_such_domain(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=3, cutoff=0.6)
    return refusals.no_such_domain(name, near)


def _settle(
    machine: Machine,
    request: Request,
    operation: Operation,
    failure: str | None,
    look: Look | None,
    session: Session,
) -> None:
    """Write the plan and what follows from it, in one transaction with the request's move.

    The workspace's row is locked, so that two requests for the same names do not both find them missing, and two
    that are counted together do not both stay below the threshold.
    """
    now = machine.clock()
    current = requests.lock(
        session, request.workspace_id, request.id
    )  # before the workspace, as everywhere, or two would deadlock
    workspaces.lock(session, request.workspace_id)
    if current is None or current.state not in (RequestState.PLANNING, RequestState.APPROVED):
        return
    if (current.state, current.round) != (request.state, request.round):
        return  # it was planned, and approved, while this process stood still: what it saw is no second look
    before = Plan.of(current)
    if look is None or failure is not None:
        _carry_out(session, current, operation, replace(before, failure=failure, unplanned=None), None, now=now)
        return
    ruled = ruling_on(session, current, operation)
    if ruled.gate is not Gate.NONE and look.domains is None:
        moves.put_off(session, request, now)  # the policy changed while we looked: look again
        return
    planned = plan_of(session, current.workspace_id, operation, look, ruled, besides=current.id, now=now)
    if _to_be_decided(current, operation, before, planned):
        _put_to_decision(session, current, operation, before, planned, now=now)
    else:
        _carry_out(session, current, operation, planned, look, now=now)


def plan_of(
    session: Session, workspace: str, operation: Operation, look: Look, ruled: Ruling, *, besides: int, now: datetime
) -> Plan:
    """What would happen if `operation` were carried out now, beside all requests but `besides`."""
    names = operation.names()
    existing = {name: look.sight[name].word for name in names if name in look.sight}
    flying = calls.names_in_flight(session, workspace, operation.scope, besides=besides)
    in_flight = tuple(name for name in names if name in flying and name not in look.sight)
    planned = Plan(existing, in_flight, ruling=ruled)
    if look.domains is None:
        return planned
    findings = Findings.of(operation, planned.taken, look.sight, look.domains)
    opens = _window_opens(session, workspace, operation, now)
    return replace(planned, findings=replace(findings, window_opens=opens))


def _window_opens(session: Session, workspace: str, operation: Operation, now: datetime) -> datetime | None:
    """When MailAPI takes the next request for the domain, where our records say that it is later than now."""
    connection = connections.in_force(session, workspace)
    if operation.window is None or connection is None:
        return None
    last = calls.last_sent(session, connection, operation.scope, operation.kind)
    return last + operation.window if last is not None and last + operation.window > now else None


def _to_be_decided(request: Request, operation: Operation, before: Plan, planned: Plan) -> bool:
    """Whether somebody has to say yes: before anything is sent, and again where what he agreed to got worse.

    Where nothing is left to be made, there is nothing to agree to.
    """
    if planned.taken >= set(operation.names()):
        return False
    if request.state is RequestState.APPROVED:
        return bool(differences(before, planned))
    return planned.ruling is not None and planned.ruling.gate is not Gate.NONE


def _put_to_decision(
    session: Session, request: Request, operation: Operation, before: Plan, planned: Plan, *, now: datetime
) -> None:
    """Wait for a decision on the plan; decisions on the one before no longer count."""
    policy = Rules.of(session, request.workspace_id).policy
    again = request.state is RequestState.APPROVED
    planned = replace(planned, changes=differences(before, planned)) if again else planned
    announced = notices.root_is_out(session, request.workspace_id, request.id)
    values: dict[str, Any] = {
        "plan": planned.stored(),
        "plan_hash": planned.hash(operation),
        "domain": operation.scope,
        "round": request.round + again,
        "expires_at": now + timedelta(hours=policy.expires_after_hours),
        "remind_at": None,
        "reminders": 0,
        "called": [] if announced else None,
        "due_at": now,
        "leased_until": None,
        "attempts": 0,
    }
    requests.move(session, request, request.state, RequestState.AWAITING_DECISION, **values)
    session.refresh(request)
    owing.refresh(session, request, now=now)
    if again:
        message = deciding.looked_again(request.asker, operation, planned.changes)
        owing.thread(session, request, f"round:{request.round}", message, now=now)
        details = {"channel": request.asked_in, "round": request.round}
        audit.append_own(session, request, at=now, action="look", outcome="worse", details=details)
    log.info("request waits for a decision", request=request.id, round=request.round)


def _carry_out(
    session: Session, request: Request, operation: Operation, planned: Plan, look: Look | None, *, now: datetime
) -> None:
    """Write the calls down, or the end of a request that cannot be carried out."""
    nobody_agreed = planned.ruling is None or planned.ruling.gate is not Gate.APPROVE
    counted = len(operation.names()) if operation.subject is Subject.MAILBOXES and nobody_agreed else 0
    stored: dict[str, Any] = {"plan": planned.stored(), "domain": operation.scope, "unapproved": counted}
    if request.state is RequestState.PLANNING:
        requests.move(session, request, RequestState.PLANNING, RequestState.APPROVED)
    due: dict[str, Any] = {"due_at": None, "leased_until": None}
    requests.move(session, request, RequestState.APPROVED, RequestState.RUNNING, **stored, **due)
    if look is not None:
        add_calls(session, request, operation.without(planned.taken), look.sight, look.looked_at, now=now)
    current = requests.lock(session, request.workspace_id, request.id)
    if current is not None:
        end_request(session, current, now=now)
    log.info("request planned", request=request.id, existing=len(planned.existing), in_flight=len(planned.in_flight))


def add_calls(
    session: Session,
    request: Request,
    operations: Collection[Operation],
    sight: Collection[str],
    looked_at: datetime | None,
    *,
    now: datetime,
    **values: Any,
) -> list[Call]:
    """Queue a call for each operation, with those of its names that `sight` had when it was planned."""
    added = []
    for operation in operations:
        names = list(operation.names())
        call = Call(
            workspace_id=request.workspace_id,
            request_id=request.id,
            kind=operation.kind,
            parameters=operation.parameters(),
            domain=operation.scope,
            names=names,
            existing=[name for name in names if name in sight],
            looked_at=looked_at,
            created_at=now,
            due_at=now,
            **values,
        )
        added.append(calls.add(session, call))
    return added
