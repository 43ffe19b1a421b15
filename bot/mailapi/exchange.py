"""One request to MailAPI and what came back. The only file that knows httpx and aiohttp."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self

import aiohttp
import httpx

from bot.mailapi.credentials import Credentials

HEADERS = {"Accept": "application/json", "User-Agent": "Mailroom"}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: for a create's place among the connections, connecting, each write, each read, and for all together.

    A read waits for its place before its time begins: it is ours to wait, not MailAPI's to be blamed for.
    """

    pool: float = 10
    connect: float = 5
    write: float = 10
    read: float = 20
    total: float = 45


DEFAULT_TIMEOUTS = Timeouts()


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP answer; `body` is decompressed and does not hold the key.

    `retry_after` is the bare header of one that asks for a pause.
    """

    status: int
    retry_after: str | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Silence:
    """No complete answer; `unsent` only where it is certain that no byte of the request has left."""

    reason: str
    unsent: bool


Heard = Callable[[str | None], None]
"""Told what is wrong with MailAPI, or that nothing is."""

Depart = Callable[[], Awaitable[bool]]
"""Asked once a create's connection stands, right before its first byte leaves; false keeps the create back."""


class Exchange:
    """Sends reads and creates, each over its own transport, and turns every failure into a value.

    Nothing is raised but cancellation: the libraries' exceptions hold URLs, and an error that is raised while one
    of them is handled would carry it along as its context. The key is known to the two innermost functions alone,
    so that it is not among the variables of any frame in the traceback of an error that we raise ourselves.
    """

    def __init__(self, *, reads: "Reads", creates: httpx.AsyncClient, total: float, heard: Heard | None = None) -> None:
        self._heard = heard
        self._reads = reads
        self._creates = creates
        self._total = total
        self._depart: Depart | None = None

    def departing(self, depart: Depart) -> Self:
        """The same connections, over which nothing is created without asking `depart` first."""
        asking = copy.copy(self)
        asking._depart = depart  # noqa: SLF001 - it is one of us
        return asking

    @classmethod
    @asynccontextmanager
    async def open(
        cls, base_url: str, timeouts: Timeouts, connections: int, heard: Heard | None = None
    ) -> AsyncIterator[Self]:
        """Both clients, each with at most `connections` connections; they are closed at the end.

        `heard` is given what came of each request: `None` where there was a usable sign of life, else a few words.

        Proxies of the environment are left aside, and cookies are refused: those of one account must not
        travel with the key of another.
        """
        tls = httpx.create_ssl_context()
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=0)
        async with AsyncExitStack() as stack:
            connector = aiohttp.TCPConnector(limit=connections, ssl=tls)
            reads = await stack.enter_async_context(_session(timeouts, connector))
            creates = _client(base_url, timeouts, httpx.AsyncHTTPTransport(verify=tls, limits=limits))
            await stack.enter_async_context(creates)
            yield cls(reads=Reads(reads, base_url, connections), creates=creates, total=timeouts.total, heard=heard)

    async def read(self, path: str, credentials: Credentials, parameters: Mapping[str, str | int]) -> Reply | Silence:
        """GET `path` with the key and `parameters` in the query."""
        return self._noted(await self._read(path, credentials, parameters))

    async def create(self, path: str, credentials: Credentials, body: Mapping[str, Any]) -> Reply | Silence:
        """POST `body` and the key as JSON, once, on a connection of its own."""
        return self._noted(await self._create(path, credentials, body))

    def _noted(self, outcome: Reply | Silence) -> Reply | Silence:
        if self._heard is not None:
            self._heard(_out_of_order(outcome))
        return outcome

    async def _read(self, path: str, credentials: Credentials, parameters: Mapping[str, str | int]) -> Reply | Silence:
        try:
            status, headers, body = await self._reads.get(path, {"key": credentials.key, **parameters})
        except Exception as error:  # noqa: BLE001  any type may come, and each holds the URL
            return Silence(_told(error), unsent=False)
        return _reply(status, headers, body, credentials)

    async def _create(self, path: str, credentials: Credentials, body: Mapping[str, Any]) -> Reply | Silence:
        request = self._creates.build_request(
            "POST",
            path,
            # In ASCII, as any text can then be encoded: an encoding error would hold the whole body.
            content=json.dumps({**body, "key": credentials.key}).encode(),
            headers={"Content-Type": "application/json", "Connection": "close"},
        )
        progress = Progress(self._depart)
        request.extensions["trace"] = progress.note
        total = asyncio.timeout(self._total)
        try:
            async with total:
                response = await self._creates.send(request)
        except Exception as error:  # noqa: BLE001  whatever went wrong, the request may have arrived
            never_connected = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
            in_time = never_connected or total.expired() or progress.asked
            return Silence(_told(error), unsent=not progress.sending and in_time)
        return _reply(response.status_code, response.headers, response.content, credentials)


class Reads:
    """GETs, which are most of what is asked and may be asked again: over aiohttp, which is several times as fast.

    Where the answer to a create was lost, httpx tells more honestly what had left by then; a read need not know.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str, at_once: int) -> None:
        self._session = session
        self._places = asyncio.Semaphore(at_once)
        self._base_url = base_url.rstrip("/")

    async def get(self, path: str, parameters: Mapping[str, str | int]) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and the whole body of the answer to GET `path` with `parameters` in the query."""
        url = f"{self._base_url}{path}"
        async with self._places, self._session.get(url, params=parameters, allow_redirects=False) as response:
            return response.status, response.headers, await response.read()


class KeptBack(Exception):
    """Whoever was asked did not let the request leave."""


class Progress:
    """Whether a request has begun to leave, as httpcore's own trace tells it; the last moment before is ours.

    The exceptions cannot tell it alone: the total time-out looks the same in the queue for a connection, while
    connecting, and while waiting for the answer.
    """

    def __init__(self, depart: Depart | None = None) -> None:
        self._depart = depart
        self.asked = False
        self.sending = False

    async def note(self, event: str, _info: object) -> None:
        """Take one event of the trace; only those of making the connection come before the first byte.

        Raises `KeptBack`, which ends the request, where it must not leave.
        """
        if self.asked or event.startswith(("connection.connect_tcp.", "connection.start_tls.")):
            return
        self.asked = True
        self.sending = self._depart is None or await self._depart()
        if not self.sending:
            raise KeptBack


def _session(timeouts: Timeouts, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        headers={**HEADERS, "Accept-Encoding": "gzip, deflate"},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=timeouts.total, sock_connect=timeouts.connect, sock_read=timeouts.read),
    )


def _client(base_url: str, timeouts: Timeouts, transport: httpx.AsyncBaseTransport) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=base_url,
        transport=transport,
        headers=HEADERS,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=_timeout(timeouts),
        trust_env=False,
    )


def _timeout(timeouts: Timeouts) -> httpx.Timeout:
    return httpx.Timeout(pool=timeouts.pool, connect=timeouts.connect, write=timeouts.write, read=timeouts.read)


def _reply(status: int, headers: Mapping[str, str], body: bytes, credentials: Credentials) -> Reply:
    retry_after = headers.get("Retry-After") if status == HTTPStatus.TOO_MANY_REQUESTS else None
    return Reply(status, retry_after, credentials.masked(body))


def _out_of_order(outcome: Reply | Silence) -> str | None:
    if isinstance(outcome, Silence):
        return outcome.reason
    return f"HTTP {outcome.status}" if outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR else None


def _told(error: Exception) -> str:
    """What happened, in our own words and the type's name: the exception's text may hold the URL."""
    late = isinstance(error, TimeoutError | httpx.TimeoutException)
    return f"{'MailAPI took too long' if late else 'MailAPI cannot be reached'} ({type(error).__name__})."
