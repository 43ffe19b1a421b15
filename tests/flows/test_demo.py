"""The demo: it ends well when all is as it should be, and says what is missing when it is not."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from bot import app
from bot.demo.once import show
from bot.settings import load


async def test_without_a_terminal_the_demo_shows_the_main_job_and_ends_with_0() -> None:
    shown = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "demo", stdout=asyncio.subprocess.PIPE, env=dict(os.environ)
    )
    output, _ = await asyncio.wait_for(shown.communicate(), 60)
    text = output.decode()
    assert shown.returncode == 0, text
    assert "Ben: /mail mailbox bulk example.com team 25" in text
    assert "#mail ↳" in text
    assert "Mailbox could not be provisioned." in text
    assert "All as it should be" in text


@asynccontextmanager
async def bot_without_worker(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """A bot that takes and acknowledges commands, and whose machine's half is switched off."""
    settings = load(**{name.lower(): value for name, value in environment.items()})
    async with app.running(settings) as bot:
        await bot.worker.stop(0)
        yield


async def test_the_demo_fails_and_says_what_is_missing_where_the_worker_is_switched_off(tmp_path: Path) -> None:
    console = Console()
    with console.capture() as captured:
        code = await show(tmp_path, console, start_bot=bot_without_worker, patience=1)
    assert code == 1
    assert "Missing: Nobody saw a direct message that says “Connected”" in captured.get()
