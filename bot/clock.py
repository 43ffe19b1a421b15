"""What time it is, as something that is handed over, so that a test can let a day pass."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The moment, with its zone."""
    return datetime.now(UTC)
