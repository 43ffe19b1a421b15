"""When to look again."""

import random
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Pace:
    """The machine's intervals; the defaults are those that the documentation promises."""

    tick: timedelta = timedelta(seconds=0.5)
    first_poll: timedelta = timedelta(seconds=1)
    longest_poll: timedelta = timedelta(seconds=30)
    late_plan: timedelta = timedelta(seconds=2)
    look_kept: timedelta = timedelta(seconds=2)
    ask_after: timedelta = timedelta(seconds=60)
    """How long an unknown create is looked for before a person is asked."""
    watch_for: timedelta = timedelta(hours=24)
    posts: tuple[int, timedelta] = (4, timedelta(seconds=4))
    """How many messages a channel gets within some time: Slack takes one a second, and short bursts."""
    longest_retry: timedelta = timedelta(seconds=60)
    look_for_removals: timedelta = timedelta(minutes=1)
    """How often it is looked whose turn it is that Slack is asked whether the bot was removed there."""

    def next_poll(self, age: timedelta) -> timedelta:
        """A tenth of the task's age, within the bounds; the jitter only shortens, so that a bound stays one."""
        wait = min(max(self.first_poll, age / 10), self.longest_poll)
        return wait * random.uniform(0.9, 1.0)  # noqa: S311 - jitter is no secret


DEFAULT_PACE = Pace()
MOST_FAULTS = 3
"""How often work on a row may fail in a way that nobody foresaw before it is set aside."""


def retry_after(attempts: int, pace: Pace = DEFAULT_PACE, *, at_least: timedelta = timedelta()) -> timedelta:
    """A wait that doubles with each attempt from 1 s on, up to a minute, shortened by up to a quarter.

    Never shorter than `at_least`, as where a pause was asked for.
    """
    wait = min(timedelta(seconds=2 ** min(attempts, 10)) / 2, pace.longest_retry)
    return max(wait * random.uniform(0.75, 1.0), at_least)  # noqa: S311 - jitter is no secret
