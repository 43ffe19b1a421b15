"""Signed HTTP: only what Slack has signed within five minutes is taken, and of the rest nothing is read or logged."""

import io
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio

from sandbox.slack import BEN, MAIL, SIGNING_SECRET, TEAM
from sandbox.slack.delivery.signed_http import FORM, JSON, signature
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
