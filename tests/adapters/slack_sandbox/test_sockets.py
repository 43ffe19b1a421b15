import asyncio
import json
from typing import Any

import pytest
import websockets
from slack_sdk.web.async_client import AsyncWebClient
from websockets.asyncio.client import ClientConnection

from sandbox.slack import ANA, APP, APP_TOKEN, MAIL, SlackControl
from sandbox.slack.person import Deed

Json = dict[str, Any]


async def connect(client: AsyncWebClient) -> tuple[ClientConnection, Json]:
    url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
    connection = await websockets.connect(url)
    return connection, json.loads(await connection.recv())


async def close(slack: SlackControl, *connections: ClientConnection) -> None:
    for connection in connections:
        await connection.close()

    async def none_open() -> bool:
        return await slack.connections() == 0

    await slack.until(none_open)


async def test_a_connection_is_greeted(client: AsyncWebClient, slack: SlackControl) -> None:
    first, hello = await connect(client)
    second, hello_again = await connect(client)
    assert (hello["type"], hello["num_connections"], hello["connection_info"]["app_id"]) == ("hello", 1, APP)
    assert hello["debug_info"]["approximate_connection_time"] > 0
    assert hello_again["num_connections"] == 2
    await slack.connected(2)
    await close(slack, first, second)


async def test_an_address_is_good_once(client: AsyncWebClient, slack: SlackControl) -> None:
    url = (await client.apps_connections_open(app_token=APP_TOKEN))["url"]
    async with websockets.connect(url):
        with pytest.raises(websockets.InvalidStatus, match="403"):
            await websockets.connect(url)
    await close(slack)


async def test_the_eleventh_connection_is_refused(client: AsyncWebClient, slack: SlackControl) -> None:
    ten = [(await connect(client))[0] for _ in range(10)]
    eleventh, message = await connect(client)
    assert (message["type"], message["reason"]) == ("disconnect", "too_many_websockets")
    await close(slack, *ten, eleventh)


async def test_what_is_done_at_once_is_under_way_by_different_connections_before_any_answer(
    client: AsyncWebClient, slack: SlackControl
) -> None:
    connections = [(await connect(client))[0] for _ in range(2)]
    typed = [Deed("types", {"user": ANA, "channel": MAIL, "line": f"/mail {number}"}) for number in (1, 2)]
    answers = asyncio.ensure_future(slack.at_once(*typed))
    received = [json.loads(await connection.recv()) for connection in connections]
    assert {each["payload"]["text"] for each in received} == {"1", "2"}
    for connection, each in zip(connections, received, strict=True):
        await connection.send(json.dumps({"envelope_id": each["envelope_id"], "payload": {"text": "done"}}))
    assert [answer["text"] for answer in await answers] == ["done", "done"]
    first, second = await slack.envelopes("slash_commands")
    assert first["connection"] != second["connection"]
    assert max(first["sent"], second["sent"]) < min(each["sent"] + each["seconds"] for each in (first, second))
    assert await slack.envelopes(after=1) == [second]
    await close(slack, *connections)


async def test_envelopes_take_turns_and_an_answer_may_come_by_any_connection(
    client: AsyncWebClient, slack: SlackControl
) -> None:
    connections = [(await connect(client))[0] for _ in range(2)]
    receivers = set()
    for _ in range(2):
        typed = asyncio.create_task(slack.person(ANA).types(MAIL, "/mail help"))
        waiting = [asyncio.create_task(connection.recv()) for connection in connections]
        (done,), (idle,) = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        idle.cancel()
        await asyncio.gather(idle, return_exceptions=True)
        envelope = json.loads(done.result())
        receiver = waiting.index(done)
        receivers.add(receiver)
        assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
        answer = {"envelope_id": envelope["envelope_id"], "payload": {"text": "hi"}}
        await connections[1 - receiver].send(json.dumps(answer))
        assert (await typed).text == "hi"
    assert receivers == {0, 1}
    await close(slack, *connections)


async def test_nonsense_from_a_connection_is_noted_and_survived(client: AsyncWebClient, slack: SlackControl) -> None:
    connection, _ = await connect(client)
    for nonsense in ("{", "[]", "{}"):
        await connection.send(nonsense)

    async def noted() -> bool:
        return [entry["kind"] for entry in await slack.journal()].count("socket_nonsense") == 3

    await slack.until(noted)
    assert await slack.connections() == 1
    await close(slack, connection)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_an_announced_end_makes_the_app_connect_anew(
    bot: Any, socket: Any, slack: SlackControl, reason: str
) -> None:
    before = socket.current_session
    await slack.disconnect_sockets(reason)

    async def renewed() -> bool:
        return socket.current_session is not before and await slack.connections() == 1

    await slack.until(renewed, what="a new connection in place of the old")
    assert (await slack.person(ANA).types(MAIL, "/mail")).ok
    assert len(bot.of("command")) == 1


async def test_a_connection_that_does_not_leave_is_closed(client: AsyncWebClient, slack: SlackControl) -> None:
    for reason, seconds in (("refresh_requested", 0.05), ("link_disabled", 10.0)):
        connection, _ = await connect(client)
        await slack.settings(refresh_seconds=seconds)
        await slack.disconnect_sockets(reason)
        assert json.loads(await connection.recv())["reason"] == reason
        with pytest.raises(websockets.ConnectionClosedOK):
            await connection.recv()
        await close(slack, connection)


async def test_a_connection_can_be_cut(bot: Any, socket: Any, slack: SlackControl) -> None:
    before = socket.current_session
    await slack.disconnect_sockets(None)

    async def renewed() -> bool:
        return socket.current_session is not before and await slack.connections() == 1

    await slack.until(renewed, what="a new connection in place of the cut one")
    assert (await slack.person(ANA).types(MAIL, "/mail")).ok
    assert len(bot.of("command")) == 1


async def test_a_cut_is_abrupt(client: AsyncWebClient, slack: SlackControl) -> None:
    connection, _ = await connect(client)
    await slack.disconnect_sockets(None)
    with pytest.raises(websockets.ConnectionClosedError):
        await connection.recv()
    await close(slack, connection)


async def test_while_a_socket_is_open_nothing_goes_by_http(bot: Any, socket: Any, slack: SlackControl) -> None:
    assert socket
    await slack.deliver_to("http://127.0.0.1:1/")
    assert (await slack.person(ANA).types(MAIL, "/mail")).ok
    await slack.deliver_to(None)
    assert len(bot.of("command")) == 1


async def test_waiting_for_connections_ends_as_soon_as_they_are_there(
    client: AsyncWebClient, slack: SlackControl
) -> None:
    waiting = asyncio.create_task(slack.connected(1))
    connection, _ = await connect(client)
    await waiting
    await close(slack, connection)
