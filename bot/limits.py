"""How much one person and one workspace may ask for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.clock import Clock

MINUTE = timedelta(minutes=1)
MOST_PEOPLE = 10_000
KEPT = timedelta(minutes=5)
"""For so long it is known of a delivery what became of it: Slack repeats what was not acknowledged within that time."""
MOST_REPEATS = 3
"""So often Slack repeats it; whoever delivers it more often is counted for each."""
MOST_KEPT = 10
"""Where somebody types without an end, so many times what is allowed is known of him."""


@dataclass
class _Done:
    at: datetime
    allowed: bool
    repeats: int = 0


@dataclass
class Rate:
    """Counts what each person does within a minute.

    Each process counts what comes to it, and allows its share of `most`: together the `living` allow no more. Slack
    spreads deliveries evenly; a person whose come to one process alone is stopped earlier.
    """

    clock: Clock
    most: int
    living: Callable[[], int]
    _done: dict[tuple[str, str], dict[str, _Done]] = field(default_factory=dict)

    def allows(self, workspace: str, person: str, delivery: str) -> bool:
        """Whether this person may do one thing more, which is counted then; a repeated `delivery` is what it was.

        Of one that was allowed, whatever comes beyond what Slack repeats counts like another one.
        """
        now = self.clock()
        if len(self._done) >= MOST_PEOPLE:
            self._done = {who: done for who, done in self._done.items() if _newest(done) > now - MINUTE}
        done = self._done.setdefault((workspace, person), {})
        known = done.get(delivery)
        if known is not None:
            known.repeats += 1
            if not known.allowed or known.repeats <= MOST_REPEATS:
                return known.allowed
            delivery = f"{delivery} {known.repeats}"
        _forget(done, now - KEPT)
        most = max(1, self.most // max(1, self.living()))
        allowed = sum(each.allowed and each.at > now - MINUTE for each in done.values()) < most
        if allowed or len(done) < MOST_KEPT * most:
            done[delivery] = _Done(now, allowed)
        return allowed


def _newest(done: dict[str, _Done]) -> datetime:
    return next(reversed(done.values())).at


def _forget(done: dict[str, _Done], before: datetime) -> None:
    """Take away what is from `before`."""
    while done and next(iter(done.values())).at <= before:
        del done[next(iter(done))]
