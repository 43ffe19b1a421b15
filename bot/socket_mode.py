"""Socket Mode: Slack's deliveries over WebSockets that we open."""

import asyncio
from contextlib import suppress

import structlog
from slack_bolt.adapter.socket_mode.websockets import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.websockets import SocketModeClient

from bot.pace import retry_after

log = structlog.get_logger(__name__)

GOODBYE_SECONDS = 1.0
"""How long Slack has to agree to the end of a connection."""


class SocketMode:
    """A number of connections at a time, so that one may be refreshed while another listens.

    The websockets adapter opens the new connection before it closes the old one; only its very first connect has no
    retry of its own.
    """

    def __init__(self, *, app: AsyncApp, app_token: str, connections: int) -> None:
        self.handlers = [AsyncSocketModeHandler(app, app_token) for _ in range(connections)]

    async def connect(self) -> None:
        """Open all connections, trying again until Slack lets us."""
        await asyncio.gather(*(self._connect(handler) for handler in self.handlers))

    async def _connect(self, handler: AsyncSocketModeHandler) -> None:
        attempts = 0
        while True:
            try:
                await handler.client.connect()  # type: ignore[no-untyped-call] # the SDK's own
            except Exception as error:  # noqa: BLE001 - whatever keeps the first connection from opening
                attempts += 1
                if attempts == 1:
                    log.warning("Slack is out of reach", reason=type(error).__name__)
                handler.client.wss_uri = None  # a ticket works once
                await asyncio.sleep(retry_after(attempts).total_seconds())
            else:
                return

    async def connected(self) -> int:
        """How many connections are open."""
        return sum([await handler.client.is_connected() for handler in self.handlers])

    async def close(self) -> None:
        """Close all connections, so that Slack delivers nothing more here."""
        await asyncio.gather(*(_close(handler.client) for handler in self.handlers))


async def _close(client: SocketModeClient) -> None:
    client.closed = True
    tasks = (client.message_processor, client.message_receiver, client.current_session_monitor)
    for task in tasks:
        if task is not None:
            task.cancel()
    await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
    with suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            await client.disconnect()  # type: ignore[no-untyped-call] # the SDK's own
