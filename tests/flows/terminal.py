"""A program as somebody starts it in a terminal: it sees one, and Ctrl-C reaches it as it does there."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
_CTRL_C = b"\x03"
_STYLES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_TAKE_OVER = "import os, sys; os.login_tty(int(sys.argv[1])); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
"""Makes the terminal the controlling one of the process, as a login does, and becomes the program."""


class Terminal:
    """The window in which the program runs."""

    def __init__(self, process: Process, master: int) -> None:
        self.process = process
        self._master = master
        self._shown = b""
        self._changed = asyncio.Event()

    @property
    def shown(self) -> str:
        """All that it printed, without colours."""
        return _STYLES.sub("", self._shown.decode(errors="replace")).replace("\r\n", "\n")

    async def shows(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """Wait until it has printed this, or ended without it."""
        try:
            async with asyncio.timeout(seconds):
                while (found := re.search(pattern, self.shown)) is None:
                    assert self.process.returncode is None, self.shown
                    await self._changed.wait()
                    self._changed.clear()
        except TimeoutError:
            raise AssertionError(f"It did not show {pattern!r}: {self.shown}") from None
        return found

    async def ctrl_c(self) -> int:
        """Press Ctrl-C, and give the exit code."""
        os.write(self._master, _CTRL_C)
        return await self.ended()

    async def ended(self) -> int:
        """Wait for the end, which comes within seconds, and give the exit code."""
        async with asyncio.timeout(15):
            return await self.process.wait()

    def read(self) -> None:
        """Take what the program has written."""
        try:
            self._shown += os.read(self._master, 65_536)
        except OSError:  # Linux says so when the last that had the terminal open has gone
            asyncio.get_running_loop().remove_reader(self._master)
        self._changed.set()


@asynccontextmanager
async def terminal(*arguments: str) -> AsyncIterator[Terminal]:
    """`mailroom` with these arguments; it is killed where it has not ended by itself."""
    master, slave = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _TAKE_OVER, str(slave), "-m", "bot", *arguments), cwd=ROOT, pass_fds=(slave,)
    )
    os.close(slave)
    window = Terminal(process, master)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, window.read)
    try:
        yield window
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        loop.remove_reader(master)
        os.close(master)
