"""Questions to MailAPI: asked after the acknowledgement, answered privately, stored nowhere."""

import asyncio

import structlog

from bot.blocks import answers
from bot.blocks.message import Message
from bot.commands import Query
from bot.mailapi import KeyRefused, MailAPIError, Rejected
from bot.slack import Slack, SlackError
from bot.worker.machine import Machine
from storage.tables import Connection

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 2.0
"""How long a person looks at nothing before he is told that MailAPI is slow."""


class Queries:
    """Answers queries with the workspace's key, through the command's response URL."""

    def __init__(self, *, machine: Machine, slack: Slack) -> None:
        self._machine = machine
        self._slack = slack

    async def answer(self, query: Query, connection: Connection, response_url: str) -> None:
        """Ask MailAPI and tell the person what it says, or why there is nothing to tell."""
        asking = asyncio.ensure_future(self._ask(query, connection))
        done, _ = await asyncio.wait([asking], timeout=PATIENCE_SECONDS)
        if not done:
            await self._tell(response_url, answers.still_looking())
        await self._tell(response_url, await asking)

    async def _ask(self, query: Query, connection: Connection) -> Message:
        try:
            return await query.answer(self._machine.account(connection))
        except KeyRefused as error:
            await self._machine.key_refused(connection, error)
            return answers.key_refused(connection.last_four)
        except Rejected as error:
            return answers.refused(error.reason)
        except MailAPIError as error:
            log.info("query in vain", reason=type(error).__name__)
            return answers.unanswered(error.reason)

    async def _tell(self, response_url: str, message: Message) -> None:
        try:
            await self._slack.respond(response_url, message.content())
        except SlackError as error:
            log.warning("a private answer did not arrive", reason=str(error))
