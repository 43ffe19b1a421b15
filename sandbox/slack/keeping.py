"""The world as a file, so that a Slack outlives its process: all of it in one JSON text, replaced whole."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sandbox.slack.platform import Platform
from sandbox.slack.world import World

LOOK_SECONDS = 1.0
"""How soon a change is noticed that leaves no entry in the journal."""
PAUSE_SECONDS = 0.1
"""What happens within this time of a write waits for the next."""

_WORLD = TypeAdapter(World)
# An open form does not outlive the program that shows it.
_SCREENS = {"workspaces": {"__all__": {"views", "screens"}}}


class Unreadable(Exception):
    """The file holds no world; the text is a sentence that names it."""


def read(file: Path) -> World | None:
    """The world in `file`, or `None` where there is no such file; raises `Unreadable`."""
    try:
        return _WORLD.validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise Unreadable(f"{file} cannot be read as a Slack workspace.") from None


@asynccontextmanager
async def kept(platform: Platform, file: Path | None) -> AsyncIterator[None]:
    """Write the platform's world into `file` soon after each change, and at the end of the block; `None`: nowhere."""
    if file is None:
        yield
        return
    keeper = _Keeper(platform, file)
    keeping = asyncio.create_task(keeper.keep())
    try:
        yield
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        keeper.write()


class _Keeper:
    def __init__(self, platform: Platform, file: Path) -> None:
        self._platform = platform
        self._file = file
        self._written = b""

    async def keep(self) -> None:
        """Write after each change, until cancelled."""
        while True:
            journal = self._platform.journal
            end = len(journal.entries)
            self.write()
            await asyncio.sleep(PAUSE_SECONDS)
            await journal.wait_after(end, LOOK_SECONDS)

    def write(self) -> None:
        """Write the world as it is now, where it is another than what was written last."""
        text = _WORLD.dump_json(self._platform.world, exclude=_SCREENS)
        if text != self._written:
            _replace(self._file, text)
            self._written = text


def _replace(file: Path, content: bytes) -> None:
    """Whoever reads `file`, at any moment or after a crash, finds the old content or the new."""
    draft = file.with_name(f"{file.name}.new")
    draft.write_bytes(content)
    draft.replace(file)
