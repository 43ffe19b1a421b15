"""`mailroom run` with short leases and time-outs, so that what a killed process leaves is settled within seconds."""

from datetime import timedelta
from functools import partial
from unittest.mock import patch

from bot import __main__ as command_line
from bot.app import running
from bot.mailapi import Timeouts
from bot.notices import lost
from bot.pace import Pace
from storage import moves

PACE = Pace(
    tick=timedelta(seconds=0.1),
    first_poll=timedelta(seconds=0.1),
    longest_retry=timedelta(seconds=2),
    ask_after=timedelta(seconds=4),
    posts=(1000, timedelta(seconds=1)),
)
TIMEOUTS = Timeouts(pool=1, connect=1, write=1, read=1, total=1.5)


def main() -> None:
    """The command line; a lease is longer than a create may take, as it always is."""
    hasty = partial(running, pace=PACE, timeouts=TIMEOUTS)
    with (
        patch.object(moves, "LEASE", timedelta(seconds=3)),
        patch.object(lost, "UNKNOWN_FOR", timedelta(seconds=1)),
        patch.object(command_line, "running", hasty),
    ):
        command_line.main()


if __name__ == "__main__":
    main()
