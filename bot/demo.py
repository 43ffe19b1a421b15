"""The demo and the sandboxes, from the command line. The only module of the bot that knows the sandboxes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from sandbox import mailapi, slack
from sandbox.mailapi.provisioning import Speed
from sandbox.mailapi.server import demo_account
from sandbox.mailapi.server import run_forever as run_mailapi
from sandbox.serving import serve
from sandbox.tour import Missing, Tour
from sandbox.transcript import Transcript

sandboxes = typer.Typer(no_args_is_help=True, help="MailAPI and Slack as servers on this machine.")

SPEED = Speed(mailbox_seconds=0.1, domain_seconds=0.5)
STOP_SECONDS = 12
START_SECONDS = 20.0
MISSING = 1

StartBot = Callable[[Mapping[str, str]], AbstractAsyncContextManager[None]]
"""Starts a bot with these environment variables, and ends it with the block."""

Port = Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 takes a free one.")]


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the tour and end.")] = False,  # noqa: FBT002 - Typer's flag
) -> None:
    """Show the bot at its main job, between two servers that stand for Slack and MailAPI.

    Ends with exit code 0 when what people saw and what MailAPI made are as they should be.
    """
    del once  # the tour is all there is so far; a page to try the bot in will be the default
    with TemporaryDirectory(prefix="mailroom-demo-") as folder:
        raise typer.Exit(asyncio.run(show(Path(folder), Console(), start_bot=bot_process)))


async def show(folder: Path, console: Console, *, start_bot: StartBot, patience: float = 15.0) -> int:
    """Play the tour and print it as it happens; gives the exit code: 0, or 1 with what is missing printed."""
    state = folder / "mailapi.db"
    account = demo_account(state)
    async with (
        serve(mailapi.create_app(state=state, speed=SPEED)) as mailapi_url,
        serve(slack.create_app()) as slack_url,
        mailapi.MailAPIControl(mailapi_url) as provider,
        slack.SlackControl(slack_url) as workspace,
    ):
        await provider.add_domain(account.key, "example.com", quota="20GB")
        environment = _environment(folder, slack_url, mailapi_url)
        async with start_bot(environment), Transcript(workspace, console).printing():
            await asyncio.wait_for(workspace.connected(1), START_SECONDS)
            tour = Tour(workspace, provider, account.key, account.caller_id, patience)
            problem = await _play(tour)
    if problem is None:
        console.print("\n[bold green]All as it should be:[/] what people saw, and what MailAPI made.")
        return 0
    console.print(f"\n[bold red]Missing:[/] {problem}")
    return MISSING


async def _play(tour: Tour) -> str | None:
    try:
        await tour.play()
    except Missing as missing:
        return str(missing)
    return None


def _environment(folder: Path, slack_url: str, mailapi_url: str) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": slack.BOT_TOKEN,
        "SLACK_APP_TOKEN": slack.APP_TOKEN,
        "SLACK_API_URL": f"{slack_url}/api/",
        "MAILAPI_URL": f"{mailapi_url}/api",
        "DATABASE_URL": f"sqlite:///{folder / 'mailroom.db'}",
        "MAILROOM_PORT": "0",
        "MAILROOM_LOG_LEVEL": "WARNING",
    }


@asynccontextmanager
async def bot_process(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """The bot as it really runs: `mailroom run` in a process of its own."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "MAILROOM_"))}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bot", "run", env={**ours, **environment})
    try:
        yield
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


@sandboxes.command(name="mailapi")
def run_mailapi_sandbox(
    port: Port = 8025,
    state: Annotated[Path, typer.Option(help="The file that keeps its state.")] = Path("mailapi-sandbox.db"),
) -> None:
    """Serve MailAPI, with its queue, until Ctrl-C."""
    run_mailapi(port, state)


@sandboxes.command(name="slack")
def run_slack_sandbox(port: Port = 8026) -> None:
    """Serve a Slack workspace until Ctrl-C."""
    slack.run_forever(port, ready=lambda url: typer.echo(f"Slack sandbox: {url}/api/ (token {slack.BOT_TOKEN})"))
