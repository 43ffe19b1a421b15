"""The sandboxes as one playground, with the page on top."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import yaml

from bot.commands import COMMANDS
from bot.manifest import text as manifest_text
from sandbox.mailapi import MailAPIControl
from sandbox.playing import playground
from sandbox.serving import serve
from sandbox.slack import Usage
from sandbox.slack import create_app as create_slack
from tests.flows.process import Bot, environment
from tests.flows.stage import Mailroom


@dataclass
class BotProcess:
    """A bot as its own process, as the page's buttons end and start it."""

    mailroom: Mailroom | None = None
    bot: Bot | None = None

    async def start(self) -> None:
        """Start it, once it is known for which sandboxes."""
        assert self.mailroom is not None
        self.bot = await Bot.start(environment(self.mailroom))

    async def kill(self) -> None:
        """End it at once."""
        if self.bot is not None:
            await self.bot.killed()


@asynccontextmanager
async def slack_serving(mailapi_url: str, process: BotProcess) -> AsyncIterator[str]:
    """A Slack with the page, from which the provider and the bot's process can be played with."""
    async with MailAPIControl(mailapi_url) as provider:
        around = playground(
            provider,
            kill_bot=process.kill,
            restart_bot=process.start,
            usages=tuple(Usage(usage=each.usage, summary=each.summary, example=each.example) for each in COMMANDS),
            manifest=yaml.safe_load(manifest_text()),
        )
        app = create_slack(playground=around)
        async with serve(app, leave=app.leave) as url:
            yield url
