import sqlite3
import time
from datetime import UTC, datetime


class Clock:
    """The provider's time: the real one, moved by what was asked for. The move outlives a restart."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        row = db.execute("SELECT ahead FROM clock").fetchone()
        self._ahead: float = row["ahead"] if row else 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the clock; negative seconds move it back."""
        self._ahead += seconds
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO clock (id, ahead) VALUES (1, ?)", (self._ahead,))

    def reset(self) -> None:
        """Show the real time again."""
        self.advance(-self._ahead)


def day(at: float) -> str:
    """The day as the provider writes it, `DD-MM-YYYY`, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%d-%m-%Y")
