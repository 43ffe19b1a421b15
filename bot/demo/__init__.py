"""The demo and the sandboxes, from the command line. The only room of the bot that knows the sandboxes."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console

from bot.demo.folder import Folder, Unusable
from bot.demo.once import show
from bot.demo.playing import NotStarted, play
from bot.demo.supervisor import bot_process
from sandbox import slack
from sandbox.mailapi.server import run_forever as run_mailapi
from sandbox.slack.keeping import Unreadable

sandboxes = typer.Typer(no_args_is_help=True, help="MailAPI and Slack as servers on this machine.")

CANNOT_START = 2

Port = Annotated[int, typer.Option(help="The port on 127.0.0.1; 0 takes a free one.")]


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Play the whole tour as a transcript, check it and end.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what earlier runs left in the folder.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the demo's state is kept between runs.")] = Path(".demo"),
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The page's port, or else the next free one; 0 takes any.")
    ] = 8026,
) -> None:
    """Try the bot in a page: it runs between two servers that stand for Slack and MailAPI, until Ctrl-C.

    With --once, or where the output is no terminal, it plays a tour instead, prints what everybody sees, and ends with
    exit code 0 when what people saw and what MailAPI made are as they should be.
    """
    if once or not sys.stdout.isatty():
        with TemporaryDirectory(prefix="mailroom-demo-") as temporary:
            raise typer.Exit(asyncio.run(show(Path(temporary), Console(), start_bot=bot_process)))
    place = Folder(folder)
    try:
        with place.held(fresh=fresh):
            asyncio.run(play(place, Console(), port=port))
    except Unreadable as error:
        _end(f"{error} Begin anew with `mailroom demo --fresh`.")
    except (NotStarted, Unusable) as error:
        _end(str(error))


def _end(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(CANNOT_START)


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
