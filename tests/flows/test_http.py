"""Signed HTTP: only what Slack has signed within five minutes is taken, and of the rest nothing is read or logged."""

import asyncio
import io
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio

from bot import http
from sandbox.slack import BEN, MAIL, SIGNING_SECRET, TEAM
from sandbox.slack.delivery.signed_http import FORM, JSON, body_of, signature
from tests.flows.deciding import asks, audited, rejects, thread_of
from tests.flows.process import Bot, environment
from tests.flows.stage import Mailroom

MARK = "a-text-that-no-log-may-hold"
COMMAND = urlencode(
    {
        "command": "/mail",
        "text": f"help {MARK}",
        "team_id": TEAM,
        "user_id": BEN,
        "channel_id": MAIL,
        "trigger_id": "1.1",
        "response_url": "http://127.0.0.1:9/",
    }
).encode()


@pytest.fixture
def mode() -> str:
    return "http"


@pytest_asyncio.fixture
async def post(unconnected: Mailroom) -> AsyncIterator[Any]:
    """Posts a body with headers to the bot; gives status and text."""
    assert unconnected.bot is not None
    url = f"{unconnected.bot.url}/slack/events"
    async with aiohttp.ClientSession() as session:

        async def send(body: Any, headers: dict[str, str]) -> tuple[int, str]:
            async with session.post(url, data=body, headers=headers) as answer:
                return answer.status, await answer.text()

        yield send


def signed(body: bytes, *, at: float | None = None, secret: str = SIGNING_SECRET, kind: str = FORM) -> dict[str, str]:
    timestamp = str(int(time.time() if at is None else at))
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature(secret, timestamp, body),
    }


async def test_what_slack_has_signed_is_taken(post: Any) -> None:
    status, text = await post(COMMAND, signed(COMMAND))
    assert status == 200
    assert "Connect one with `/mail connect`" in text


def without(name: str) -> dict[str, str]:
    return {header: value for header, value in signed(COMMAND).items() if header != name}


REFUSED: dict[str, Callable[[], dict[str, str]]] = {
    "wrong secret": lambda: signed(COMMAND, secret="another"),
    "another body's signature": lambda: signed(COMMAND + b"x"),
    "no signature": lambda: without("X-Slack-Signature"),
    "no timestamp": lambda: without("X-Slack-Request-Timestamp"),
    "six minutes old": lambda: signed(COMMAND, at=time.time() - 360),
    "six minutes ahead": lambda: signed(COMMAND, at=time.time() + 360),
    "timestamp in words": lambda: {**signed(COMMAND), "X-Slack-Request-Timestamp": "yesterday"},
    "timestamp with a fraction": lambda: {**signed(COMMAND), "X-Slack-Request-Timestamp": "1.5"},
    "negative timestamp": lambda: {**signed(COMMAND), "X-Slack-Request-Timestamp": "-1"},
    "empty timestamp": lambda: {**signed(COMMAND), "X-Slack-Request-Timestamp": ""},
    "empty signature": lambda: {**signed(COMMAND), "X-Slack-Signature": ""},
    "signature that is not ASCII": lambda: {**signed(COMMAND), "X-Slack-Signature": "v0=ü"},
}


async def test_what_is_not_signed_or_not_fresh_is_refused_and_not_logged(
    post: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for name, headers in REFUSED.items():
        status, text = await post(COMMAND, headers())
        assert (status, MARK in text) == (401, False), name
    logged = "".join(capfd.readouterr()) + caplog.text
    assert logged.count("the signature does not hold") == len(REFUSED)
    assert MARK not in logged


async def test_a_body_that_is_too_large_is_refused(post: Any) -> None:
    body = COMMAND + b"&x=" + b"x" * 1_048_576
    assert (await post(io.BytesIO(body), signed(body)))[0] == 413


async def test_a_body_without_a_length_is_refused(post: Any) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield COMMAND

    assert (await post(chunks(), signed(COMMAND)))[0] == 413


async def test_slacks_verification_of_the_address_is_answered(post: Any) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "a-challenge", "token": "x"}).encode()
    status, text = await post(body, signed(body, kind=JSON))
    assert status == 200
    assert "a-challenge" in text
    assert (await post(body, {"Content-Type": JSON}))[0] == 401


async def test_the_health_checks_answer(unconnected: Mailroom) -> None:
    assert unconnected.bot is not None
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{unconnected.bot.url}/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok")
        async with session.get(f"{unconnected.bot.url}/readyz") as answer:
            said = await answer.json()
            assert (answer.status, said["ready"], said["causes"]) == (200, True, {})
            assert 0 <= said["since_tick"] < 30


async def test_an_endless_timestamp_is_refused(post: Any) -> None:
    status, _ = await post(COMMAND, {**signed(COMMAND), "X-Slack-Request-Timestamp": "9" * 5000})
    assert status == 401


@pytest.mark.parametrize(
    "body",
    [b"", b"not a form", b'{"type": ', b"payload=%7B"],
    ids=["empty", "text", "json", "form"],
)
async def test_what_is_signed_but_unreadable_harms_nobody(post: Any, unconnected: Mailroom, body: bytes) -> None:
    for kind in (FORM, JSON):
        status, _ = await post(body, signed(body, kind=kind))
        assert status < 500
    assert (await unconnected.ben.types(MAIL, "/mail help")).ok


async def test_signed_bytes_that_are_no_text_harm_nobody(post: Any, unconnected: Mailroom) -> None:
    body = b"\xff\xfe"
    for kind in (FORM, JSON):
        status, _ = await post(body, signed(body, kind=kind))
        assert status < 500
    assert (await unconnected.ben.types(MAIL, "/mail help")).ok


async def raw(mailroom: Mailroom, *sent: bytes, ends: bool = False) -> bytes:
    """What is answered to bytes on a connection, until the server closes it or `ends` says that we do."""
    assert mailroom.bot is not None
    assert mailroom.bot.url is not None
    host, _, port = mailroom.bot.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for each in sent:
        writer.write(each)
        await writer.drain()
    if ends:
        writer.close()
        await writer.wait_closed()
        return b""
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer


def head(*lines: str, body: bytes = COMMAND) -> bytes:
    headers = [f"{name}: {value}" for name, value in signed(body).items()]
    asked = ["POST /slack/events HTTP/1.1", "Host: bot", "Connection: close", *headers, *lines, "", ""]
    return "\r\n".join(asked).encode()


CHUNKED = f"{len(COMMAND):x}\r\n".encode() + COMMAND + b"\r\n0\r\n\r\n"


async def test_a_body_in_chunks_is_refused_whatever_length_it_claims(unconnected: Mailroom) -> None:
    assert b" 413 " in (await raw(unconnected, head("Transfer-Encoding: chunked"), CHUNKED)).partition(b"\r\n")[0]
    for length in ("5", str(len(COMMAND)), "0"):
        claims = head("Transfer-Encoding: chunked", f"Content-Length: {length}")
        status = (await raw(unconnected, claims, CHUNKED)).partition(b"\r\n")[0]
        assert b" 413 " in status or b" 400 " in status


async def test_a_body_that_is_longer_than_it_claims_is_read_no_further(unconnected: Mailroom) -> None:
    answer = await raw(unconnected, head(f"Content-Length: {len(COMMAND) - 5}"), COMMAND)
    assert b" 401 " in answer.partition(b"\r\n")[0]
    assert b"Connect one" not in answer


@pytest.mark.parametrize("ends", [b"\r\n\r\n", b""], ids=["ends", "does not end"])
async def test_a_head_that_is_too_large_is_refused(unconnected: Mailroom, ends: bytes) -> None:
    """Nothing in it is signed, so that anybody may send it."""
    endless = b"GET /healthz HTTP/1.1\r\nHost: bot\r\nConnection: close\r\nX-Endless: " + b"x" * 200_000
    try:
        answer = await raw(unconnected, endless, ends)
    except ConnectionResetError:
        answer = b"HTTP/1.1 400 and what was still on its way is not read"
    assert b" 400 " in answer.partition(b"\r\n")[0]
    assert (await unconnected.ben.types(MAIL, "/mail help")).ok


async def test_a_body_that_never_comes_whole_is_not_waited_for(
    unconnected: Mailroom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(http, "BODY_SECONDS", 0.2)
    started = head(f"Content-Length: {len(COMMAND) + 5}")
    assert b" 408 " in (await raw(unconnected, started, COMMAND)).partition(b"\r\n")[0]
    await raw(unconnected, started, COMMAND, ends=True)
    assert (await unconnected.ben.types(MAIL, "/mail help")).ok
    assert "Traceback" not in caplog.text
    assert MARK not in caplog.text


async def replayed(mailroom: Mailroom, post: Any, kind: str) -> None:
    """Send the newest delivery of a kind twice more, byte for byte; the answers are those of the first time."""
    newest = (await mailroom.slack.envelopes(kind))[-1]
    content_type, body = body_of(kind, newest["payload"])
    headers = signed(body, kind=content_type)
    first, second = await post(body, headers), await post(body, headers)
    assert first == second
    assert first[0] == 200
    assert (json.loads(first[1]) if first[1] else None) == newest["ack"]
    await mailroom.at_rest()


async def test_a_command_that_is_replayed_is_done_once(mailroom: Mailroom, post: Any) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox create kim@example.com")
    await mailroom.completed(mailroom.ben)
    await replayed(mailroom, post, "slash_commands")
    assert len(await mailroom.mailapi.creates()) == 1
    assert len(await mailroom.roots(mailroom.ana)) == 1


async def test_a_click_that_is_replayed_is_done_once(gated: Mailroom, post: Any) -> None:
    card = await asks(gated)
    await gated.ana.clicks(card, "Approve")
    await gated.completed(gated.ben)
    await replayed(gated, post, "interactive")
    assert len(await gated.mailapi.creates()) == 1
    assert (await audited(gated)).count((gated.ana.id, "approved", "done")) == 1


async def test_a_submission_that_is_replayed_is_done_once(gated: Mailroom, post: Any) -> None:
    card = await asks(gated)
    await rejects(gated, gated.ana, card)
    await gated.root(gated.ben, "Rejected")
    await replayed(gated, post, "interactive")
    assert (await audited(gated)).count((gated.ana.id, "rejected", "done")) == 1
    (root,) = await gated.roots(gated.ana)
    assert sum("Not ours" in said for said in await thread_of(gated, root)) == 1


async def test_an_event_that_is_replayed_is_done_once(mailroom: Mailroom, post: Any) -> None:
    await mailroom.ben.mentions(MAIL, "mailbox create kim@example.com")
    await mailroom.exists("kim@example.com")
    await mailroom.at_rest()
    said = len(await mailroom.ben.sees(MAIL))
    await replayed(mailroom, post, "events_api")
    assert len(await mailroom.mailapi.creates()) == 1
    assert len(await mailroom.ben.sees(MAIL)) == said


async def test_a_delivery_in_flight_is_answered_when_the_bot_is_told_to_end(outside: Mailroom) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secrets = {"SLACK_APP_TOKEN": None, "SLACK_SIGNING_SECRET": SIGNING_SECRET}
    bot = await Bot.start(environment(outside, MAILROOM_PORT=str(port), **secrets))
    command = COMMAND.replace(b"help", b"status")
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            await outside.slack.until(lambda: _healthy(session), what="a bot that runs")
            await outside.slack.fault("users.info", "latency", seconds=1.0)

            async def deliver() -> tuple[int, str]:
                async with session.post("/slack/events", data=command, headers=signed(command)) as answer:
                    return answer.status, await answer.text()

            delivering = asyncio.create_task(deliver())
            await outside.slack.until(lambda: outside.slack.calls("users.info"), what="a question that takes a while")
            assert not delivering.done()
            bot.process.terminate()
            status, text = await delivering
            assert status == 200
            assert "/mail connect" in text
        code, _, error = await bot.ended()
        assert (code, "Traceback" in error) == (0, False)
    finally:
        await bot.killed()


async def _healthy(session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get("/readyz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False
