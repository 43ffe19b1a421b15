"""Processes of our own: started with nothing of ours in their environment, and ended by their process id."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

START_SECONDS = 30.0
STOP_SECONDS = 15.0
OURS = ("SLACK_", "MAILROOM_", "MAILAPI_", "DATABASE_")
"""What the names of a bot's settings begin with."""


class Ended(Exception):
    """A process ended, or did not start in time; the text is the end of what it wrote."""


@asynccontextmanager
async def running(module: str, *arguments: str, log: Path, **environment: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run `python -m module` until the block ends; yields its standard output, which only sandboxes write to.

    What it writes to its standard error is in `log`. Raises `Ended` where it ended by itself.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    with log.open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env=inherited | environment,
        )
        try:
            yield _output(process)
        finally:
            by_itself = process.returncode is not None
            await _end(process)
            if by_itself:
                raise Ended(f"{module} ended by itself: {await end_of(log)}")


@asynccontextmanager
async def sandbox(kind: str, log: Path) -> AsyncIterator[str]:
    """A sandbox, `slack` or `mailapi`; yields its base URL once it serves."""
    async with running("benchmarks.sandboxes", kind, log=log) as output:
        async with asyncio.timeout(START_SECONDS):
            url = (await output.readline()).decode().strip()
        if not url:
            raise Ended(f"The sandbox {kind} did not start: {await end_of(log)}")
        yield url


async def end_of(log: Path) -> str:
    """The last of what a process wrote."""
    return (await asyncio.to_thread(log.read_text))[-2000:]


def _output(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    if process.stdout is None:
        raise RuntimeError("A process was started without its standard output.")
    return process.stdout


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
