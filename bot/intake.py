"""From what a person did to rows: may he, is it possible, was it done already, and what he is told at once."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.clock import Clock
from bot.commands import operation_from
from bot.errors import Forbidden, UserError
from bot.mailapi import Credentials
from bot.notices import owing
from bot.operation import Operation
from bot.pace import Pace
from bot.people import People
from bot.progress import Plan
from bot.texts import answers, card, refusals, thread
from bot.texts.message import Message
from bot.worker.ending import end_call
from bot.worker.planning import add_calls
from storage import audit, calls, connections, notices, requests, seen, workspaces
from storage.database import Database
from storage.encryption import Vault
from storage.states import CallState, RequestState
from storage.tables import Call, Connection, Request

log = structlog.get_logger(__name__)

REPEATED_WITHIN = timedelta(seconds=10)


class Repeated(UserError):
    """The same person asked for the same thing a moment ago."""

    def __init__(self, operation: Operation, before: int, asked_at: datetime) -> None:
        super().__init__(refusals.repeated(operation.title(), asked_at, before))
        self.operation = operation


@dataclass(frozen=True)
class Origin:
    """Who did something, where, and the key by which a repeated delivery of it is known."""

    workspace: str
    person: str
    channel: str
    deduplication_key: str
    thread: str | None = None


class Intake:
    """The person's half: it validates, writes rows and answers; it never waits for MailAPI."""

    def __init__(
        self, *, database: Database, people: People, vault: Vault, clock: Clock, pace: Pace, most_open: int
    ) -> None:
        self._most_open = most_open
        self._database = database
        self._people = people
        self._vault = vault
        self._clock = clock
        self._pace = pace

    async def ask(self, operation: Operation, origin: Origin, *, again: bool = False) -> Message:
        """Write a request down; gives what the person is told. Raises `UserError`.

        The same thing asked for twice within seconds by the same person is `Repeated`, unless it is meant `again`.
        """
        await self._member(origin, operation.kind)
        request = await self._database.write(partial(self._ask, operation, origin, again))
        log.debug("request asked", request=request, kind=operation.kind, workspace=origin.workspace)
        return answers.asked(operation.title(), in_thread=origin.thread is not None)

    def _ask(self, operation: Operation, origin: Origin, again: bool, session: Session) -> int:  # noqa: FBT001 - partial
        workspaces.lock(session, origin.workspace)  # of two deliveries at once, the second one finds the first's row
        now = self._clock()
        fingerprint = _fingerprint(operation, origin)
        since = now - REPEATED_WITHIN
        facts = requests.facts(session, origin.workspace, origin.deduplication_key, fingerprint, since=since)
        if facts.known is not None:
            return facts.known
        if facts.connection is None:
            raise UserError(refusals.NOT_CONNECTED, connect=True)
        if facts.like is not None and not again:
            raise Repeated(operation, facts.like, facts.like_at)
        if facts.open >= self._most_open:
            raise UserError(refusals.too_many_open(self._most_open))
        request = Request(
            workspace_id=origin.workspace,
            kind=operation.kind,
            parameters=operation.parameters(),
            asker=origin.person,
            asked_in=origin.channel,
            asked_thread=origin.thread,
            fingerprint=fingerprint,
            home_channel=origin.channel,
            deduplication_key=origin.deduplication_key,
            created_at=now,
            due_at=now,
        )
        if facts.broken:
            request.plan = Plan(unplanned=card.PAUSED).stored()
        requests.add(session, request)
        if facts.broken:  # nothing plans it before the next key, so it is announced from here
            owing.refresh(session, request, now=now)
        subject = f"request:{request.id}"
        self._audit(session, origin, operation.kind, "asked", subject, parameters=request.parameters)
        return request.id

    async def account_for(self, origin: Origin, action: str = "query") -> Connection:
        """The connection that this person's question or request uses; raises `UserError`."""
        await self._member(origin, action)
        found = await self._database.read(lambda session: connections.in_force(session, origin.workspace))
        if found is None:
            raise UserError(refusals.NOT_CONNECTED, connect=True)
        return found

    async def member(self, origin: Origin, action: str) -> Actor:
        """Who the person is, where he may use Mailroom at all; raises `UserError`."""
        return await self._member(origin, action)

    async def ready(self, origin: Origin, action: str) -> None:
        """Make sure that this person may ask, and that there is a key; raises `UserError`."""
        await self.account_for(origin, action)

    async def first_time(self, workspace: str, event_id: str) -> bool:
        """Whether Slack delivers this event for the first time."""
        return await self._database.write(
            lambda session: seen.first_time(session, workspace, event_id, now=self._clock())
        )

    async def may_see_credentials(self, request_id: int, origin: Origin) -> Request:
        """The request whose credentials this person wants to see; that he looks is audited. Raises `UserError`."""
        actor = await self._member(origin, "credentials")
        request = await self._database.read(lambda session: requests.get(session, origin.workspace, request_id))
        if request is None:
            raise UserError(refusals.UNKNOWN_REQUEST)
        subject = f"request:{request_id}"
        if not access.may_steer(actor, asker=request.asker):
            await self._refuse(origin, "credentials", refusals.NOT_YOUR_CREDENTIALS, subject)
        await self._database.write(lambda session: self._audit(session, origin, "credentials", "shown", subject))
        return request

    async def disconnect(self, origin: Origin) -> str:
        """Give up the key in force; gives its last four characters. Raises `UserError`."""
        await self.may_connect(origin)
        return await self._database.write(partial(self._disconnect, origin))

    def _disconnect(self, origin: Origin, session: Session) -> str:
        connection = connections.in_force(session, origin.workspace)
        if connection is None:
            raise UserError(refusals.NOT_CONNECTED, connect=True)
        now = self._clock()
        for request in requests.open_ones(session, origin.workspace):
            if requests.move(session, request.id, RequestState.PLANNING, RequestState.CANCELLED, ended_at=now):
                session.refresh(request)
                owing.refresh(session, request, now=now)
                owing.thread(session, request, "disconnected", thread.never_sent(request.asker, origin.person), now=now)
        for call in calls.unsent(session, origin.workspace):
            end_call(session, call, call.state, CallState.CANCELLED, now=now, reason=thread.DISCONNECTED)
        connections.give_up(session, connection)
        self._audit(session, origin, "disconnect", "done", f"connection:{connection.id}")
        return connection.last_four

    async def may_connect(self, origin: Origin) -> Connection | None:
        """Make sure that this person may connect a key; gives the connection in force. Raises `UserError`."""
        actor = await self._member(origin, "connect")
        found = await self._database.read(lambda session: connections.in_force(session, origin.workspace))
        if not access.may_connect(actor, connected_by=found.connected_by if found else None):
            await self._refuse(origin, "connect", refusals.not_your_key(found.connected_by if found else None))
        return found

    async def connect(self, credentials: Credentials, origin: Origin, *, view_id: str) -> None:
        """Write a key down, encrypted, to be checked by the worker. Raises `UserError`."""
        await self.may_connect(origin)
        key = credentials.key
        secret = self._vault.seal(key, workspace=origin.workspace, purpose=connections.PURPOSE)
        connection = Connection(
            workspace_id=origin.workspace,
            secret=secret,
            caller_id=credentials.caller_id,
            last_four=credentials.last_four,
            connected_by=origin.person,
            view_id=view_id,
            deduplication_key=origin.deduplication_key,
            created_at=self._clock(),
            due_at=self._clock(),
        )
        await self._database.write(partial(self._connect, connection, origin))

    def _connect(self, connection: Connection, origin: Origin, session: Session) -> None:
        workspaces.lock(session, origin.workspace)
        if connections.by_deduplication_key(session, origin.deduplication_key) is None:
            connections.add(session, connection)
            self._audit(session, origin, "connect", "asked", f"connection:{connection.id}")

    async def go_on(self, action: str, call_id: int, origin: Origin) -> str:
        """A person's answer to a question about a call; gives what happened. Raises `UserError`."""
        actor = await self._member(origin, action)
        return await self._database.write(partial(self._go_on, action, call_id, origin, actor))

    def _go_on(self, action: str, call_id: int, origin: Origin, actor: Actor, session: Session) -> str:
        call = calls.get(session, origin.workspace, call_id)
        request = requests.lock(session, call.request_id) if call else None
        if call is None or request is None:
            raise UserError(refusals.UNKNOWN_REQUEST)
        if not access.may_steer(actor, asker=request.asker):
            raise Forbidden(refusals.NOT_YOUR_REQUEST)
        said = thread.chosen(origin.person, action)
        key = f"call:{call_id}:{action}:{origin.deduplication_key}"
        if notices.by_key(session, origin.workspace, f"request:{request.id}:{key}") is not None:
            return said  # the same click, delivered again
        if not self._steer(session, action, call, request):
            raise UserError(refusals.DECIDED)
        session.expire_all()
        owing.thread(session, request, key, Message(said), now=self._clock())
        owing.refresh(session, request, now=self._clock())
        self._audit(session, origin, action, "done", f"call:{call_id}")
        return said

    def _steer(self, session: Session, action: str, call: Call, request: Request) -> bool:
        now = self._clock()
        due: dict[str, Any] = {"due_at": now, "leased_until": None, "attempts": 0}
        if action == thread.KEEP_WATCHING:
            until = now + self._pace.watch_for
            return calls.move(session, call.id, CallState.STALLED, CallState.ACCEPTED, watch_until=until, **due)
        if call.state is not CallState.UNKNOWN or call.due_at is not None:
            return False
        if action == thread.LOOK_AGAIN:
            calls.put_off(session, call.id, now, grew_at=now, attempts=0)
            return True
        return self._send_again(session, call, request)

    def _send_again(self, session: Session, call: Call, request: Request) -> bool:
        """What may have happened in part is sent again name by name, and looked at before each is sent."""
        singles = operation_from(call.kind, call.parameters).singly()
        if len(singles) == 1:
            again: dict[str, Any] = {"due_at": self._clock(), "leased_until": None, "looked_at": None, "attempts": 0}
            return calls.move(session, call.id, CallState.UNKNOWN, CallState.QUEUED, **again)
        moved = calls.move(session, call.id, CallState.UNKNOWN, CallState.ABANDONED, ended_at=self._clock())
        if moved:
            before: dict[str, Any] = {
                "grew_at": call.grew_at,
                "sent_at": call.sent_at,
                "connection_id": call.connection_id,
            }
            add_calls(session, request, singles, call.existing or (), None, now=self._clock(), **before)
        return moved

    async def _member(self, origin: Origin, action: str) -> Actor:
        actor = await self._people.actor(origin.workspace, origin.person)
        if not access.may_ask(actor):
            await self._refuse(origin, action, refusals.GUESTS)
        return actor

    async def _refuse(self, origin: Origin, action: str, why: str, subject: str = "") -> None:
        """Write the attempt into the audit, and raise `Forbidden`."""
        await self._database.write(lambda session: self._audit(session, origin, action, "refused", subject))
        raise Forbidden(why)

    def _audit(self, session: Session, origin: Origin, action: str, outcome: str, subject: str, **details: Any) -> None:
        audit.append(
            session,
            origin.workspace,
            at=self._clock(),
            actor=origin.person,
            action=action,
            outcome=outcome,
            subject=subject,
            details={"channel": origin.channel, **details},
        )


def _fingerprint(operation: Operation, origin: Origin) -> str:
    said = json.dumps([origin.person, operation.kind, operation.parameters()], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
