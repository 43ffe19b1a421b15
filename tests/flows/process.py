"""`mailroom run` as its own process."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sandbox.slack import APP_TOKEN, BOT_TOKEN
from tests.flows.stage import Mailroom

ROOT = Path(__file__).parents[2]


def environment(mailroom: Mailroom, **changes: str | None) -> dict[str, str]:
    """The environment of a bot that would run; `None` takes a variable away."""
    settings = mailroom.settings
    names = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "MAILROOM_"))}
    ours: dict[str, str | None] = {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_APP_TOKEN": APP_TOKEN,
        "SLACK_API_URL": settings.slack_api_url,
        "MAILAPI_URL": settings.mailapi_url,
        "DATABASE_URL": settings.database_url,
        "MAILROOM_PORT": "0",
        "MAILROOM_LOG_FORMAT": "json",
        **changes,
    }
    return {**names, **{name: value for name, value in ours.items() if value is not None}}


@dataclass
class Bot:
    """The process, and the reading of what it says: a pipe that nobody reads would hold it up."""

    process: Process
    reading: asyncio.Task[tuple[bytes, bytes]]

    @classmethod
    async def start(cls, variables: dict[str, str], program: str = "bot") -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", program, "run", cwd=ROOT, env=variables, stdout=PIPE, stderr=PIPE
        )
        return cls(process, asyncio.create_task(process.communicate()))

    async def ended(self) -> tuple[int, str, str]:
        """Exit code, standard output and standard error."""
        async with asyncio.timeout(30):
            out, error = await self.reading
        return self.process.returncode or 0, out.decode(), error.decode()

    async def killed(self) -> None:
        """End it where it has not ended by itself."""
        if self.process.returncode is None:
            self.process.kill()
        await self.reading


@asynccontextmanager
async def bot_process(mailroom: Mailroom, **changes: str | None) -> AsyncIterator[Bot]:
    """A running bot in its own process, which is ended where the test has not done so."""
    bot = await Bot.start(environment(mailroom, **changes))
    try:
        await mailroom.slack.connected(mailroom.settings.mailroom_socket_connections)
        yield bot
    finally:
        await bot.killed()


@dataclass(frozen=True)
class Printed:
    """What a command printed, and how it ended."""

    code: int
    out: str
    error: str


async def command(mailroom: Mailroom, *arguments: str, **changes: str | None) -> Printed:
    """`mailroom` with these arguments, in a process of its own, with the settings of a bot that may run beside it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        cwd=ROOT,
        env=environment(mailroom, **changes),
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(40):
        out, error = await process.communicate()
    return Printed(process.returncode or 0, out.decode(), error.decode())
