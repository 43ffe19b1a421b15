"""`mailroom run` as it is, but for its waits: a lease ends after 2 s, and everything that is shorter than a lease too.

Started as `python -m tests.processes.hurried run`, for tests in which leases of processes run out.
"""

from datetime import timedelta
from functools import partial
from unittest.mock import patch

from aiohttp import ClientTimeout

from bot import __main__ as program
from bot import app, slack_transport
from bot.mailapi import Timeouts
from bot.notices import lost
from bot.pace import Pace
from storage import moves

LEASE = timedelta(seconds=2)
PACE = Pace(
    tick=timedelta(seconds=0.2),
    first_poll=timedelta(seconds=0.1),
    longest_poll=timedelta(seconds=0.5),
    look_kept=timedelta(seconds=0.2),
    ask_after=timedelta(seconds=3),
    longest_retry=timedelta(seconds=1),
    posts=(1000, timedelta(seconds=1)),
)
TIMEOUTS = Timeouts(pool=1, connect=1, write=1, read=1, total=1.5)


def main() -> None:
    """Hurry the program, and run it."""
    with (
        patch.object(moves, "LEASE", LEASE),
        patch.object(lost, "UNKNOWN_FOR", timedelta(seconds=1)),
        patch.object(slack_transport, "TIMEOUT", ClientTimeout(total=1.5)),
        patch.object(program, "running", partial(app.running, pace=PACE, timeouts=TIMEOUTS)),
    ):
        program.main()


if __name__ == "__main__":
    main()
