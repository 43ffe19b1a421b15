import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from rich.console import Console

from bot.demo.supervisor import variables
from sandbox import mailapi, slack
from sandbox.mailapi.provisioning import Speed
from sandbox.mailapi.server import demo_account
from sandbox.serving import serve
from sandbox.tour import Missing, Tour
from sandbox.transcript import Transcript

SPEED = Speed(mailbox_seconds=0.1, domain_seconds=0.5)
START_SECONDS = 20.0
MISSING = 1

StartBot = Callable[[Mapping[str, str]], AbstractAsyncContextManager[None]]
"""Starts a bot with these environment variables, and ends it with the block."""


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
        environment = variables(folder, slack_url, mailapi_url)
        async with start_bot(environment), Transcript(workspace, console).printing():
            await asyncio.wait_for(workspace.connected(1), START_SECONDS)
            problem = await _problem(Tour(workspace, provider, account.key, account.caller_id, patience))
    if problem is None:
        console.print("\n[bold green]All as it should be:[/] what people saw, and what MailAPI made.")
        return 0
    console.print(f"\n[bold red]Missing:[/] {problem}")
    return MISSING


async def _problem(tour: Tour) -> str | None:
    try:
        await tour.play()
    except Missing as missing:
        return str(missing)
    return None
