"""What comes of a request when the network or the peer fails, with real sockets and the production client."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest

from bot.mailapi import Account, MailAPIError, OutcomeUnknown, Timeouts, Unavailable

Serve = Callable[[bytes | Callable[..., Awaitable[None]]], Awaitable[str]]
Connect = Callable[..., Awaitable[Account]]

READS: dict[str, Callable[[Account], Coroutine[Any, Any, object]]] = {
    "list domains": lambda account: account.domains.list(),
    "list mailboxes": lambda account: account.mailboxes.list("example.com"),
    "single task": lambda account: account.tasks.single(1),
    "bulk task": lambda account: account.tasks.bulk(1),
    "find task": lambda account: account.tasks.find(1),
}
CREATES: dict[str, Callable[[Account], Coroutine[Any, Any, object]]] = {
    "domain": lambda account: account.domains.create("example.com"),
    "sub-domain": lambda account: account.subdomains.create("example.com", ["a"]),
    "mailbox": lambda account: account.mailboxes.create("example.com", "john"),
    "bulk": lambda account: account.mailboxes.create_bulk("example.com", "team", count=3),
}
SHORT = Timeouts(pool=0.3, connect=0.3, write=0.3, read=0.3, total=5)
PATIENT = Timeouts(pool=5, connect=5, write=5, read=5, total=5)


@pytest.mark.parametrize("ask", [READS["list domains"], READS["single task"]], ids=["list domains", "single task"])
async def test_a_read_whose_answer_is_lost_is_unavailable(
    lossy: str, connect: Connect, ask: Callable[[Account], Coroutine[Any, Any, object]]
) -> None:
    with pytest.raises(Unavailable) as error:
        await ask(await connect(lossy, SHORT))
    assert error.value.reason


@pytest.mark.parametrize("create", [CREATES["domain"], CREATES["mailbox"]], ids=["domain", "mailbox"])
async def test_a_create_whose_answer_is_lost_has_an_unknown_outcome(
    lossy: str, connect: Connect, create: Callable[[Account], Coroutine[Any, Any, object]]
) -> None:
    with pytest.raises(OutcomeUnknown) as error:
        await create(await connect(lossy, SHORT))
    assert error.value.reason


@pytest.mark.parametrize("call", [*READS.values(), *CREATES.values()], ids=[*READS, *CREATES])
async def test_a_request_that_cannot_be_sent_is_unavailable(
    unreachable: str, connect: Connect, call: Callable[[Account], Coroutine[Any, Any, object]]
) -> None:
    with pytest.raises(Unavailable):
        await call(await connect(unreachable, SHORT))


async def test_a_create_whose_body_the_peer_does_not_read_has_an_unknown_outcome(unread: str, connect: Connect) -> None:
    more_than_the_kernel_buffers = ["x" * 63] * 400_000
    account = await connect(unread, Timeouts(write=0.3))
    with pytest.raises(OutcomeUnknown, match="WriteTimeout"):
        await account.subdomains.create("example.com", more_than_the_kernel_buffers)


@pytest.fixture
def unread() -> Iterator[str]:
    """The base URL of a peer whose kernel takes connections, from which nobody reads."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"


async def test_a_total_time_out_while_connecting_leaves_a_create_certainly_unsent(deaf: str, connect: Connect) -> None:
    account = await connect(deaf, Timeouts(connect=5, total=0.3))
    with pytest.raises(Unavailable, match="TimeoutError"):
        await account.domains.create("example.com")


async def test_a_total_time_out_while_waiting_for_the_answer_leaves_a_create_unknown(
    mute: str, connect: Connect
) -> None:
    account = await connect(mute, Timeouts(read=5, total=0.3))
    with pytest.raises(OutcomeUnknown, match="TimeoutError"):
        await account.domains.create("example.com")


@pytest.mark.parametrize(
    ("call", "expected"),
    [(READS["list domains"], Unavailable), (CREATES["domain"], OutcomeUnknown)],
    ids=["read", "create"],
)
async def test_the_total_time_out_ends_an_answer_that_drips(
    serve: Serve,
    connect: Connect,
    call: Callable[[Account], Coroutine[Any, Any, object]],
    expected: type[MailAPIError],
) -> None:
    async def drip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.02)

    account = await connect(await serve(drip), Timeouts(read=2, total=0.4))
    with pytest.raises(expected, match="TimeoutError"):
        await call(account)


@pytest.mark.parametrize(
    "timeouts", [Timeouts(pool=0.2, read=0.6), Timeouts(total=0.3)], ids=["time-out of the pool", "total time-out"]
)
async def test_of_creates_that_wait_for_a_connection_only_those_are_unknown_that_may_have_arrived(
    serve: Serve, connect: Connect, timeouts: Timeouts
) -> None:
    arrived: list[bytes] = []
    conversations: set[str] = set()
    all_over = asyncio.Event()

    async def listen_only(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = str(writer.get_extra_info("peername"))
        conversations.add(name)
        all_over.clear()
        while received := await reader.read(65536):
            arrived.append(received)
        conversations.discard(name)
        if not conversations:
            all_over.set()

    account = await connect(await serve(listen_only), timeouts, connections=2)
    names = [f"user{number}" for number in range(10, 30)]
    ends = await asyncio.gather(
        *(account.mailboxes.create("example.com", name) for name in names), return_exceptions=True
    )
    await asyncio.wait_for(all_over.wait(), 5)

    unknown = {name for name, end in zip(names, ends, strict=True) if isinstance(end, OutcomeUnknown)}
    unsent = {name for name, end in zip(names, ends, strict=True) if isinstance(end, Unavailable)}
    assert set(re.findall(r"user\d+", b"".join(arrived).decode())) <= unknown
    assert unknown
    assert unsent
    assert unknown | unsent == set(names)


async def test_a_read_that_finds_no_free_connection_is_unavailable(mute: str, connect: Connect) -> None:
    account = await connect(mute, Timeouts(pool=0.2, read=0.6), connections=1)
    ends = await asyncio.gather(account.domains.list(), account.domains.list(), return_exceptions=True)
    assert [type(end) for end in ends] == [Unavailable, Unavailable]


@pytest.mark.parametrize("call", [READS["list domains"], CREATES["domain"]], ids=["read", "create"])
async def test_a_cancelled_request_is_cancelled_and_gives_its_connection_back(
    serve: Serve,
    connect: Connect,
    respond: Callable[..., bytes],
    call: Callable[[Account], Coroutine[Any, Any, object]],
) -> None:
    arrived = asyncio.Event()

    async def mute_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if arrived.is_set():
            writer.write(respond('{"status": "success", "results": []}'))
        else:
            arrived.set()
            await reader.read()

    account = await connect(await serve(mute_once), PATIENT, connections=1)
    request = asyncio.create_task(call(account))
    await arrived.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    await call(account)


@pytest.mark.parametrize("create", CREATES.values(), ids=CREATES)
async def test_a_create_is_sent_once_even_where_the_connection_breaks(
    serve: Serve, connect: Connect, create: Callable[[Account], Coroutine[Any, Any, object]]
) -> None:
    connections: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        connections.append(await reader.readuntil(b"\r\n\r\n"))

    account = await connect(await serve(hang_up))
    with pytest.raises(OutcomeUnknown):
        await create(account)
    assert len(connections) == 1


async def test_every_create_has_a_connection_of_its_own_and_reads_share_theirs(
    serve: Serve, connect: Connect, respond: Callable[..., bytes]
) -> None:
    used: list[tuple[str, bytes]] = []

    async def serve_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            used.append((str(writer.get_extra_info("peername")), head.split()[0]))
            await reader.readexactly(int((re.findall(rb"(?i)content-length: (\d+)", head) or [0])[0]))
            writer.write(respond('{"status": "success", "results": []}'))

    account = await connect(await serve(serve_on))
    for _ in range(3):
        await account.domains.create("example.com")
        await account.domains.list()
    assert len({peer for peer, method in used if method == b"POST"}) == 3
    assert len({peer for peer, method in used if method == b"GET"}) == 1
