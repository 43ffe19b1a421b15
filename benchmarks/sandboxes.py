"""A sandbox as a process of its own: `python -m benchmarks.sandboxes slack|mailapi` prints its address and serves."""

import asyncio
import signal
import sys
from typing import Any

import uvloop

from sandbox.mailapi import Speed
from sandbox.mailapi import create_app as mailapi
from sandbox.serving import serve
from sandbox.slack import create_app as slack

QUICK = Speed(mailbox_seconds=0.01)
"""MailAPI's queue is not what is measured."""


async def main(app: Any) -> None:
    """Serve `app` on a free port of loopback until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(app) as url:
        print(url, flush=True)
        await stop.wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(slack() if sys.argv[1] == "slack" else mailapi(speed=QUICK)))
