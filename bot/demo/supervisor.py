import asyncio
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

from sandbox import slack

STOP_SECONDS = 5
"""A bot that has not ended by then is killed; nobody waits longer after Ctrl-C."""


class Supervisor:
    """The demo's bot as it really runs, in a process of its own, which is killed and started again on demand.

    It says what it has to say in `log`, or where this process does.
    """

    def __init__(self, log: Path | None = None) -> None:
        self._log = log
        self._environment: Mapping[str, str] | None = None
        self._process: Process | None = None
        self._turn = asyncio.Lock()

    async def start(self, environment: Mapping[str, str]) -> None:
        """Start the bot with these variables, now and whenever it is started again."""
        self._environment = environment
        await self.restart()

    async def restart(self) -> None:
        """End the bot as an operator does, where it runs, and start it; nothing before the first start."""
        async with self._turn:
            await self._end(signal.SIGTERM)
            if self._environment is not None:
                self._process = await self._spawn(self._environment)

    async def kill(self) -> None:
        """End the bot without a word, where it runs."""
        async with self._turn:
            await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End the bot for good."""
        async with self._turn:
            self._environment = None
            await self._end(signal.SIGTERM)

    async def ended(self) -> None:
        """Wait until the bot ends that runs now."""
        if self._process is not None:
            await self._process.wait()

    async def _spawn(self, environment: Mapping[str, str]) -> Process:
        with _output(self._log) as output:
            # In a session of its own: Ctrl-C is the demo's, which ends the bot before the Slack that it talks to.
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot.tethered",
                "run",
                env={**_ours(), **environment},
                stdin=PIPE,
                stdout=DEVNULL if output else None,
                stderr=output,
                start_new_session=True,
            )

    async def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        if process.returncode is None:
            process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def bot_process(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """The bot, for as long as the block."""
    bot = Supervisor()
    await bot.start(environment)
    try:
        yield
    finally:
        await bot.stop()


def variables(folder: Path, slack_url: str, mailapi_url: str) -> dict[str, str]:
    """What a bot between these two servers needs, with its state in `folder`."""
    return {
        "SLACK_BOT_TOKEN": slack.BOT_TOKEN,
        "SLACK_APP_TOKEN": slack.APP_TOKEN,
        "SLACK_API_URL": f"{slack_url}/api/",
        "MAILAPI_URL": f"{mailapi_url}/api",
        "DATABASE_URL": f"sqlite:///{folder / 'mailroom.db'}",
        "MAILROOM_PORT": "0",
        "MAILROOM_LOG_LEVEL": "WARNING",
    }


def _ours() -> dict[str, str]:
    """This process's environment without what would lead the bot elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "MAILROOM_"))}


@contextmanager
def _output(log: Path | None) -> Iterator[IO[bytes] | None]:
    if log is None:
        yield None
        return
    with log.open("ab") as opened:
        yield opened
