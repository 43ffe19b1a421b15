"""Nothing but polling: `python -m benchmarks.bare_polling httpx|aiohttp URL COUNT` asks so often, 50 at a time."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import aiohttp
import httpx

AT_ONCE = 50


async def main(library: str, url: str, count: int) -> None:
    """Print the seconds that it takes, and wait to be ended."""
    async with AsyncExitStack() as stack:
        if library == "httpx":
            limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
            get = _by_httpx(await stack.enter_async_context(httpx.AsyncClient(limits=limits)), url)
        else:
            connector = aiohttp.TCPConnector(limit=AT_ONCE)
            get = _by_aiohttp(await stack.enter_async_context(aiohttp.ClientSession(connector=connector)), url)
        await _ask(get, AT_ONCE)  # connections are opened before the clock runs
        started = time.perf_counter()
        await _ask(get, count)
        print(time.perf_counter() - started, flush=True)
        await asyncio.Event().wait()


async def _ask(get: Callable[[], Awaitable[object]], count: int) -> None:
    left = iter(range(count))

    async def one_after_the_other() -> None:
        for _ in left:
            await get()

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


def _by_httpx(client: httpx.AsyncClient, url: str) -> Callable[[], Awaitable[object]]:
    async def get() -> object:
        return (await client.get(url)).raise_for_status().json()

    return get


def _by_aiohttp(session: aiohttp.ClientSession, url: str) -> Callable[[], Awaitable[object]]:
    async def get() -> object:
        async with session.get(url, raise_for_status=True) as answer:
            return await answer.json()

    return get


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
