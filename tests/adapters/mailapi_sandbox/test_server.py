import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.mailapi import MailAPIControl

RUN = "import sys, pathlib; from sandbox.mailapi.server import run_forever; run_forever(0, pathlib.Path(sys.argv[1]))"


@asynccontextmanager
async def started(state: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, str]]:
    """The sandbox as a program of its own: the process, its base URL and the demo key that it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, str(state), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        base = re.search(r"http://\S+/api", (await process.stdout.readline()).decode())
        key = re.search(r"API key: ([A-Za-z0-9]{32}), caller id: 123", (await process.stdout.readline()).decode())
        assert base is not None
        assert key is not None
        yield process, base[0], key[1]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_sandbox_runs_alone_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    async with started(tmp_path / "mailapi.sqlite") as (process, base, key):
        async with httpx.AsyncClient(trust_env=False) as client:
            listed = await client.get(f"{base}/v1/list/domain", params={"key": key, "caller_id": 123})
        assert listed.json()["results"] == []
        process.send_signal(number)
        assert await process.wait() == 0


async def test_a_reset_is_a_reset_under_uvloop_too(tmp_path: Path) -> None:
    async with started(tmp_path / "mailapi.sqlite") as (_, base, key):
        async with MailAPIControl(base.removesuffix("/api")) as control:
            await control.fault("list_domain", "reset_after")
        address = urlsplit(base)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(f"GET /api/v1/list/domain?key={key}&caller_id=123 HTTP/1.1\r\nHost: sandbox\r\n\r\n".encode())
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_what_was_accepted_outlives_a_killed_sandbox(tmp_path: Path) -> None:
    async with started(tmp_path / "mailapi.sqlite") as (process, base, key):
        async with httpx.AsyncClient(trust_env=False) as client:
            created = await client.post(f"{base}/v1/create/domain", json={"Domain": "example.com", "key": key})
        assert created.status_code == 200
        process.kill()
        await process.wait()
    async with started(tmp_path / "mailapi.sqlite") as (_, base, key), httpx.AsyncClient(trust_env=False) as client:
        listed = await client.get(f"{base}/v1/list/domain", params={"key": key, "caller_id": 123})
    assert list(listed.json()["results"]) == ["example.com"]


async def test_the_demo_account_stays_the_same_over_restarts(tmp_path: Path) -> None:
    keys = set()
    for _ in range(2):
        async with started(tmp_path / "mailapi.sqlite") as (process, _, key):
            keys.add(key)
            process.send_signal(signal.SIGTERM)
            await process.wait()
    assert len(keys) == 1
