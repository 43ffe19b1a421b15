"""The last moment before a create leaves: its connection stands, and whoever is asked can still keep it back."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from bot.mailapi import Account, Timeouts, Unavailable
from tests.adapters.mailapi_client.conftest import read_request

Connect = Callable[..., Awaitable[Account]]
TAKEN = '{"status": "success", "task_id": 7}'
SHORT = Timeouts(pool=0.3, connect=0.3, write=0.3, read=0.3, total=0.6)


@dataclass
class Peer:
    """Takes one create, and notes what it saw when."""

    answer: bytes
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: bytes = b""

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connected.set()
        try:
            self.arrived += await read_request(reader)
            writer.write(self.answer)
        finally:
            self.closed.set()


@pytest.fixture
def peer(respond: Callable[..., bytes]) -> Peer:
    return Peer(respond(TAKEN))


async def test_it_is_asked_once_the_connection_stands_and_before_the_first_byte(
    serve: Callable[..., Awaitable[str]], connect: Connect, peer: Peer
) -> None:
    arrived = []

    async def depart() -> bool:
        await peer.connected.wait()
        arrived.append(peer.arrived)
        return True

    account = await connect(await serve(peer.converse), depart=depart)
    accepted = await account.mailboxes.create("example.com", "john")
    assert (accepted.task_id, arrived) == (7, [b""])
    assert b"john" in peer.arrived


async def says_no() -> bool:
    return False


async def fails() -> bool:
    raise RuntimeError("the database is away")


async def takes_too_long() -> bool:
    await asyncio.sleep(60)
    return True


@pytest.mark.parametrize("depart", [says_no, fails, takes_too_long])
async def test_what_is_kept_back_is_not_sent_and_may_be_sent_later(
    serve: Callable[..., Awaitable[str]], connect: Connect, peer: Peer, depart: Callable[[], Awaitable[bool]]
) -> None:
    account = await connect(await serve(peer.converse), SHORT, depart=depart)
    with pytest.raises(Unavailable):
        await account.mailboxes.create("example.com", "john")
    await peer.closed.wait()
    assert peer.arrived == b""


async def test_without_a_connection_it_is_not_asked(unreachable: str, connect: Connect) -> None:
    async def depart() -> bool:
        raise AssertionError("asked without a connection")

    with pytest.raises(Unavailable):
        await (await connect(unreachable, SHORT, depart=depart)).mailboxes.create("example.com", "john")


async def test_reads_are_not_asked_about(
    serve: Callable[..., Awaitable[str]], connect: Connect, respond: Callable[..., bytes]
) -> None:
    none = respond('{"status": "success", "total_domain": 0, "results": {}}')
    account = await connect(await serve(none), depart=fails)
    assert (await account.domains.list()).domains == ()
