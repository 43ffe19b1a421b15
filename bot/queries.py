"""Questions to MailAPI: asked after the acknowledgement, answered privately, stored nowhere."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot.commands.command import ListQuery, Query
from bot.mailapi import Account, KeyRefused, MailAPIError, Rejected
from bot.slack import Slack, SlackError
from bot.texts import answers
from bot.texts.message import Message
from bot.worker.machine import Machine
from storage.tables import Connection

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 2.0
"""How long a person looks at nothing before he is told that MailAPI is slow."""

Tell = Callable[[Message], Awaitable[None]]


class Queries:
    """Answers queries with the workspace's key; `tell` is how the person is answered privately."""

    def __init__(self, *, machine: Machine, slack: Slack) -> None:
        self._machine = machine
        self._slack = slack

    async def answer(self, query: Query, connection: Connection, tell: Tell) -> None:
        """Ask MailAPI and tell the person what it says, or why there is nothing to tell."""
        await self._patiently(self._ask(query.answer, connection), tell)

    async def page(self, query: ListQuery, number: int, connection: Connection, tell: Tell) -> None:
        """Tell one page of a list, as it is now."""

        async def ask(account: Account) -> Message:
            return (await query.listing(account)).page(number, lambda page: _turn(query, page))

        await self._patiently(self._ask(ask, connection), tell)

    async def send_csv(self, query: ListQuery, connection: Connection, person: str, tell: Tell) -> None:
        """Send the whole list to the person as a file."""

        async def ask(account: Account) -> Message:
            listing = await query.listing(account)
            channel = await self._slack.direct_channel(person)
            await self._slack.upload(channel, f"{listing.name}.csv", listing.csv())
            return answers.csv_sent()

        await self._patiently(self._ask(ask, connection), tell)

    async def _patiently(self, work: Coroutine[Any, Any, Message], tell: Tell) -> None:
        asking = asyncio.ensure_future(work)
        done, _ = await asyncio.wait([asking], timeout=PATIENCE_SECONDS)
        if not done:
            await tell(answers.still_looking())
        await tell(await asking)

    async def _ask(self, ask: Callable[[Account], Awaitable[Message]], connection: Connection) -> Message:
        try:
            return await ask(self._machine.account(connection))
        except KeyRefused as error:
            await self._machine.key_refused(connection, error)
            return answers.key_refused(connection.last_four)
        except Rejected as error:
            return answers.refused(error.reason)
        except MailAPIError as error:
            log.info("query in vain", reason=type(error).__name__)
            return answers.unanswered(error.reason)
        except SlackError as error:
            log.warning("file not sent", reason=str(error))
            return answers.csv_not_sent()


def _turn(query: ListQuery, page: int) -> str:
    return json.dumps({"kind": query.kind, "query": query.model_dump(mode="json"), "page": page})
