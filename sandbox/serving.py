"""Serve an ASGI application on loopback, inside the running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

LOOPBACK = "127.0.0.1"
KEEP_ALIVE_SECONDS = 60
"""Longer than aiohttp keeps an idle connection, so that a client never writes on one that is just being closed."""


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to the program that started it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serve(app: Any, *, port: int = 0, leave: Callable[[], None] | None = None) -> AsyncIterator[str]:
    """Serve `app` on loopback until the block ends; yields its base URL without a trailing slash.

    At the end, `leave` is called first, and what is being answered then has a second. `port` 0 takes a free one.
    Raises `OSError` where the port is taken.
    """
    # Named as TCP, so that asyncio turns Nagle's algorithm off: else each answer waits about 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        config = uvicorn.Config(
            app,
            ws="websockets-sansio",
            http="httptools",
            lifespan="on",
            log_config=None,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                if serving.done():
                    await serving
                    raise RuntimeError("The server stopped while it was starting.")
                await asyncio.sleep(0.005)
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            if leave is not None:
                leave()
            server.should_exit = True
            await serving
