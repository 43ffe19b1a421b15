"""Who is measured: each with its own Slack beside it, as a workspace delivers to whichever socket is open."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks import processes, setting
from benchmarks.setting import DOMAIN, SOCKETS
from sandbox.mailapi import MailAPIControl
from sandbox.slack import ANA, MAIL, SlackControl
from sandbox.slack.seen import Acknowledgement

FLOOR = "Bare WebSocket client"
BOLT = "Bare Bolt, as in its tutorial"
ANSWER = "Mailroom: /mail help"
WRITE = "Mailroom: /mail mailbox create"

HELP = "/mail help"
SETTLE_SECONDS = 30.0
QUIET_SECONDS = 0.1


class Failed(Exception):
    """Something other than speed went wrong, so that nothing can be said about speed."""


@dataclass(frozen=True)
class Contender:
    """`sample` types one command, gives the seconds to its acknowledgement, and returns once nothing is under way."""

    name: str
    sample: Callable[[], Awaitable[float]]


@asynccontextmanager
async def contenders(folder: Path) -> AsyncIterator[list[Contender]]:
    """All four, running and connected, in the order of the report."""
    async with AsyncExitStack() as stack:
        floor = await stack.enter_async_context(_bare("benchmarks.bare_websocket", folder))
        bolt = await stack.enter_async_context(_bare("benchmarks.bare_bolt", folder))
        mailroom = await stack.enter_async_context(_mailroom(folder))
        yield [
            Contender(FLOOR, lambda: _answered(floor)),
            Contender(BOLT, lambda: _answered(bolt)),
            Contender(ANSWER, lambda: _answered(mailroom)),
            Contender(WRITE, _writing(mailroom)),
        ]


@asynccontextmanager
async def _bare(module: str, folder: Path) -> AsyncIterator[SlackControl]:
    async with _slack(folder, module) as slack, processes.running(module, log=folder / module, **setting.tokens(slack)):
        await slack.connected()
        yield slack


@asynccontextmanager
async def _mailroom(folder: Path) -> AsyncIterator[SlackControl]:
    """The bot by its real entry point and with its default settings, with a MailAPI key in force."""
    async with _slack(folder, "mailroom") as slack, _mailapi(folder) as mailapi_url:
        environment = setting.environment(slack, mailapi_url, f"sqlite:///{folder / 'mailroom.db'}")
        async with processes.running("bot", "run", log=folder / "mailroom", **environment):
            await slack.connected(SOCKETS)
            await setting.connect(slack)
            setting.without_gates(environment["DATABASE_URL"])
            yield slack


@asynccontextmanager
async def _slack(folder: Path, beside: str) -> AsyncIterator[SlackControl]:
    async with processes.sandbox("slack", folder / f"slack-{beside}") as url, SlackControl(url) as slack:
        # Slack's limit of one message a second would only stretch the pause between two samples.
        await slack.settings(posts_per_second=1000.0, post_burst=1000)
        yield slack


@asynccontextmanager
async def _mailapi(folder: Path) -> AsyncIterator[str]:
    async with processes.sandbox("mailapi", folder / "mailapi") as url, MailAPIControl(url) as mailapi:
        await setting.open_account(mailapi)
        yield url


async def _answered(slack: SlackControl) -> float:
    return _seconds(await slack.person(ANA).types(MAIL, HELP))


def _writing(slack: SlackControl) -> Callable[[], Awaitable[float]]:
    numbers = count(1)

    async def sample() -> float:
        address = f"m{next(numbers)}@{DOMAIN}"
        before: int = await slack.ask("journal_end")
        acknowledged = await slack.person(ANA).types(MAIL, f"/mail mailbox create {address}")
        if "Asked for" not in acknowledged.text:
            raise Failed(f"A request was not written down: {acknowledged.text}")
        await _settled(slack, address, before)
        return _seconds(acknowledged)

    return sample


def _seconds(acknowledged: Acknowledgement) -> float:
    if not acknowledged.ok:
        raise Failed(f"A command was not acknowledged: {acknowledged.error}")
    return acknowledged.seconds


async def _settled(slack: SlackControl, address: str, seen: int) -> None:
    """Wait until the mailbox is there and the bot is quiet, so that its work does not slow the next sample."""
    deadline = time.monotonic() + SETTLE_SECONDS
    ended = False
    while time.monotonic() < deadline:
        entries = await slack.journal(after=seen, wait=QUIET_SECONDS)
        if ended and not entries:
            return
        seen += len(entries)
        ended = ended or any(_is_completion(entry, address) for entry in entries)
    raise Failed(f"{address} did not settle in {SETTLE_SECONDS} s.")


def _is_completion(entry: dict[str, Any], address: str) -> bool:
    text = str(entry.get("text", ""))
    return bool(entry.get("thread_ts")) and address in text and "created" in text and "not created" not in text


async def pause() -> None:
    """What separates two samples."""
    await asyncio.sleep(0.02)
