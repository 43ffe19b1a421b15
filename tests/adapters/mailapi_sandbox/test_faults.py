"""Each fault as a client sees it that knows nothing of HTTP libraries and their kind names for it."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.mailapi import MailAPIControl, create_app

pytestmark = pytest.mark.asyncio(loop_scope="module")

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


class RawClient:
    """Sends one Create Domain and reads what comes back, to the end of the connection."""

    def __init__(self, url: str, key: str) -> None:
        self._address = urlsplit(url)
        self._key = key

    async def create_domain(self, name: str) -> bytes:
        async with self._connection() as (reader, writer):
            writer.write(self._request(name))
            return await reader.read()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _request(self, name: str) -> bytes:
        body = json.dumps({"Domain": name, "Params": {}, "key": self._key})
        head = "POST /api/v1/create/domain HTTP/1.1\r\nHost: sandbox\r\nConnection: close\r\n"
        return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.fixture
def raw(url: str, control: MailAPIControl, key: str) -> RawClient:
    del control  # only so that the account is there
    return RawClient(url, key)


def parts(answer: bytes) -> tuple[int, str, bytes]:
    """The status code, the head in lower case and the body."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), body


@pytest.mark.parametrize(("kind", "applied"), [pytest.param("reset_before", False), pytest.param("reset_after", True)])
async def test_a_reset_is_a_reset(raw: RawClient, control: MailAPIControl, kind: Any, *, applied: bool) -> None:
    await control.fault("create_domain", kind)
    with pytest.raises(ConnectionResetError):
        await raw.create_domain("example.com")
    assert ("example.com" in await control.domains()) is applied
    assert [(request.status, request.applied) for request in await control.requests()] == [(None, applied)]


async def test_a_dropped_answer_never_comes_although_the_request_was_applied(
    raw: RawClient, control: MailAPIControl, eventually: Eventually
) -> None:
    await control.fault("create_domain", "drop")
    waiting = asyncio.create_task(raw.create_domain("example.com"))

    async def applied() -> bool:
        return bool(await control.creates())

    await eventually(applied)
    assert "example.com" in await control.domains()
    # The answer would have been on its way before the request was in the record that we have just read.
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_latency_delays_the_answer_only(raw: RawClient, control: MailAPIControl) -> None:
    await control.fault("create_domain", "latency", seconds=0.2)
    began = time.monotonic()
    code, _, body = parts(await raw.create_domain("example.com"))
    assert time.monotonic() - began >= 0.2
    assert (code, json.loads(body)) == (200, {"status": "success", "domain": "example.com"})


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_is_not_applied(raw: RawClient, control: MailAPIControl, status: int) -> None:
    await control.fault("create_domain", "status", status=status, reason="Try later.")
    code, _, body = parts(await raw.create_domain("example.com"))
    assert (code, json.loads(body)) == (status, {"status": "error", "reason": "Try later."})
    assert await control.domains() == {}


async def test_a_server_error_may_come_after_the_request_was_applied(raw: RawClient, control: MailAPIControl) -> None:
    await control.fault("create_domain", "status", applied=True)
    assert parts(await raw.create_domain("example.com"))[0] == 500
    assert "example.com" in await control.domains()
    assert [(request.status, request.applied) for request in await control.creates()] == [(500, True)]


async def test_an_error_may_come_under_200(raw: RawClient, control: MailAPIControl) -> None:
    await control.fault("create_domain", "status", status=200, reason="No.")
    code, _, body = parts(await raw.create_domain("example.com"))
    assert (code, json.loads(body)) == (200, {"status": "error", "reason": "No."})


async def test_a_proxy_answers_with_html(raw: RawClient, control: MailAPIControl) -> None:
    await control.fault("create_domain", "html")
    code, head, body = parts(await raw.create_domain("example.com"))
    assert code == 502
    assert "content-type: text/html" in head
    assert body.startswith(b"<html>")
    assert await control.creates() == []


async def test_malformed_json_is_announced_as_json(raw: RawClient, control: MailAPIControl) -> None:
    await control.fault("create_domain", "malformed")
    code, head, body = parts(await raw.create_domain("example.com"))
    assert code == 200
    assert "content-type: application/json" in head
    with pytest.raises(json.JSONDecodeError):
        json.loads(body)
    assert "example.com" in await control.domains()


async def test_an_empty_answer_has_no_body(raw: RawClient, control: MailAPIControl) -> None:
    await control.fault("create_domain", "empty")
    code, _, body = parts(await raw.create_domain("example.com"))
    assert (code, body) == (200, b"")
    assert "example.com" in await control.domains()


@pytest.mark.parametrize("retry_after", [None, 7])
async def test_a_rate_limit_may_say_when_to_come_back(
    raw: RawClient, control: MailAPIControl, retry_after: int | None
) -> None:
    await control.fault("create_domain", "rate_limited", retry_after=retry_after)
    code, head, body = parts(await raw.create_domain("example.com"))
    assert (code, json.loads(body)) == (429, {"status": "error", "reason": "Too many requests."})
    assert ("retry-after: 7" in head) is (retry_after == 7)
    assert await control.creates() == []


async def test_a_fault_happens_as_often_as_it_was_set(raw: RawClient, control: MailAPIControl) -> None:
    await control.fault("create_domain", "status", times=2)
    codes = [parts(await raw.create_domain("example.com"))[0] for _ in range(3)]
    assert codes == [500, 500, 200]


async def test_a_fault_without_a_number_lasts_until_it_is_cleared(raw: RawClient, control: MailAPIControl) -> None:
    await control.fault("any", "status", times=None)
    codes = [parts(await raw.create_domain("example.com"))[0] for _ in range(3)]
    await control.clear_faults()
    assert [*codes, parts(await raw.create_domain("example.com"))[0]] == [500, 500, 500, 200]


async def test_faults_happen_in_the_order_in_which_they_were_set(raw: RawClient, control: MailAPIControl) -> None:
    await control.fault("create_domain", "status", status=503)
    await control.fault("any", "html")
    codes = [parts(await raw.create_domain("example.com"))[0] for _ in range(3)]
    assert codes == [503, 502, 200]


async def test_a_fault_concerns_its_endpoint_only(
    raw: RawClient, api: httpx.AsyncClient, control: MailAPIControl, key: str
) -> None:
    await control.fault("list_domain", "reset_before")
    assert parts(await raw.create_domain("example.com"))[0] == 200
    with pytest.raises(httpx.ReadError):
        await api.get("/v1/list/domain", params={"key": key, "caller_id": 123})


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"endpoint": "nowhere", "kind": "html"}, id="endpoint"),
        pytest.param({"endpoint": "any", "kind": "earthquake"}, id="kind"),
        pytest.param({"endpoint": "any", "kind": "html", "colour": "red"}, id="option"),
    ],
)
async def test_a_fault_that_does_not_exist_cannot_be_set(control: MailAPIControl, fault: Any) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        await control.fault(**fault)


async def test_only_a_real_connection_can_be_reset(key: str) -> None:
    app = create_app()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sandbox") as client,
    ):
        await client.post("/_control/faults", json={"endpoint": "any", "kind": "reset_before"})
        with pytest.raises(RuntimeError, match="Only under uvicorn"):
            await client.get("/api/v1/list/domain", params={"key": key, "caller_id": 123})
