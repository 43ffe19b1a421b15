"""A line to a server on which bytes get lost without a word: nothing is refused, nothing closed, nothing comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


class Line:
    """What goes over it is passed on until it falls silent.

    A connection that has lost bytes stays silent for ever, as one whose other end is gone; one that is made when the
    line works again works. Only its own end ends it, which the server hears of.
    """

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._silent = False
        self._lost: set[asyncio.StreamWriter] = set()
        self._trigger = b""
        self._open: set[asyncio.StreamWriter] = set()
        self._joined: set[asyncio.Future[Any]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        """Where it begins, for what speaks HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def falls_silent(self) -> None:
        """Lose all that comes from now on, in both directions, on each connection."""
        self._silent = True
        self._lost |= self._open

    def works(self) -> None:
        """Pass on what goes over new connections, and over those that have lost nothing."""
        self._silent = False

    def loses_the_answer_to(self, request: bytes) -> None:
        """Pass on the next request with these bytes, and nothing that comes back on its connection from then on."""
        self._trigger = request

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        yield self
        server.close()
        joined = list(self._joined)
        for task in joined:
            task.cancel()
        await asyncio.gather(*joined, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await self._dial()
        ends = {writer, back}
        self._open |= ends
        if self._silent:
            self._lost |= ends
        task = asyncio.gather(self._pass_on(reader, back, answers=writer), self._pass_on(there, writer))
        self._joined.add(task)
        with suppress(OSError, asyncio.CancelledError):
            await task
        self._joined.discard(task)
        self._open -= ends
        for end in ends:
            end.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: asyncio.StreamWriter | None = None
    ) -> None:
        while data := await reader.read(65_536):
            if answers is not None and self._trigger and self._trigger in data:
                self._trigger = b""
                self._lost.add(answers)
            if writer not in self._lost:
                writer.write(data)
        if answers is not None or writer not in self._lost:
            writer.close()


@asynccontextmanager
async def line_to(url: str) -> AsyncIterator[Line]:
    """A line to an HTTP server."""
    to = urlsplit(url)
    async with Line(lambda: asyncio.open_connection(to.hostname, to.port)).open() as line:
        yield line


@asynccontextmanager
async def line_to_socket(path: str) -> AsyncIterator[Line]:
    """A line to a server that listens on a Unix socket."""
    async with Line(lambda: asyncio.open_unix_connection(path)).open() as line:
        yield line
