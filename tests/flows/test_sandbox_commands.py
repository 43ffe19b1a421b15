"""The sandboxes alone, as `mailroom sandbox …` runs them."""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[str]:
    """The command in a process of its own; yields the first line that it prints, and asks it to stop at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "sandbox", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    yield (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
    process.send_signal(signal.SIGTERM)
    await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0


async def test_the_mailapi_sandbox_runs_alone_and_shows_its_openapi(tmp_path: Path) -> None:
    async with running("mailapi", "--port", "0", "--state", str(tmp_path / "state.db")) as printed:
        found = re.search(r"http://127\.0\.0\.1:\d+", printed)
        assert found is not None
        async with aiohttp.ClientSession() as client:
            async with client.get(f"{found[0]}/docs") as page:
                assert page.status == 200
            async with client.get(f"{found[0]}/openapi.json") as described:
                paths = (await described.json())["paths"]
    assert len([path for path in paths if path.startswith("/api/v1/")]) == 8


async def test_the_slack_sandbox_runs_alone() -> None:
    async with running("slack", "--port", "0") as printed:
        found = re.search(r"http://127\.0\.0\.1:\d+/api/", printed)
        token = re.search(r"xoxb-\S+(?=\))", printed)
        assert found is not None
        assert token is not None
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{found[0]}auth.test", headers={"Authorization": f"Bearer {token[0]}"}) as answer,
        ):
            assert (await answer.json())["ok"] is True
