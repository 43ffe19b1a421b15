"""Settling creates whose answer was lost, by what is there now and was not there before."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.approvers import Rules
from bot.mailapi import KeyRefused, MailAPIError, NotFound, Rejected
from bot.notices import owing
from bot.operation import Sight
from bot.pace import retry_after
from bot.texts import thread
from bot.worker.ending import end_call, end_request
from bot.worker.machine import Machine, NotConnected, asked_pause, operation_of
from bot.worker.watching import from_sight
from storage import calls, connections, requests, workspaces
from storage.states import CallState, ConnectionState
from storage.tables import Call, Request

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(seconds=5)
LEASE = timedelta(seconds=20)
"""How long a look is left alone: as long as it may take, so that one of a killed process is soon repeated."""
MOST_ASKED = 10
"""How many people a question mentions."""
INTERRUPTED = "interrupted while sending"
"""The reason of a call whose sender is gone."""


def recover(machine: Machine, session: Session) -> None:
    """What is found in sending after its lease is unknown: whoever sent it is gone, or frozen."""
    now = machine.clock()
    for call in calls.lost_in_sending(session, now=now):
        lost: dict[str, Any] = {"due_at": now, "leased_until": None, "grew_at": call.sent_at or now}
        calls.move(session, call, CallState.SENDING, CallState.UNKNOWN, **lost, reason=INTERRUPTED)
        log.warning("found in sending", call=call.id, request=call.request_id)


async def settle(machine: Machine, call: Call) -> None:
    """Look for what a call with a lost answer made, and move it on, or ask a person."""
    operation = operation_of(call)
    try:
        opened, _ = await machine.watcher(call)
        connection = opened.connection
    except NotConnected:
        await _again_or_ask(machine, call)
        return
    try:
        sight, _ = await machine.look(connection, operation)
    except KeyRefused as error:
        await machine.key_refused(connection, error)
        # A key in force waits for the next one; one that was replaced is refused for ever.
        in_force = connection.state is ConnectionState.IN_FORCE
        await (_again(machine, call) if in_force else _again_or_ask(machine, call))
    except NotFound:
        await machine.database.write(partial(_judge, machine, call, {}))
    except Rejected:
        await _again_or_ask(machine, call)
    except MailAPIError as error:
        await _again(machine, call, asked_pause(error))
    else:
        await machine.database.write(partial(_judge, machine, call, sight))


def _judge(machine: Machine, call: Call, sight: Sight, session: Session) -> None:
    """All of it there and ready: done. All there: watched on. Some: as long as it grows. Else a person is asked."""
    now = machine.clock()
    existing = set(call.existing or ())
    found = [name for name in call.names if name in sight and name not in existing]
    results = from_sight(call, sight)
    if len(results) == len(call.names):
        made = sum(result["ok"] for result in results.values())
        if made in (0, len(results)):
            after = CallState.DONE if made else CallState.FAILED
            end_call(session, call, CallState.UNKNOWN, after, now=now, results=results)
            return
    if len(found) == len(call.names):
        _watch_on(machine, call, results, session)
        return
    grew = len(found) > len(call.results or {})
    grew_at = now if grew else (call.grew_at or now)
    ask_at = grew_at + machine.pace.ask_after
    if ask_at <= now:
        _ask(machine, call, session)
        return
    seen = {name: results.get(name, {"ok": None, "word": sight[name].word}) for name in found}
    calls.put_off(session, call, min(now + LOOK_EVERY, ask_at), results=seen, grew_at=grew_at, attempts=0)


def _watch_on(machine: Machine, call: Call, results: dict[str, dict[str, Any]], session: Session) -> None:
    """It got through: watched by its list from now on, since nobody knows its task."""
    due_at = machine.clock() + machine.pace.first_poll
    values: dict[str, Any] = {"due_at": due_at, "leased_until": None, "results": results}
    request = requests.lock(session, call.workspace_id, call.request_id)
    calls.move(session, call, CallState.UNKNOWN, CallState.ACCEPTED, **values)
    if request is not None:
        end_request(session, request, now=machine.clock())


def _ask(machine: Machine, call: Call, session: Session) -> None:
    """Stop looking and put it to a person, in the thread."""
    request = requests.lock(session, call.workspace_id, call.request_id)
    if not calls.put_off(session, call, None):
        return
    if request is not None:
        _put_to_people(session, call, request, now=machine.clock())
        owing.refresh(session, request, now=machine.clock())
    workspaces.lock(session, call.workspace_id)  # before a connection's row, as everywhere
    connections.erase_unused(session, call.workspace_id)


def _put_to_people(session: Session, call: Call, request: Request, *, now: datetime) -> None:
    """Mention the asker and whom the policy names; who does not see the asker's direct messages gets one himself."""
    named = [person for person in Rules.of(session, request.workspace_id).named if person != request.asker]
    asked = [request.asker, *named[: MOST_ASKED - 1]]
    operation, key = operation_of(call), f"call:{call.id}:lost:{_stamp(call.grew_at)}"
    if not request.in_direct_message:
        owing.thread(session, request, key, thread.lost(call, operation, asked), now=now)
        return
    owing.thread(session, request, key, thread.lost(call, operation, [request.asker]), now=now)
    for person in asked[1:]:
        message = thread.lost(call, operation, [person])
        owing.direct(session, request.workspace_id, person, f"request:{request.id}:{key}:{person}", message, now=now)


async def _again_or_ask(machine: Machine, call: Call) -> None:
    """Nobody can look now: a person is asked once the time for looking is over."""
    if (call.grew_at or machine.clock()) + machine.pace.ask_after <= machine.clock():
        await machine.database.write(partial(_ask, machine, call))
    else:
        await _again(machine, call)


async def _again(machine: Machine, call: Call, pause: timedelta = timedelta()) -> None:
    due_at = machine.clock() + retry_after(call.attempts + 1, machine.pace, at_least=pause)
    await machine.database.write(lambda session: calls.put_off(session, call, due_at, attempts=call.attempts + 1))


def _stamp(moment: datetime | None) -> int:
    return int(moment.timestamp()) if moment else 0
