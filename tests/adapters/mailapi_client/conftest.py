"""Scripted peers on loopback sockets, and the production client that talks to them."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import certifi
import pytest

from bot.mailapi import Account, Credentials, MailAPI, Timeouts

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PATIENT = Timeouts(pool=10, connect=10, write=10, read=10, total=30)
"""For peers that answer: on a busy machine even loopback takes its time."""


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    return head + await reader.readexactly(length)


@pytest.fixture(scope="session", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust one certificate authority: reading all of them takes longer than a test, and nobody here speaks TLS."""
    first, end, _ = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----\n")
    bundle = tmp_path_factory.mktemp("tls") / "authority.pem"
    bundle.write_text(first + end)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(bundle))
        yield


@pytest.fixture
def heard() -> list[bytes]:
    """Every request that a peer of this test has read completely."""
    return []


@pytest.fixture
async def serve(heard: list[bytes]) -> AsyncIterator[Callable[[bytes | Script], Awaitable[str]]]:
    """Start a peer that answers each request with the given bytes, or runs the script on each connection."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(answer: bytes | Script) -> str:
            async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    if callable(answer):
                        await answer(reader, writer)
                    while isinstance(answer, bytes):
                        heard.append(await read_request(reader))
                        writer.write(answer)
                except (asyncio.IncompleteReadError, ConnectionError):
                    pass
                finally:
                    writer.close()

            conversations: set[asyncio.Task[None]] = set()

            def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                conversations.add(asyncio.create_task(converse(reader, writer)))

            async def end() -> None:
                server.close()
                for conversation in conversations:
                    conversation.cancel()
                await asyncio.gather(*conversations, return_exceptions=True)

            server = await asyncio.start_server(accept, "127.0.0.1", 0)
            stack.push_async_callback(end)
            return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"

        yield start


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(key="Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya", caller_id=123)


@pytest.fixture
async def connect(credentials: Credentials) -> AsyncIterator[Callable[..., Awaitable[Account]]]:
    """Open the production client on a URL and give the account; closed at the end of the test."""
    async with contextlib.AsyncExitStack() as stack:

        async def opened(
            url: str,
            timeouts: Timeouts = PATIENT,
            connections: int = 50,
            depart: Callable[[], Awaitable[bool]] | None = None,
        ) -> Account:
            api = await stack.enter_async_context(MailAPI.open(url, timeouts=timeouts, connections=connections))
            return api.account(credentials, depart=depart)

        yield opened


@pytest.fixture
def respond() -> Callable[..., bytes]:
    """The bytes of an HTTP answer."""

    def answer(body: str, status: str = "200 OK", headers: str = "Content-Type: application/json\r\n") -> bytes:
        payload = body.encode()
        return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(payload)}\r\n\r\n".encode() + payload

    return answer


@pytest.fixture
def closed_port() -> str:
    """The base URL of a port on which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/api"


@pytest.fixture
def deaf() -> Iterator[str]:
    """The base URL of a host that does not complete a connection: its queue of them is full."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(8):
            guest = stack.enter_context(socket.socket())
            guest.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                guest.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"


@pytest.fixture
def unresolvable(monkeypatch: pytest.MonkeyPatch) -> str:
    """The base URL of a name that the resolver does not know; it is asked here, as the network must not be."""

    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return "http://mailapi.invalid/api"


def after_request(answer: bytes, *, reset: bool = False) -> Script:
    """Read the whole request, write these bytes and close, with a FIN or a RST."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()
        if reset:
            no_lingering = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_lingering)

    return script


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Read the whole request and whatever follows it, and say nothing."""
    await read_request(reader)
    await reader.read()


async def sent_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with the request itself, key and all."""
    writer.write(await read_request(reader))


async def sent_elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Redirect to an address that holds the whole request."""
    request = (await read_request(reader)).split(b"\r\n")
    writer.write(b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n")
    writer.write(b"Location: /" + request[0].split()[1] + request[-1] + b"\r\n\r\n")


JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
HTML = b"<html><body><h1>Something went wrong</h1></body></html>"

LOST: dict[str, bytes | Script] = {
    "reset after the whole request": after_request(b"", reset=True),
    "closed without a byte": after_request(b""),
    "closed in mid-header": after_request(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "reset in mid-header": after_request(b"HTTP/1.1 200 OK\r\nContent-Ty", reset=True),
    "closed in mid-body": after_request(JSON + b'Content-Length: 500\r\n\r\n{"status": "success", "task_id": 1'),
    "reset in mid-body": after_request(JSON + b'Content-Length: 500\r\n\r\n{"status": "suc', reset=True),
    "the request itself": sent_back,
    "not HTTP": after_request(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "an impossible status line": after_request(b"HTTP/1.1 abc OK\r\n\r\n"),
    "a bad chunk": after_request(JSON + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    "chunks without an end": after_request(JSON + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    "a bad gzip": after_request(JSON + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"),
    "an enormous header": after_request(JSON + b"X: " + b"x" * 200_000 + b"\r\n\r\n"),
    "no answer": silent,
    "HTML with a 200": after_request(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + HTML),
    "HTML with a 502": after_request(b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n" + HTML),
    "HTML with a 404": after_request(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n" + HTML),
    "HTML with a 403": after_request(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n" + HTML),
    "a 401 without a body": after_request(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"),
    "a proxy's 408": after_request(b'HTTP/1.1 408 Late\r\nContent-Length: 18\r\n\r\n{"message":"late"}'),
    "a 500 with an error": after_request(
        b'HTTP/1.1 500 Oops\r\nContent-Length: 35\r\n\r\n{"status":"error","reason":"Oops."}'
    ),
    "a 4xx that calls itself a success": after_request(
        b'HTTP/1.1 400 Bad Request\r\nContent-Length: 20\r\n\r\n{"status":"success"}'
    ),
    "a status that HTTP does not know": after_request(b"HTTP/1.1 799 What\r\nContent-Length: 2\r\n\r\n{}"),
    "an upgrade": after_request(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    "a redirect": sent_elsewhere,
    "a 204": after_request(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "an empty body": after_request(JSON + b"Content-Length: 0\r\n\r\n"),
    "half a JSON": after_request(JSON + b"Content-Length: 10\r\n\r\n" + b'{"status":'),
    "a JSON list": after_request(JSON + b"Content-Length: 2\r\n\r\n[]"),
    "JSON without what was asked for": after_request(JSON + b"Content-Length: 2\r\n\r\n{}"),
    "a message with a 200": after_request(JSON + b'Content-Length: 17\r\n\r\n{"message":"Hi!"}'),
    "bytes that are no text": after_request(JSON + b"Content-Length: 4\r\n\r\n\xff\xfe{}"),
}
"""Every way in which the answer to a request that arrived gets lost."""

UNREACHABLE = {"refused": "closed_port", "name not resolved": "unresolvable", "no connection in time": "deaf"}
"""Every way in which a request certainly does not arrive, and its fixture; a full pool needs a test of its own."""


@pytest.fixture(params=LOST)
async def lossy(request: pytest.FixtureRequest, serve: Callable[[bytes | Script], Awaitable[str]]) -> str:
    """The base URL of a peer that loses its answers, once for each way."""
    return await serve(LOST[request.param])


@pytest.fixture(params=UNREACHABLE)
def unreachable(request: pytest.FixtureRequest) -> str:
    """A base URL that cannot be reached, once for each way."""
    url: str = request.getfixturevalue(UNREACHABLE[request.param])
    return url


@pytest.fixture
async def mute(serve: Callable[[bytes | Script], Awaitable[str]]) -> str:
    """The base URL of a peer that reads and never answers."""
    return await serve(silent)
