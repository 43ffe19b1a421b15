"""From what a person did to rows: may he, is it possible, was it done already, and what he is told at once."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NoReturn, TypeVar

import structlog
from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.approvers import Approvers, Rules
from bot.clock import Clock
from bot.commands import operation_from
from bot.errors import Forbidden, TryAgain, UserError
from bot.mailapi import Credentials
from bot.notices import owing
from bot.operation import Operation
from bot.pace import Pace
from bot.people import People
from bot.policy import Policy
from bot.progress import Plan
from bot.texts import answers, card, refusals, thread
from bot.texts.message import Message
from bot.worker.ending import end_call, end_request
from bot.worker.planning import add_calls
from storage import audit, calls, connections, notices, requests, seen, workspaces
from storage.database import Database
from storage.encryption import Vault
from storage.states import CallState, RequestState
from storage.tables import Call, Connection, Request

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

REPEATED_WITHIN = timedelta(seconds=10)
PATIENCE_SECONDS = 1.2
"""How long Slack is asked who is in the groups, after up to 1.5 s for who asks: it waits 3 s for us."""
MOST_LOOKS = 5
MOST_KEPT = 10_000


class _Outdated(Exception):
    """The policy has changed since it was read."""


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
        self,
        *,
        database: Database,
        people: People,
        approvers: Approvers,
        vault: Vault,
        clock: Clock,
        pace: Pace,
        most_open: int,
    ) -> None:
        self._most_open = most_open
        self._database = database
        self._people = people
        self._approvers = approvers
        self._rules: dict[str, Rules] = {}
        self._vault = vault
        self._clock = clock
        self._pace = pace

    async def ask(self, operation: Operation, origin: Origin, *, again: bool = False) -> Message:
        """Write a request down; gives what the person is told. Raises `UserError`.

        The same thing asked for twice within seconds by the same person is `Repeated`, unless it is meant `again`.
        """
        actor = await self._member(origin, operation.kind, parameters=operation.parameters())
        request = await self._ask_by_the_rules(operation, origin, again, actor)
        log.debug("request asked", request=request, kind=operation.kind, workspace=origin.workspace)
        return answers.asked(operation.title(), in_thread=origin.thread is not None)

    async def _ask_by_the_rules(self, operation: Operation, origin: Origin, again: bool, actor: Actor) -> int:  # noqa: FBT001 - as `_ask`
        """Check who may ask, and where, by rules that the transaction finds still in force."""
        rules = self._rules.get(origin.workspace) or await self._rules_now(origin.workspace)
        for _ in range(MOST_LOOKS):
            no = await self._not_here(origin, actor, rules.policy)
            if no is None:
                try:
                    asked = partial(self._ask, operation, origin, again, rules.version)
                    return _unless_refused(await self._database.write(asked))
                except _Outdated:
                    log.debug("the policy has changed", workspace=origin.workspace)
            before, rules = rules, await self._rules_now(origin.workspace)
            if no is not None and before.version == rules.version:
                await self._refuse(origin, operation.kind, *no, parameters=operation.parameters())
        raise TryAgain(refusals.BUSY)

    async def _rules_now(self, workspace: str) -> Rules:
        if len(self._rules) >= MOST_KEPT:
            self._rules.clear()
        rules = await self._database.read(lambda session: Rules.of(session, workspace))
        self._rules[workspace] = rules
        return rules

    async def _not_here(self, origin: Origin, actor: Actor, policy: Policy) -> tuple[str, str] | None:
        """Why the policy does not let this person ask, or not in this channel, for him and for the audit."""
        if policy.channels and origin.channel not in policy.channels:
            return refusals.other_channel(policy.channels), "not in this channel"
        if not policy.limits_askers or actor.id in policy.askers:
            return None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                in_group = await self._approvers.in_groups(origin.workspace, policy.asker_groups, actor.id)
        except TimeoutError:
            raise TryAgain(refusals.WHO_IS_IN_GROUP) from None
        if access.may_ask_here(policy, actor, in_group=in_group):
            return None
        return refusals.not_an_asker(policy.askers, policy.asker_groups), "may not ask"

    def _ask(
        self,
        operation: Operation,
        origin: Origin,
        again: bool,  # noqa: FBT001 - partial
        version: int,
        session: Session,
    ) -> int | UserError:
        workspaces.lock(session, origin.workspace)  # of two deliveries at once, the second one finds the first's row
        now = self._clock()
        fingerprint = _fingerprint(operation, origin)
        since = now - REPEATED_WITHIN
        facts = requests.facts(session, origin.workspace, origin.deduplication_key, fingerprint, since=since)
        if facts.known is not None:
            return facts.known
        if facts.policy != version:
            raise _Outdated
        if facts.connection is None:
            error = UserError(refusals.NOT_CONNECTED, connect=True)
            return self._turned_down(operation, origin, error, "no key", session)
        if facts.like is not None and not again:
            raise Repeated(operation, facts.like, facts.like_at)
        if facts.open >= self._most_open:
            error = UserError(refusals.too_many_open(self._most_open))
            return self._turned_down(operation, origin, error, "too many under way", session)
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

    def _turned_down(
        self, operation: Operation, origin: Origin, error: UserError, why: str, session: Session
    ) -> UserError:
        """A request that cannot be written down is audited with what was asked for."""
        asked_for = {"parameters": operation.parameters()}
        return self._refused(origin, operation.kind, error, why, "", asked_for, session)

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
        if not await self._may_steer(actor, request):
            await self._refuse(origin, "credentials", refusals.NOT_YOUR_CREDENTIALS, "not an approver", subject)
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
        # All of them before the workspace, which the first one that ends locks: two would wait for each other else.
        for request in requests.lock_open(session, origin.workspace):
            if self._give_up(session, request, origin.person):
                self._audit(session, origin, request.kind, "cancelled", f"request:{request.id}", why="disconnected")
                owing.thread(session, request, "disconnected", thread.never_sent(request.asker, origin.person), now=now)
        for call in calls.unsent(session, origin.workspace):
            end_call(session, call, call.state, CallState.CANCELLED, now=now, reason=thread.DISCONNECTED)
        workspaces.lock(session, origin.workspace)  # before the connection's row, as everywhere
        if not connections.give_up(session, connection):
            raise UserError(refusals.KEY_REPLACED)  # and nothing of the above has happened
        self._audit(session, origin, "disconnect", "done", f"connection:{connection.id}")
        return connection.last_four

    def _give_up(self, session: Session, request: Request, by: str) -> bool:
        """End a request that has no calls yet; one that was approved ends as one that could not be carried out."""
        now = self._clock()
        requests.lock(session, request.id)
        if request.state in (RequestState.PLANNING, RequestState.AWAITING_DECISION):
            ended: dict[str, Any] = {"ended_at": now, "ended_by": by, "due_at": None}
            requests.move(session, request.id, request.state, RequestState.CANCELLED, **ended)
            session.refresh(request)
            owing.refresh(session, request, now=now)
            return True
        if request.state is RequestState.APPROVED:
            failed = replace(Plan.of(request), failure=thread.DISCONNECTED).stored()
            requests.move(session, request.id, RequestState.APPROVED, RequestState.RUNNING, plan=failed, due_at=None)
            session.refresh(request)
            end_request(session, request, now=now)
        return False

    async def may_connect(self, origin: Origin) -> Connection | None:
        """Make sure that this person may connect a key; gives the connection in force. Raises `UserError`."""
        actor = await self._member(origin, "connect")
        found = await self._database.read(lambda session: connections.in_force(session, origin.workspace))
        if not access.may_connect(actor, connected_by=found.connected_by if found else None):
            said = refusals.not_your_key(found.connected_by if found else None)
            await self._refuse(origin, "connect", said, "not an admin")
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
        found = await self._database.read(lambda session: calls.get(session, origin.workspace, call_id))
        request = await self._database.read(
            lambda session: requests.get(session, origin.workspace, found.request_id if found else 0)
        )
        if request is None:
            raise UserError(refusals.UNKNOWN_REQUEST)
        if not await self._may_steer(actor, request):
            await self._refuse(origin, action, refusals.NOT_YOUR_REQUEST, "not an approver", f"call:{call_id}")
        return await self._database.write(partial(self._go_on, action, call_id, origin))

    async def _may_steer(self, actor: Actor, request: Request) -> bool:
        """The person who asked, and whoever approves now; raises `TryAgain` where Slack does not say."""
        if access.may_steer(actor, asker=request.asker):
            return True
        rules = await self._rules_now(request.workspace_id)
        return await self._approvers.counts(request.workspace_id, rules, actor)

    def _go_on(self, action: str, call_id: int, origin: Origin, session: Session) -> str:
        call = calls.get(session, origin.workspace, call_id)
        request = requests.lock(session, call.request_id) if call else None
        if call is None or request is None:
            raise UserError(refusals.UNKNOWN_REQUEST)
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
            calls.put_off(session, call, now, grew_at=now, attempts=0)
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

    async def _member(self, origin: Origin, action: str, **details: Any) -> Actor:
        actor = await self._people.actor(origin.workspace, origin.person)
        if not access.may_ask(actor):
            await self._refuse(origin, action, refusals.GUESTS, "a guest", **details)
        return actor

    async def _refuse(
        self, origin: Origin, action: str, said: str, why: str, subject: str = "", **details: Any
    ) -> NoReturn:
        """Write the attempt into the audit, with `why` in a word or two, and raise `Forbidden`."""
        refused = partial(self._refused, origin, action, Forbidden(said), why, subject, details)
        raise await self._database.write(refused)

    def _refused(
        self,
        origin: Origin,
        action: str,
        error: UserError,
        why: str,
        subject: str,
        details: Mapping[str, Any],
        session: Session,
    ) -> UserError:
        """Write the attempt into the audit, which an error that is raised in here would take back; gives the error."""
        self._audit(session, origin, action, "refused", subject, why=why, **details)
        return error

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


def _unless_refused(outcome: Result | UserError) -> Result:
    if isinstance(outcome, UserError):
        raise outcome
    return outcome


def _fingerprint(operation: Operation, origin: Origin) -> str:
    said = json.dumps([origin.person, operation.kind, operation.parameters()], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
