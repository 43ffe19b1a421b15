from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout


class Occupied(Exception):
    """Another demo keeps its state in the same folder."""


@dataclass(frozen=True)
class Folder:
    """Where the demo's three keep what outlives them: the Slack, the provider and the bot."""

    path: Path

    @property
    def slack(self) -> Path:
        """The Slack's world."""
        return self.path / "slack.json"

    @property
    def mailapi(self) -> Path:
        """The provider's state."""
        return self.path / "mailapi.db"

    @property
    def log(self) -> Path:
        """What the bot logs."""
        return self.path / "bot.log"

    @property
    def log_of_servers(self) -> Path:
        """What the two servers log."""
        return self.path / "servers.log"

    @contextmanager
    def held(self, *, fresh: bool) -> Iterator[None]:
        """Make the folder, and keep others from it; `fresh` empties it of what demos left. Raises `Occupied`."""
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.path / "demo.lock", timeout=0):
                if fresh:
                    self._empty()
                yield
        except Timeout:
            raise Occupied(
                f"Another demo keeps its state in {self.path} already. Stop it first, or name another --folder."
            ) from None

    def _empty(self) -> None:
        """Remove what a demo makes and nothing else: the folder is named by a person."""
        for pattern in ("slack.json*", "mailapi.db*", "mailroom.db*", "mailroom.key*", "bot.log", "servers.log"):
            for each in self.path.glob(pattern):
                each.unlink()
