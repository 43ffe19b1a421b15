"""What is out of order outside: noticed once when it begins, once when it ends, shown meanwhile, and spared."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock, utc_now
from bot.pace import retry_after

log = structlog.get_logger(__name__)

DATABASE, SLACK, MAILAPI, SOCKET_MODE = "database", "slack", "mailapi", "socket_mode"
WORKER = "worker"
"""Not outside: a part of the tick that fails for everybody."""
FAILURES = 3
"""So many failures in a row are an outage; fewer are what a network does."""
PROBES = 2
"""How much is tried at a time while an outage lasts, however much waits."""
LONGEST_WAIT = timedelta(seconds=10)
"""How long nothing is tried, at the longest: an end is noticed that soon."""


@dataclass
class Outages:
    """Counts what fails and what works, by name of the outside."""

    clock: Clock = utc_now
    _failures: Counter[str] = field(default_factory=Counter)
    _causes: dict[str, str] = field(default_factory=dict)
    _next_try: dict[str, datetime] = field(default_factory=dict)

    def failed(self, what: str, cause: str) -> None:
        """Something failed; `cause` is a few words without a URL, a key or a name."""
        self._failures[what] += 1
        if self._failures[what] < FAILURES:
            return
        if what not in self._causes:
            log.error("an outage begins", outside=what, cause=cause)
            self._wait(what)
        self._causes[what] = cause

    def works(self, what: str) -> None:
        """Something worked."""
        self._failures.pop(what, None)
        self._next_try.pop(what, None)
        if self._causes.pop(what, None) is not None:
            log.info("an outage ends", outside=what)

    def doubtful(self, what: str) -> bool:
        """Whether the last that was heard of it was a failure."""
        return self._failures[what] > 0

    def lasts(self, what: str) -> bool:
        """Whether there is an outage of it now."""
        return what in self._causes

    def room(self, what: str, most: int) -> int:
        """How many of `most` may be tried now: all, or in an outage a few, and these with growing pauses between."""
        if what not in self._causes:
            return most
        if self.clock() < self._next_try[what]:
            return 0
        self._wait(what)
        return min(most, PROBES)

    def _wait(self, what: str) -> None:
        pause = retry_after(self._failures[what] - FAILURES + 1)
        self._next_try[what] = self.clock() + min(pause, LONGEST_WAIT)

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
