"""Watching accepted calls until their end: tasks one by one, domains with one list for all."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.mailapi import KeyRefused, MailAPIError, NotFound, Task, TaskKind, TaskState
from bot.metrics import Poll
from bot.notices import owing
from bot.operation import Operation, Sight, Standing
from bot.pace import retry_after
from bot.texts import outcomes, thread
from bot.worker.ending import end_call
from bot.worker.machine import Machine, NotConnected, Opened, asked_pause, operation_of
from storage import calls, connections, moves, requests, workspaces
from storage.states import CallState
from storage.tables import Call

log = structlog.get_logger(__name__)

MOST_NOT_FOUND = 5
"""How often a task may be unknown to MailAPI before its mailboxes are looked for instead."""

Results = dict[str, dict[str, Any]]


async def watch(machine: Machine, call: Call) -> None:
    """Ask how far an accepted call is, and write what is new."""
    operation = operation_of(call)
    try:
        opened, knows_task = await machine.watcher(call)
    except NotConnected:
        await machine.database.write(partial(_again, machine, call, call.attempts + 1))
        return
    try:
        if call.task_id is None or operation.task_kind is None or not knows_task:
            sight, _ = await machine.look(opened.connection, operation)
            await _noted(machine, call, from_sight(call, sight))
        else:
            await _poll(machine, call, opened, operation, call.task_id, operation.task_kind)
    except KeyRefused as error:
        machine.metrics.polled(Poll.KEY_REFUSED)
        await machine.key_refused(opened.connection, error)
        await machine.database.write(partial(_again, machine, call, call.attempts + 1))
    except MailAPIError as error:
        machine.metrics.polled(Poll.IN_VAIN)
        log.info("poll in vain", call=call.id, request=call.request_id, reason=type(error).__name__)
        await machine.database.write(partial(_again, machine, call, call.attempts + 1, pause=asked_pause(error)))


async def watch_together(watched: Sequence[Call], step: Callable[[Call], Awaitable[None]]) -> None:
    """Watch calls of one connection whose ends all stand in its list of domains, each with `step`.

    The look is shared.
    """
    for result in await asyncio.gather(*(step(call) for call in watched), return_exceptions=True):
        if isinstance(result, BaseException):
            log.error("watching a domain failed", exc_info=result)


async def _poll(
    machine: Machine, call: Call, opened: Opened, operation: Operation, task_id: int, kind: TaskKind
) -> None:
    account = opened.known()
    try:
        async with machine.polls:
            if not moves.lasts(call, now=machine.clock()):
                return  # it waited for so long that somebody else asks by now
            task = await account.tasks.find(task_id, first=kind)
    except NotFound:
        # The same answer may mean a key that is no longer taken, which only a list says; it raises `KeyRefused`.
        await account.domains.list()
        if call.attempts + 1 < MOST_NOT_FOUND:
            machine.metrics.polled(Poll.NOT_FOUND)
            await machine.database.write(partial(_again, machine, call, call.attempts + 1))
            return
        sight, _ = await machine.look(opened.connection, operation)
        await _noted(machine, call, _gone(call, sight))
    else:
        await _noted(machine, call, _from_task(call, task))


def from_sight(call: Call, sight: Sight) -> Results:
    """The names of a call that are at their end in a list; those that were there before it are never its own."""
    existing = set(call.existing or ())
    found = {name: sight[name] for name in call.names if name in sight and name not in existing}
    return {
        name: {"ok": listed.standing is Standing.READY, "word": listed.word}
        for name, listed in found.items()
        if listed.standing is not Standing.PENDING
    }


def _from_task(call: Call, task: Task) -> Results:
    """What a task says of each mailbox; at the task's end also of those that it does not name."""
    told: Results = {result.address.lower(): {"ok": result.created, "word": result.status} for result in task.results}
    results = {name: told[name] for name in call.names if name in told}
    if task.state is TaskState.RUNNING:
        return {name: result for name, result in results.items() if result["ok"]}
    word = task.reason or (outcomes.NOTHING_SAID if task.state is TaskState.COMPLETED else task.word)
    return {name: results.get(name, {"ok": False, "word": word or "failed"}) for name in call.names}


def _gone(call: Call, sight: Sight) -> Results:
    """MailAPI does not know the task any more: what is listed and was not there before is what it made."""
    lost = {"ok": False, "word": outcomes.TASK_GONE}
    return dict.fromkeys(call.names, lost) | from_sight(call, sight)


async def _noted(machine: Machine, call: Call, results: Results) -> None:
    """Write what is known of each name; where that is nothing new, together with other such looks."""
    now = machine.clock()
    ended = call.watch_until is not None and call.watch_until <= now
    news = len(results) == len(call.names) or results != (call.results or {})
    machine.metrics.polled(Poll.NEWS if news else Poll.NOTHING_NEW)
    if ended or news:
        await machine.database.write(partial(_note, machine, call, results))
    else:
        machine.uneventful.put_off(call, _next_look(machine, call), now=now)


def _note(machine: Machine, call: Call, results: Results, session: Session) -> None:
    """Write what is known of each name, and end the call where that is all."""
    now = machine.clock()
    _write(machine, call, results, session, now=now)
    if call.connection_id is not None:  # last, since a connection's row is locked after all others, as everywhere
        connections.polled(session, call.workspace_id, call.connection_id, now=now)


def _write(machine: Machine, call: Call, results: Results, session: Session, *, now: datetime) -> None:
    if len(results) == len(call.names):
        made = sum(result["ok"] for result in results.values())
        after = CallState.DONE if made == len(results) else CallState.PARTLY_DONE if made else CallState.FAILED
        end_call(session, call, CallState.ACCEPTED, after, now=now, results=results, reason=_reason(results))
        return
    if call.watch_until is not None and call.watch_until <= now:
        _stall(machine, call, results, session)
        return
    grown = results != (call.results or {})
    request = requests.lock(session, call.workspace_id, call.request_id) if grown else None
    due_at = _next_look(machine, call)
    if calls.put_off(session, call, due_at, attempts=0, results=results) and request is not None:
        owing.refresh(session, request, now=now)


def _stall(machine: Machine, call: Call, results: Results, session: Session) -> None:
    """A day without an end: stop looking, say so, and let a person decide."""
    values: dict[str, Any] = {"due_at": None, "leased_until": None, "results": results}
    request = requests.lock(session, call.workspace_id, call.request_id)
    if not calls.move(session, call, CallState.ACCEPTED, CallState.STALLED, held=call, **values):
        return
    log.warning("call stalled", call=call.id, request=call.request_id, task=call.task_id)
    if request is not None:
        message = thread.stalled(call, operation_of(call).title())
        until = int(call.watch_until.timestamp()) if call.watch_until else 0
        owing.thread(session, request, f"call:{call.id}:stalled:{until}", message, now=machine.clock())
        owing.refresh(session, request, now=machine.clock())
    workspaces.lock(session, call.workspace_id)  # before a connection's row, as everywhere
    connections.erase_unused(session, call.workspace_id)


def _again(machine: Machine, call: Call, attempts: int, session: Session, *, pause: timedelta = timedelta()) -> None:
    """Nothing was learnt: look again later, after a `pause` at least, unless the time for that is over."""
    now = machine.clock()
    if call.watch_until is not None and call.watch_until <= now:
        _stall(machine, call, call.results or {}, session)
        return
    calls.put_off(session, call, now + retry_after(attempts, machine.pace, at_least=pause), attempts=attempts)


def _next_look(machine: Machine, call: Call) -> Any:
    now = machine.clock()
    return now + machine.pace.next_poll(now - call.sent_at if call.sent_at else timedelta())


def _reason(results: Mapping[str, Mapping[str, Any]]) -> str | None:
    """The reason that all failures share, if there is one."""
    words = {str(result["word"]) for result in results.values() if not result["ok"]}
    return words.pop() if len(words) == 1 else None
