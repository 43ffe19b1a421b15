"""Socket Mode: Slack's deliveries over WebSockets that we open."""

import asyncio
from contextlib import suppress
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.websockets import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.websockets import SocketModeClient
from websockets.exceptions import ConnectionClosed

from bot.arrival import Arrival
from bot.pace import retry_after

log = structlog.get_logger(__name__)

GOODBYE_SECONDS = 1.0
"""How long Slack has to agree to the end of a connection."""
A_MOMENT = 0.01
FELL_SILENT = "a connection to Slack fell silent"
PING_SECONDS = 5.0
"""How often it is asked whether Slack is still there, and how long it has to answer.

The library itself would give a silent connection up after 40 s and open another one after 50; until then Slack sends
to it what nobody gets.
"""
ANSWERED_SECONDS = 2.0
"""How long what was delivered has to be answered before a connection ends; later than that Slack has given up."""


class _Message(str):
    """What came over a connection, and when."""

    __slots__ = ("arrival",)

    def __init__(self, _text: str) -> None:
        self.arrival = Arrival()


class _Client(SocketModeClient):
    """Notes when something came: it may wait for its turn."""

    async def enqueue_message(self, message: str) -> None:
        await super().enqueue_message(_Message(message))

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:
        arrival = raw_message.arrival if isinstance(raw_message, _Message) else Arrival()
        with arrival.until_answered():
            await super().run_message_listeners(message, raw_message)


class _Handler(AsyncSocketModeHandler):
    """Knows how many deliveries it has not answered yet."""

    unanswered = 0

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self.app = app
        self.app_token = app_token
        self.client = _Client(app_token=app_token, logger=app.logger, web_client=app.client)
        self.client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type] # as in Bolt

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override] # as in Bolt
        self.unanswered += 1
        try:
            await super().handle(client, req)
        finally:
            self.unanswered -= 1

    async def rests(self, seconds: float) -> bool:
        """Wait until nothing that was received waits for its answer; false where that is not within `seconds`."""
        queue: asyncio.Queue[str] = self.client.message_queue
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.unanswered or not queue.empty():  # noqa: ASYNC110 - the SDK has no event
                    await asyncio.sleep(A_MOMENT)
                return True
        return False


class SocketMode:
    """A number of connections at a time, so that one may be refreshed while another listens.

    The websockets adapter opens the new connection before it closes the old one; only its very first connect has no
    retry of its own.
    """

    def __init__(self, *, app: AsyncApp, app_token: str, connections: int) -> None:
        self.handlers = [_Handler(app, app_token) for _ in range(connections)]

    async def connect(self) -> None:
        """Open all connections, trying again until Slack lets us, and see that none of them is silent."""
        await asyncio.gather(*(self._keep(handler) for handler in self.handlers))

    async def _keep(self, handler: _Handler) -> None:
        await self._connect(handler)
        while True:
            await asyncio.sleep(PING_SECONDS)
            try:
                await _replace_if_silent(handler.client)
            except Exception as error:  # noqa: BLE001 - Slack is out of reach: the library goes on trying
                log.warning("Slack is out of reach", reason=type(error).__name__)

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
        """Answer what was taken, and close all connections: Slack delivers elsewhere then.

        What comes meanwhile is taken as well: what nobody reads any more Slack would answer with a time-out.
        """
        await asyncio.gather(*(_end(handler) for handler in self.handlers))


async def _end(handler: _Handler) -> None:
    """In a moment in which nothing waits; where there is none, nothing more is taken, and the rest is answered."""
    if not await handler.rests(ANSWERED_SECONDS / 2):
        if handler.client.message_receiver is not None:
            handler.client.message_receiver.cancel()
        await handler.rests(ANSWERED_SECONDS / 2)
    await _close(handler.client)


async def _replace_if_silent(client: SocketModeClient) -> None:
    """End a connection on which a ping is not answered, and open another one at once."""
    session = client.current_session
    if session is None or session.close_code is not None:
        return
    try:
        async with asyncio.timeout(PING_SECONDS):
            await (await session.ping())
    except TimeoutError:
        log.warning(FELL_SILENT)
        session.transport.abort()
        await session.wait_closed()
        await _open_another(client)
    except ConnectionClosed:
        return  # the library opens another one


async def _open_another(client: SocketModeClient) -> None:
    """Twice, as the connection over which Slack is asked for an address may have fallen silent as well."""
    with suppress(TimeoutError):
        await client.connect_to_new_endpoint()
        return
    await client.connect_to_new_endpoint()


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
