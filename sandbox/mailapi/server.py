import asyncio
import contextlib
import secrets
import signal
import sys
from pathlib import Path

import uvloop

from sandbox.mailapi import accounts
from sandbox.mailapi.accounts import Account
from sandbox.mailapi.app import create_app
from sandbox.mailapi.provisioning import DEMO_SPEED, Speed
from sandbox.mailapi.state import open_state
from sandbox.serving import serve

DEMO_CALLER_ID = 123


def run_forever(port: int, state: Path, *, speed: Speed = DEMO_SPEED) -> None:
    """Serve the sandbox on loopback until SIGINT or SIGTERM; its address and an account are printed.

    Raises `OSError` where the port is taken; `port` 0 takes a free one.
    """
    account = demo_account(state)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(port, state, speed, account))


def demo_account(state: Path) -> Account:
    """The oldest account in the state; the first start adds one with a random key."""
    with contextlib.closing(open_state(state)) as db:
        account = accounts.first(db)
        if account is None:
            account = Account(secrets.token_hex(16), DEMO_CALLER_ID)
            accounts.add(db, account)
        return account


async def _serve(port: int, state: Path, speed: Speed, account: Account) -> None:
    async with serve(create_app(state=state, speed=speed), port=port) as url:
        sys.stdout.write(
            f"MailAPI sandbox: {url}/api (documentation: {url}/docs)\n"
            f"API key: {account.key}, caller id: {account.caller_id}\n"
        )
        sys.stdout.flush()
        await _asked_to_stop()


async def _asked_to_stop() -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
