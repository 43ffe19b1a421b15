"""The bot as the process that is killed."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.processes import OURS, STOP_SECONDS, Ended, end_of


class Victim:
    """`mailroom run` as a process, as often as it is started; what it logs is in the file `log`."""

    def __init__(self, environment: Mapping[str, str], log: Path, *, module: str = "bot") -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self._environment = {**inherited, **environment, "MAILROOM_LOG_FORMAT": "json"}
        self._log = log
        self._module = module
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Begin to start it."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", self._module, "run", stdout=log, stderr=log, env=self._environment
            )

    async def kill(self) -> None:
        """End it with SIGKILL; raises `Ended` where it had ended by itself."""
        await self.must_be_running()
        if self._process is not None:
            self._process.kill()
            await self._process.wait()

    def freeze(self) -> None:
        """Let it stand still."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on as if no time had passed."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def must_be_running(self) -> None:
        """Raise `Ended`, with the end of its log, where it has ended by itself."""
        if self._process is not None and self._process.returncode is not None:
            raise Ended(f"The bot ended by itself: {await end_of(self._log)}")

    async def stop(self) -> None:
        """End it as an operator does, where it runs."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
