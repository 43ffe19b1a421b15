"""`/mail explain`: the look, the plan and the ruling of a command that nobody has given."""

from dataclasses import replace

from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.approvers import Approvers, Rules
from bot.case import Case
from bot.clock import Clock
from bot.commands.command import Query
from bot.mailapi import Account, NotFound
from bot.operation import Operation
from bot.origin import Origin
from bot.policy import Ruling
from bot.progress import Plan
from bot.rulings import ruling_for
from bot.texts import explaining
from bot.texts.explaining import Explained
from bot.texts.message import Message
from bot.worker import planning
from bot.worker.machine import Machine
from storage.tables import Connection


class Explainer:
    """Makes questions whose answer is what a command would do."""

    def __init__(self, *, machine: Machine, approvers: Approvers, clock: Clock) -> None:
        self._machine = machine
        self._approvers = approvers
        self._clock = clock

    def question(self, operation: Operation, origin: Origin, actor: Actor, connection: Connection) -> Query:
        """What `operation` would do if this person asked for it here, with the key in force."""
        return _WhatWould(self, operation, origin, actor, connection)

    async def explain(self, operation: Operation, origin: Origin, actor: Actor, connection: Connection) -> Message:
        """Look, judge and say; nothing is written. Raises `MailAPIError`, or `TryAgain` where Slack does not say."""
        ruled, rules = await self._machine.database.read(lambda session: self._judge(session, operation, origin))
        in_group = await self._approvers.in_groups(origin.workspace, rules.policy.asker_groups, actor.id)
        case = Case(ruled, (), rules.named, rules.policy.groups, rules.policy.admins)
        found = Explained(
            operation,
            Plan(ruling=ruled),
            case,
            rules.policy,
            channel=not rules.policy.channels or origin.channel in rules.policy.channels,
            asker=access.may_ask_here(rules.policy, actor, in_group=in_group),
        )
        return explaining.explanation(await self._looked_up(found, origin, connection))

    async def _looked_up(self, found: Explained, origin: Origin, connection: Connection) -> Explained:
        operation, ruled = found.operation, found.case.ruling
        try:
            look = await planning.look_at(self._machine, connection, operation, thorough=True)
        except NotFound as error:
            failure = await planning.unknown_domain(self._machine, connection, operation, error)
            return replace(found, failure=failure)
        missing = planning.missing_parent(operation, look.sight)
        if missing is not None:
            return replace(found, failure=missing)
        plan = await self._machine.database.read(
            lambda session: planning.plan_of(
                session, origin.workspace, operation, look, ruled, besides=0, now=self._clock()
            )
        )
        return replace(found, plan=plan)

    def _judge(self, session: Session, operation: Operation, origin: Origin) -> tuple[Ruling, Rules]:
        now = self._clock()
        ruled = ruling_for(session, operation, origin.person, origin.workspace, besides=0, now=now)
        return ruled, Rules.of(session, origin.workspace)


class _WhatWould(Query):
    def __init__(
        self, explainer: Explainer, operation: Operation, origin: Origin, actor: Actor, connection: Connection
    ) -> None:
        self._explainer = explainer
        self._asked = (operation, origin, actor, connection)

    async def answer(self, account: Account) -> Message:
        """The key is that of the connection, which the look uses by itself."""
        del account
        return await self._explainer.explain(*self._asked)
