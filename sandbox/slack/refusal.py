from typing import Any


class Refused(Exception):
    """Slack says no: `error` is its name for it, `details` what its answer carries besides."""

    def __init__(self, error: str, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.details = details


class Impossible(Exception):
    """A person was to do what Slack's screen does not offer; the text says why."""
