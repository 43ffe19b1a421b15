import asyncio
import errno
import logging
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console

from bot import manifest
from bot.commands import COMMANDS
from bot.demo.folder import Folder
from bot.demo.supervisor import Supervisor, variables
from sandbox import mailapi, slack
from sandbox.mailapi.accounts import Account
from sandbox.mailapi.provisioning import DEMO_SPEED, Speed
from sandbox.mailapi.server import demo_account
from sandbox.playing import playground
from sandbox.serving import serve
from sandbox.slack.playground import Playground, Usage
from sandbox.tour import Missing, Tour

TOUR_SPEED = Speed(mailbox_seconds=0.02, domain_seconds=0.2)
"""The tour is over before somebody gets impatient; afterwards the provider is slow enough to be watched."""
PATIENCE_SECONDS = 15.0
START_SECONDS = 30.0
NEXT_PORTS = 20
LOGGING = {"MAILROOM_LOG_LEVEL": "INFO", "MAILROOM_LOG_FORMAT": "console"}
"""There is a file for it."""


class NotStarted(Exception):
    """The demo cannot begin; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What is played on: both servers and the bot, as they run."""

    folder: Folder
    account: Account
    slack_url: str
    mailapi_url: str
    slack: slack.SlackControl
    mailapi: mailapi.MailAPIControl
    bot: Supervisor


async def play(folder: Folder, console: Console, *, port: int) -> None:
    """Serve the page until SIGINT or SIGTERM; a folder without messages gets the tour first. Raises `NotStarted`."""
    _log_into(folder.log_of_servers)
    with _until_asked_to_stop():
        async with _set_up(folder, port) as stage:
            if await _is_empty(stage.slack):
                console.print("Playing a short tour, so that the page is not empty …")
                await _play_tour(stage, console)
            _tell(stage, console)
            await asyncio.Event().wait()


def _log_into(file: Path) -> None:
    """What the servers have to say goes there: the terminal is for the person."""
    logging.basicConfig(filename=file, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")


@contextmanager
def _until_asked_to_stop() -> Iterator[None]:
    """End the block at the first SIGINT or SIGTERM; the ones after it change nothing about how it ends."""
    loop, block = asyncio.get_running_loop(), asyncio.current_task()
    asked = False

    def end() -> None:
        nonlocal asked
        if not asked and block is not None:
            asked = True
            block.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        yield
    except asyncio.CancelledError:
        if not asked:
            raise


@asynccontextmanager
async def _set_up(folder: Folder, port: int) -> AsyncIterator[Stage]:
    """Start everything that the folder's state belongs to, and end it with the block, the bot first."""
    account = demo_account(folder.mailapi)
    bot = Supervisor(folder.log)
    async with AsyncExitStack() as stack:
        provider_app = mailapi.create_app(state=folder.mailapi, speed=DEMO_SPEED)
        mailapi_url = await stack.enter_async_context(serve(provider_app))
        provider = await stack.enter_async_context(mailapi.MailAPIControl(mailapi_url))
        app = slack.create_app(playground=_playground(provider, bot), file=folder.slack)
        slack_url = await _serve_near(stack, app, port)
        workspace = await stack.enter_async_context(slack.SlackControl(slack_url))
        stack.push_async_callback(bot.stop)
        await bot.start(variables(folder.path, slack_url, mailapi_url) | LOGGING)
        await _connected(workspace, bot, folder)
        yield Stage(
            folder=folder,
            account=account,
            slack_url=slack_url,
            mailapi_url=mailapi_url,
            slack=workspace,
            mailapi=provider,
            bot=bot,
        )


def _playground(provider: mailapi.MailAPIControl, bot: Supervisor) -> Playground:
    return playground(
        provider,
        kill_bot=bot.kill,
        restart_bot=bot.restart,
        usages=tuple(Usage(usage=each.usage, summary=each.summary, example=each.example) for each in COMMANDS),
        manifest=yaml.safe_load(manifest.text()),
    )


async def _serve_near(stack: AsyncExitStack, app: slack.SlackApp, port: int) -> str:
    """Serve at `port`, or at the next one that is free; gives the base URL."""
    for candidate in (*range(port, min(port + NEXT_PORTS, 65_536)), 0):
        try:
            return await stack.enter_async_context(serve(app, port=candidate, leave=app.leave))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise NotStarted(f"Port {candidate} cannot be used: {error.strerror}.") from None
    raise NotStarted("No port is free.")


async def _connected(workspace: slack.SlackControl, bot: Supervisor, folder: Folder) -> None:
    """Wait until the bot is there; raises `NotStarted` where it ends or stays away instead."""
    connecting, ending = asyncio.create_task(workspace.connected(1)), asyncio.create_task(bot.ended())
    try:
        await asyncio.wait([connecting, ending], timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            raise NotStarted(f"The bot did not start; {folder.log} says why.")
        await connecting
    finally:
        connecting.cancel()
        ending.cancel()


async def _is_empty(workspace: slack.SlackControl) -> bool:
    """Whether nothing was ever said to Ana or by her, who begins the tour."""
    ana = workspace.person(slack.ANA)
    return not await ana.sees(slack.MAIL) and not await ana.direct_messages()


async def _play_tour(stage: Stage, console: Console) -> None:
    """Play what the page begins with; what goes wrong is told, and the page shows how far it came."""
    provider, account = stage.mailapi, stage.account
    await provider.add_domain(account.key, "example.com", quota="200GB")
    await provider.set_speed(mailbox_seconds=TOUR_SPEED.mailbox_seconds, domain_seconds=TOUR_SPEED.domain_seconds)
    try:
        await Tour(stage.slack, provider, account.key, account.caller_id, PATIENCE_SECONDS).play_short()
    except Missing as missing:
        console.print(f"[bold red]The tour did not come to its end:[/] {missing}")
    await provider.set_speed(mailbox_seconds=DEMO_SPEED.mailbox_seconds, domain_seconds=DEMO_SPEED.domain_seconds)


def _tell(stage: Stage, console: Console) -> None:
    """Say where everything is, the page first."""
    account, folder = stage.account, stage.folder
    lines = [
        f"\n[bold]Mailroom to try:[/] [bold cyan]{stage.slack_url}/[/]\n",
        f"MailAPI's stand-in: {stage.mailapi_url}/docs",
        f"Its key for /mail connect: {account.key}, caller id {account.caller_id}",
        f"State and logs: {folder.path} (begin anew with --fresh)\n",
        "Ctrl-C ends it.",
    ]
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)
