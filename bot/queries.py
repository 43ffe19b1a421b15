"""Questions to MailAPI: asked after the acknowledgement, answered privately, stored nowhere."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import structlog

from bot.commands.command import ListQuery, Query
from bot.errors import UserError
from bot.mailapi import Account, KeyRefused, MailAPIError, Rejected
from bot.slack_errors import SlackError
from bot.slacks import Slacks
from bot.texts import answers
from bot.texts.message import Message
from bot.worker.machine import KeyUnreadable, Machine
from storage.tables import Connection

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 2.0
"""How long a person looks at nothing before he is told that MailAPI is slow."""

Tell = Callable[[Message], Awaitable[None]]


class Queries:
    """Answers queries with the workspace's key; `tell` is how the person is answered privately."""

    def __init__(self, *, machine: Machine, slacks: Slacks) -> None:
        self._machine = machine
        self._slacks = slacks

    async def answer(self, query: Query, connection: Connection, tell: Tell) -> None:
        """Ask MailAPI and tell the person what it says, or why there is nothing to tell."""
        await self._patiently(query.answer, connection, tell, tell)

    async def page(self, query: ListQuery, number: int, connection: Connection, show: Tell, tell: Tell) -> None:
        """Show one page of a list, as it is now; why there is none is told beside the page that is seen."""

        async def ask(account: Account) -> Message:
            return (await query.listing(account)).page(number, lambda page: _turn(query, page))

        await self._patiently(ask, connection, show, tell)

    async def send_csv(self, query: ListQuery, connection: Connection, person: str, tell: Tell) -> None:
        """Send the whole list to the person as a file."""

        async def ask(account: Account) -> Message:
            listing = await query.listing(account)
            slack = await self._slacks.of(connection.workspace_id)
            channel = await slack.direct_channel(person)
            await slack.upload(channel, f"{listing.name}.csv", listing.csv(), listing.summary)
            return answers.csv_sent()

        await self._patiently(ask, connection, tell, tell)

    async def _patiently(
        self, ask: Callable[[Account], Awaitable[Message]], connection: Connection, show: Tell, tell: Tell
    ) -> None:
        asking = asyncio.ensure_future(self._ask(ask, connection))
        done, _ = await asyncio.wait([asking], timeout=PATIENCE_SECONDS)
        if not done:
            await tell(answers.still_looking())
        try:
            answer = await asking
        except UserError as error:
            await tell(answers.refusal(error))
        except (MailAPIError, SlackError) as error:
            await tell(await self._in_vain(error, connection))
        else:
            await show(answer)

    async def _ask(self, ask: Callable[[Account], Awaitable[Message]], connection: Connection) -> Message:
        return await ask(self._machine.account(connection))

    async def _in_vain(self, error: MailAPIError | SlackError, connection: Connection) -> Message:
        match error:
            case KeyRefused():
                await self._machine.key_refused(connection, error)
                ours = isinstance(error, KeyUnreadable)
                return (answers.key_unreadable if ours else answers.key_refused)(connection.last_four)
            case Rejected():
                return answers.refused(error.reason)
            case MailAPIError():
                log.info("query in vain", reason=type(error).__name__)
                return answers.unanswered(error.reason)
            case SlackError():
                log.warning("file not sent", reason=str(error))
                return answers.csv_not_sent()


def _turn(query: ListQuery, page: int) -> str:
    return json.dumps({"kind": query.kind, "query": query.model_dump(mode="json"), "page": page})
