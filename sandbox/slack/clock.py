import time


class Clock:
    """Slack's time: the real one, plus what it was advanced by."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once, for everything that expires."""
        self._ahead += seconds
