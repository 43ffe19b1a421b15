"""The end of several Socket Mode connections."""

import asyncio
from unittest.mock import patch

from slack_sdk.socket_mode.websockets import SocketModeClient

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
