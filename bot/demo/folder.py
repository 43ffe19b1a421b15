from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout


class Unusable(Exception):
    """The demo cannot keep its state there; the text says why, and what to do."""


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
        """Make the folder, and keep others from it; `fresh` empties it of what demos left. Raises `Unusable`."""
        lock = FileLock(self.path / "demo.lock", timeout=0)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise Unusable(
                f"Another demo keeps its state in {self.path} already. Stop it first, or name another --folder."
            ) from None
        except OSError as error:
            raise Unusable(f"{self.path} cannot be used: {error.strerror}. Name another --folder.") from None
        try:
            if fresh:
                self._empty()
            yield
        finally:
            lock.release()

    def _empty(self) -> None:
        """Remove what a demo makes and nothing else: the folder is named by a person."""
        for pattern in ("slack.json*", "mailapi.db*", "mailroom.db*", "mailroom.key*", "bot.log", "servers.log"):
            for each in self.path.glob(pattern):
                each.unlink()
