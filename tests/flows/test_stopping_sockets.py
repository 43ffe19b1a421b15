"""The end of Socket Mode connections."""

import asyncio
from unittest.mock import patch

from slack_sdk.socket_mode.websockets import SocketModeClient

from bot.socket_mode import SocketMode
from sandbox.slack import MAIL
from sandbox.slack.seen import Acknowledgement
from tests.flows.stage import Mailroom

CONNECTIONS = 10


async def test_connections_that_slack_is_slow_to_close_are_closed_together(outside: Mailroom) -> None:
    outside.settings = outside.settings.model_copy(update={"mailroom_socket_connections": CONNECTIONS})
    disconnect, everybody, closed = SocketModeClient.disconnect, asyncio.Barrier(CONNECTIONS), []

    async def slow(client: SocketModeClient) -> None:
        await everybody.wait()
        closed.append(client)
        await disconnect(client)  # type: ignore[no-untyped-call] # the SDK's own

    with patch.object(SocketModeClient, "disconnect", slow):
        async with outside.running():
            pass
    assert len(closed) == CONNECTIONS


async def test_what_was_delivered_is_answered_before_its_connection_ends(outside: Mailroom) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.passes(minutes=2)  # who Ben is, is asked of Slack again
        await outside.slack.fault("users.info", "latency", seconds=0.5)
        asked = len(await outside.slack.calls("users.info"))
        typing = asyncio.create_task(outside.ben.types(MAIL, "/mail mailbox create john@example.com"))

        async def is_asked() -> bool:
            return len(await outside.slack.calls("users.info")) > asked

        await outside.until(is_asked, "the question who Ben is")
    said = await typing
    assert "Asked for" in said.text, said


async def test_what_is_delivered_while_a_connection_waits_for_its_end_is_answered_too(outside: Mailroom) -> None:
    outside.settings = outside.settings.model_copy(update={"mailroom_socket_connections": 1})
    close, begun = SocketMode.close, asyncio.Event()

    async def closing(sockets: SocketMode) -> None:
        begun.set()
        await close(sockets)

    async def types_then() -> Acknowledgement:
        await begun.wait()
        return await outside.ana.types(MAIL, "/mail mailbox create jane@example.com")

    with patch.object(SocketMode, "close", closing):
        async with outside.running():
            await outside.connected(outside.ana)
            await outside.without_gates()
            await outside.passes(minutes=2)
            await outside.slack.fault("users.info", "latency", seconds=0.5)
            asked = len(await outside.slack.calls("users.info"))
            typing = asyncio.create_task(outside.ben.types(MAIL, "/mail mailbox create john@example.com"))
            later = asyncio.create_task(types_then())

            async def is_asked() -> bool:
                return len(await outside.slack.calls("users.info")) > asked

            await outside.until(is_asked, "the question who Ben is")
    for said in await asyncio.gather(typing, later):
        assert "Asked for" in said.text, said
