"""What is out of order outside: noticed once when it begins, once when it ends, and shown meanwhile."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger(__name__)

DATABASE, SLACK, MAILAPI = "database", "slack", "mailapi"
FAILURES = 3
"""So many failures in a row are an outage; fewer are what a network does."""


@dataclass
class Outages:
    """Counts what fails and what works, by name of the outside."""

    _failures: Counter[str] = field(default_factory=Counter)
    _causes: dict[str, str] = field(default_factory=dict)

    def failed(self, what: str, cause: str) -> None:
        """Something failed; `cause` is a few words without a URL, a key or a name."""
        self._failures[what] += 1
        if self._failures[what] < FAILURES:
            return
        if what not in self._causes:
            log.error("an outage begins", outside=what, cause=cause)
        self._causes[what] = cause

    def works(self, what: str) -> None:
        """Something worked."""
        self._failures.pop(what, None)
        if self._causes.pop(what, None) is not None:
            log.info("an outage ends", outside=what)

    def about(self, what: str) -> Callable[[str | None], None]:
        """Something that is told what is wrong with one of them, or `None`."""

        def heard(cause: str | None) -> None:
            if cause is None:
                self.works(what)
            else:
                self.failed(what, cause)

        return heard

    def causes(self) -> dict[str, str]:
        """What is out of order now, and why."""
        return dict(self._causes)
