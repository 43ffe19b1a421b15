"""From what a person asked for to a row: may he, is it possible, was it done already, and what he is told at once."""

import asyncio
import hashlib
import json
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog
from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.approvers import MOST_LOOKS, PATIENCE_SECONDS, Approvers, Outdated, Rules
from bot.attempts import Attempts
from bot.clock import Clock
from bot.errors import TryAgain, UserError
from bot.notices import owing
from bot.operation import Operation
from bot.origin import Origin
from bot.policy import Policy
from bot.progress import Plan
from bot.texts import answers, card, refusals
from bot.texts.message import Message
from storage import connections, requests, seen, workspaces
from storage.database import Database
from storage.tables import Connection, Request

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

REPEATED_WITHIN = timedelta(seconds=10)
MOST_KEPT = 10_000


class Repeated(UserError):
    """The same person asked for the same thing a moment ago."""

    def __init__(self, operation: Operation, before: int, asked_at: datetime) -> None:
        super().__init__(refusals.repeated(operation.title(), asked_at, before))
        self.operation = operation


class Intake:
    """Takes requests in; it never waits for MailAPI."""

    def __init__(
        self, *, database: Database, attempts: Attempts, approvers: Approvers, clock: Clock, most_open: int
    ) -> None:
        self._database = database
        self._attempts = attempts
        self._approvers = approvers
        self._rules: dict[str, Rules] = {}
        self._clock = clock
        self._most_open = most_open

    async def ask(self, operation: Operation, origin: Origin, *, again: bool = False) -> Message:
        """Write a request down; gives what the person is told. Raises `UserError`.

        The same thing asked for twice within seconds by the same person is `Repeated`, unless it is meant `again`.
        """
        actor = await self._attempts.member(origin, operation.kind, parameters=operation.parameters())
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
                except Outdated:
                    log.debug("the policy has changed", workspace=origin.workspace)
            before, rules = rules, await self._rules_now(origin.workspace)
            if no is not None and before.version == rules.version:
                await self._attempts.refuse(origin, operation.kind, *no, parameters=operation.parameters())
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
            raise Outdated
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
            team_id=origin.team,
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
        self._attempts.note(session, origin, operation.kind, "asked", subject, parameters=request.parameters)
        return request.id

    def _turned_down(
        self, operation: Operation, origin: Origin, error: UserError, why: str, session: Session
    ) -> UserError:
        """A request that cannot be written down is audited with what was asked for."""
        return self._attempts.refused(session, origin, operation.kind, error, why, parameters=operation.parameters())

    async def account_for(self, origin: Origin, action: str = "query") -> Connection:
        """The connection that this person's question or request uses; raises `UserError`."""
        await self._attempts.member(origin, action)
        found = await self._database.read(lambda session: connections.in_force(session, origin.workspace))
        if found is None:
            raise UserError(refusals.NOT_CONNECTED, connect=True)
        return found

    async def member(self, origin: Origin, action: str) -> Actor:
        """Who the person is, where he may use Mailroom at all; raises `UserError`."""
        return await self._attempts.member(origin, action)

    async def ready(self, origin: Origin, action: str) -> None:
        """Make sure that this person may ask, and that there is a key; raises `UserError`."""
        await self.account_for(origin, action)

    async def first_time(self, workspace: str, event_id: str) -> bool:
        """Whether Slack delivers this event for the first time."""
        return await self._database.write(
            lambda session: seen.first_time(session, workspace, event_id, now=self._clock())
        )


def _unless_refused(outcome: Result | UserError) -> Result:
    if isinstance(outcome, UserError):
        raise outcome
    return outcome


def _fingerprint(operation: Operation, origin: Origin) -> str:
    said = json.dumps([origin.person, operation.kind, operation.parameters()], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
