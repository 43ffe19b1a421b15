"""Planning: what exists already, and which calls are left to make."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.mailapi import KeyRefused, MailAPIError, NotFound, Rejected
from bot.notices import owing
from bot.operation import Operation, Sight
from bot.pace import retry_after
from bot.progress import Plan
from bot.texts import card, refusals
from bot.worker.ending import end_request
from bot.worker.machine import Machine, NotConnected, operation_of
from storage import calls, moves, requests, workspaces
from storage.states import RequestState
from storage.tables import Call, Connection, Request

log = structlog.get_logger(__name__)


async def plan(machine: Machine, request: Request) -> None:
    """Look at MailAPI, write the calls down and the root message that tells of them; or try again later."""
    operation = operation_of(request)
    try:
        connection = await machine.connection(request.workspace_id)
    except NotConnected:
        await _later(machine, request, card.PAUSED)
        return
    try:
        sight, looked_at = await _look_or_say_late(machine, connection, request, operation)
    except KeyRefused as error:
        await machine.key_refused(connection, error)
        await _later(machine, request, card.PAUSED)
    except NotFound as error:
        failure = await _unknown_domain(machine, connection, operation, error)
        await machine.database.write(partial(_settle, machine, request, operation, Plan(failure=failure), {}, None))
    except Rejected as error:
        failed = Plan(failure=error.reason)
        await machine.database.write(partial(_settle, machine, request, operation, failed, {}, None))
    except MailAPIError as error:
        log.info("plan put off", request=request.id, reason=type(error).__name__)
        await _later(machine, request, card.LATE)
    else:
        planned = Plan(failure=_missing_parent(operation, sight))
        await machine.database.write(partial(_settle, machine, request, operation, planned, sight, looked_at))


async def _look_or_say_late(
    machine: Machine, connection: Connection, request: Request, operation: Operation
) -> tuple[Sight, datetime]:
    """The look; where it takes longer than 2 s since the command, the root message says so meanwhile."""
    look = asyncio.ensure_future(machine.look(connection, operation))
    patience = (request.created_at + machine.pace.late_plan - machine.clock()).total_seconds()
    done, _ = await asyncio.wait([look], timeout=max(0.0, patience))
    if not done:
        await machine.database.write(partial(_say_late, machine, request, card.LATE))
    return await look


def _say_late(machine: Machine, request: Request, why: str, session: Session) -> None:
    requests.explain(session, request.id, Plan(unplanned=why).stored())
    owing.refresh(session, request, now=machine.clock())


async def _later(machine: Machine, request: Request, why: str) -> None:
    """Keep the request for another try, and let the root message say `why` it is not planned yet."""

    def put_off(session: Session) -> None:
        attempts = request.attempts + 1
        due_at = machine.clock() + retry_after(attempts, machine.pace)
        moves.put_off(session, Request, request.id, due_at, attempts=attempts)
        if why == card.PAUSED or machine.clock() >= request.created_at + machine.pace.late_plan:
            _say_late(machine, request, why, session)

    await machine.database.write(put_off)


def _missing_parent(operation: Operation, sight: Sight) -> str | None:
    """For sub-domains, that their parent is not in the account, which the list of domains shows."""
    if operation.window is None or operation.scope in sight:
        return None
    return _no_such_domain(operation.scope, sight)


async def _unknown_domain(machine: Machine, connection: Connection, operation: Operation, error: NotFound) -> str:
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
    planned: Plan,
    sight: Sight,
    looked_at: datetime | None,
    session: Session,
) -> None:
    """Write the plan, the calls and the root message, in one transaction with the request's move.

    The workspace's row is locked, so that two requests for the same names do not both find them missing.
    """
    now = machine.clock()
    requests.lock(session, request.id)  # before the workspace, as everywhere, or two transactions would deadlock
    workspaces.lock(session, request.workspace_id)
    if planned.failure is None:
        planned = _with_existing(session, request, operation, sight)
    stored = {"plan": planned.stored(), "due_at": None, "leased_until": None}
    if not requests.move(session, request.id, RequestState.PLANNING, RequestState.APPROVED, **stored):
        return
    requests.move(session, request.id, RequestState.APPROVED, RequestState.RUNNING)
    if planned.failure is None:
        taken = {*planned.existing, *planned.in_flight}
        add_calls(session, request, operation.without(taken), sight, looked_at, now=now)
    current = requests.lock(session, request.id)
    if current is not None:
        end_request(session, current, now=now)
    log.info("request planned", request=request.id, existing=len(planned.existing), in_flight=len(planned.in_flight))


def _with_existing(session: Session, request: Request, operation: Operation, sight: Sight) -> Plan:
    names = operation.names()
    existing = {name: sight[name].word for name in names if name in sight}
    in_flight = calls.names_in_flight(session, request.workspace_id, operation.scope, besides=request.id)
    return Plan(existing, tuple(name for name in names if name in in_flight and name not in sight))


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
