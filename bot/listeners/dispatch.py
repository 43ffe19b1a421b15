"""From what somebody asks for to what is done about it, whichever way it came in."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from bot.auditing import AuditReader
from bot.commands import form_of, subcommand, understand
from bot.commands.command import (
    Asked,
    AuditQuery,
    Disconnect,
    Explain,
    ListQuery,
    OpenConnectForm,
    Overview,
    Query,
    Say,
    ShowPolicy,
    Status,
    Tasks,
)
from bot.connecting import Connecting
from bot.errors import Offer, UsageError, UserError
from bot.explaining import Explainer
from bot.form import OpenForm
from bot.intake import Intake
from bot.listeners.doors import Door
from bot.listeners.policy import PolicyForms
from bot.listeners.whereabouts import Whereabouts
from bot.operation import Operation
from bot.origin import workspace_of
from bot.queries import Queries
from bot.standings import Standings
from bot.texts import answers, forms, refusals, standing
from bot.texts.message import Message
from storage.database import DatabaseUnavailable
from storage.requests import Onlooker

log = structlog.get_logger(__name__)


class Dispatch:
    """Does what was asked for, and answers through the door that it came in by."""

    def __init__(
        self,
        *,
        intake: Intake,
        keys: Connecting,
        queries: Queries,
        standings: Standings,
        explainer: Explainer,
        audit: AuditReader,
        policies: PolicyForms,
        nudge: Callable[[], None],
    ) -> None:
        self._intake = intake
        self._keys = keys
        self._explainer = explainer
        self._audit = audit
        self._queries = queries
        self._standings = standings
        self._policies = policies
        self._nudge = nudge

    async def line(self, door: Door, text: str) -> None:
        """Do what a typed line asks for; raises `UserError`."""
        door.command = subcommand(text)
        try:
            asked = understand(text)
        except UsageError:
            await self._intake.ready(door.origin, "usage")  # before anybody has connected, that comes first
            raise
        await self.asked(door, asked)

    async def asked(self, door: Door, asked: Asked) -> None:
        """Do it; raises `UserError`."""
        match asked:
            case Say(message):
                await self._say(door, message)
            case Operation():
                await self.ask(door, asked)
            case Query() | ListQuery() | Explain():
                await self._look_up(door, asked)
            case AuditQuery():
                await door.reply(await self._audit.page(asked, door.origin))
            case OpenConnectForm():
                await self.open_connect_form(door)
            case OpenForm(offer):
                await self.open_form(door, offer, Whereabouts.of(door.origin))
            case Overview() | Status() | Tasks():
                await self._standing(door, asked)
            case ShowPolicy():
                await self._policies.show(door)
            case Disconnect():
                await self._ask_to_disconnect(door)

    async def _look_up(self, door: Door, asked: Query | ListQuery | Explain) -> None:
        """Ask MailAPI with the key in force, after the acknowledgement."""
        connection = await self._intake.account_for(door.origin)
        if isinstance(asked, ListQuery):
            await self.after(door, self._queries.page(asked, 1, connection, door.later, door.later))
            return
        if isinstance(asked, Explain):
            actor = await self._intake.member(door.origin, "explain")
            asked = self._explainer.question(asked.operation, door.origin, actor, connection)
        await self.after(door, self._queries.answer(asked, connection, door.later))

    async def _say(self, door: Door, message: Message) -> None:
        """Say it, and before anybody has connected how to do so."""
        connected = await self._standings.connected(door.origin.workspace)
        await door.reply(message if connected else standing.before_connecting(message))

    async def ask(
        self,
        door: Door,
        operation: Operation,
        *,
        again: bool = False,
        where: Whereabouts | None = None,
        once: str | None = None,
    ) -> None:
        """Write a request down and say so; it lives `where` it was asked, unless it is said where.

        What is asked `once` is one request, however often.
        """
        origin = where.at(door.origin) if where else door.origin
        origin = replace(origin, deduplication_key=once) if once else origin
        message = await self._intake.ask(operation, origin, again=again)
        self._nudge()
        await door.reply(message)

    async def open_connect_form(self, door: Door) -> None:
        """The form for the key, for those who may connect one."""
        connection = await self._keys.may_connect(door.origin)
        await door.show(forms.connect_form(last_four=connection.last_four if connection else None))

    async def open_form(self, door: Door, offer: Offer, where: Whereabouts) -> None:
        """The form for an operation; where Slack gives no trigger, a button that opens it."""
        await self._intake.ready(door.origin, offer.kind)
        if door.trigger_id is None:
            await door.reply(answers.form_offered(offer))
            return
        await door.show(forms.operation_form(form_of(offer.kind), offer.filled, where.metadata()))

    async def _standing(self, door: Door, asked: Overview | Status | Tasks) -> None:
        origin = door.origin
        actor = await self._intake.member(origin, "status")
        onlooker = Onlooker(origin.person, origin.channel, everything=actor.admin)
        if isinstance(asked, Tasks):
            onlooker = Onlooker(origin.person) if asked.mine else onlooker
            await self.after(door, self._tell_tasks(door, asked, onlooker))
            return
        now = await self._standings.of(origin.workspace, onlooker)
        await door.reply(standing.overview(now) if isinstance(asked, Overview) else standing.status(now))

    async def _tell_tasks(self, door: Door, asked: Tasks, onlooker: Onlooker) -> None:
        """The links are Slack's to give, so they are asked for after the acknowledgement."""
        origin = door.origin
        shown = await self._standings.recent(origin.workspace, onlooker)
        if not shown and not await self._standings.connected(origin.workspace):
            await door.later(standing.not_connected())
            return
        placed = [p.request for p in shown if p.request.root_ts]
        found = await asyncio.gather(
            *(door.slack.permalink(r.home_channel, r.root_ts or "") for r in placed), return_exceptions=True
        )
        links = {r.id: link for r, link in zip(placed, found, strict=True) if isinstance(link, str)}
        await door.later(standing.tasks(shown, links, mine=asked.mine))

    async def _ask_to_disconnect(self, door: Door) -> None:
        connection = await self._keys.may_connect(door.origin)
        if connection is None:
            await door.reply(standing.not_connected())
            return
        now = await self._standings.of(door.origin.workspace, Onlooker(door.origin.person, everything=True))
        if door.trigger_id is None:
            await door.reply(standing.to_disconnect())
            return
        await door.show(standing.disconnect_question(now))

    async def after(self, door: Door, work: Coroutine[Any, Any, None]) -> None:
        """Acknowledge, and do the rest behind it; raises `UserError` where too much runs already."""
        if door.silent:
            work.close()
            await door.ack()
            return
        if not door.room():
            work.close()
            raise UserError(refusals.BUSY)
        door.after.start(workspace_of(door.body), _answered(door, work))
        await door.ack()

    async def once_after(self, door: Door, work: Coroutine[Any, Any, None]) -> None:
        """The same for what a repeated delivery must not do again."""
        origin = door.origin
        door.silent = door.silent or not await self._intake.first_time(origin.workspace, origin.deduplication_key)
        await self.after(door, work)


async def _answered(door: Door, work: Coroutine[Any, Any, None]) -> None:
    """What runs behind an acknowledgement tells the person also where it fails: nobody else hears of it."""
    try:
        await work
    except DatabaseUnavailable as error:
        log.warning("not read", reason=str(error))
        await door.later(answers.not_read())
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("an answer failed", reference=reference)
        await door.later(answers.our_fault(reference))
