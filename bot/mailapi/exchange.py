"""One request to MailAPI and what came back. The only file that knows httpx."""

import asyncio
import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from bot.mailapi.credentials import Credentials

HEADERS = {"Accept": "application/json", "User-Agent": "Mailroom"}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: for a place among the connections, connecting, each write, each read, and for all of it together."""

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
            session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
            transport = await stack.enter_async_context(AiohttpTransport(verify=tls, client=session))
            creates = _client(base_url, timeouts, httpx.AsyncHTTPTransport(verify=tls, limits=limits))
            await stack.enter_async_context(creates)
            yield cls(reads=Reads(transport, base_url, timeouts), creates=creates, total=timeouts.total, heard=heard)

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
            async with asyncio.timeout(self._total):
                response = await self._reads.get(path, {"key": credentials.key, **parameters})
        except Exception as error:  # noqa: BLE001  any type may come, even a raw aiohttp one, and each holds the URL
            return Silence(_told(error), unsent=False)
        return _reply(response, credentials)

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
        return _reply(response, credentials)


class Reads:
    """GETs over a transport, without httpx's client.

    We use nothing of what that adds to each request (merged URLs, cookies, redirects, authentication), and it takes
    longer than the request.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, base_url: str, timeouts: Timeouts) -> None:
        self._transport = transport
        self._base_url = base_url.rstrip("/")
        self._headers = httpx.Headers({**HEADERS, "Accept-Encoding": "gzip, deflate"})
        self._extensions = {"timeout": _timeout(timeouts).as_dict()}

    async def get(self, path: str, parameters: Mapping[str, str | int]) -> httpx.Response:
        """The whole answer to GET `path` with `parameters` in the query."""
        url = f"{self._base_url}{path}?{urlencode(parameters)}"
        request = httpx.Request("GET", url, headers=self._headers, extensions=self._extensions)
        response = await self._transport.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response


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


def _reply(response: httpx.Response, credentials: Credentials) -> Reply:
    asks = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
    retry_after = response.headers.get("Retry-After") if asks else None
    return Reply(response.status_code, retry_after, credentials.masked(response.content))


def _out_of_order(outcome: Reply | Silence) -> str | None:
    if isinstance(outcome, Silence):
        return outcome.reason
    return f"HTTP {outcome.status}" if outcome.status >= HTTPStatus.INTERNAL_SERVER_ERROR else None


def _told(error: Exception) -> str:
    """What happened, in our own words and the type's name: the exception's text may hold the URL."""
    late = isinstance(error, TimeoutError | httpx.TimeoutException)
    return f"{'MailAPI took too long' if late else 'MailAPI cannot be reached'} ({type(error).__name__})."
