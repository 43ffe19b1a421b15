"""How long Slack waits, as `/metrics` tells it: from a delivery's arrival until its answer is written."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import patch

import pytest
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.websockets import SocketModeClient
from starlette.responses import Response

from sandbox.slack import MAIL
from tests.flows.stage import Mailroom
from tests.flows.test_http import COMMAND, head, raw
from tests.flows.test_metrics import comes_true, scraped, value

SLOW = 0.3
"""In seconds; what the bot itself does takes a fraction of it."""


async def is_counted(mailroom: Mailroom, *, seconds: float) -> None:
    """One command was answered, and it took so long or longer."""
    labels = {"delivery": "command"}
    await comes_true(mailroom, lambda found: value(found, "mailroom_acknowledgement_seconds_count", **labels) == 1)
    assert value(await scraped(mailroom), "mailroom_acknowledgement_seconds_sum", **labels) >= seconds


def after_a_while(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def late(*given: Any) -> Any:
        await asyncio.sleep(SLOW)
        return await original(*given)

    return late


@pytest.mark.parametrize("mode", ["http"])
async def test_a_request_that_arrives_slowly_is_waited_for_since_its_beginning(unconnected: Mailroom) -> None:
    started = head(f"Content-Length: {len(COMMAND)}") + COMMAND[:-1]
    with patch.object(asyncio.StreamWriter, "drain", after_a_while(asyncio.StreamWriter.drain)):
        assert b" 200 " in (await raw(unconnected, started, COMMAND[-1:])).partition(b"\r\n")[0]
    # The bot's clock begins when it reads the first byte, which may be a little after that was written.
    await is_counted(unconnected, seconds=SLOW / 2)


async def test_an_envelope_that_waits_for_its_turn_is_waited_for_since_it_came(outside: Mailroom) -> None:
    take = AsyncBaseSocketModeClient.process_message

    async def late(client: AsyncBaseSocketModeClient) -> None:
        while client.message_queue.empty():  # noqa: ASYNC110 - a queue has no event for it
            await asyncio.sleep(0.005)
        await asyncio.sleep(SLOW)
        await take(client)  # type: ignore[no-untyped-call] # the SDK's own

    with patch.object(AsyncBaseSocketModeClient, "process_message", late):
        async with outside.running():
            assert (await outside.ben.types(MAIL, "/mail help")).ok
            await is_counted(outside, seconds=SLOW)


@pytest.mark.parametrize(
    ("mode", "writer", "method"),
    [("socket", SocketModeClient, "send_message"), ("http", Response, "__call__")],
    ids=["socket", "http"],
)
async def test_an_answer_that_is_written_slowly_is_waited_for_until_its_end(
    unconnected: Mailroom, writer: type, method: str
) -> None:
    with patch.object(writer, method, after_a_while(getattr(writer, method))):
        assert (await unconnected.ben.types(MAIL, "/mail help")).ok
        await is_counted(unconnected, seconds=SLOW)
