"""What stands before the eight endpoints: it records every request and lets go wrong what was asked to."""

import asyncio
import json
from typing import Any, assert_never
from urllib.parse import parse_qsl

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.mailapi import connection
from sandbox.mailapi.faults import EndpointName, Fault, FaultKind
from sandbox.mailapi.provider import provider_of
from sandbox.mailapi.refusals import contract

ENDPOINTS: dict[tuple[str, str], EndpointName] = {
    ("GET", "/api/v1/list/domain"): "list_domain",
    ("POST", "/api/v1/create/domain"): "create_domain",
    ("POST", "/api/v1/create/sub-domain"): "create_subdomain",
    ("POST", "/api/v1/create/mailbox/single"): "create_mailbox_single",
    ("POST", "/api/v1/create/mailbox/bulk"): "create_mailbox_bulk",
    ("GET", "/api/v1/list/mailbox"): "list_mailbox",
    ("GET", "/api/v1/get/mailbox/single"): "get_mailbox_single",
    ("GET", "/api/v1/get/mailbox/bulk"): "get_mailbox_bulk",
}

_PROXY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_UNREADABLE: dict[FaultKind, tuple[int, str, bytes]] = {
    "html": (502, "text/html", _PROXY_PAGE),
    "malformed": (200, "application/json", b'{"status": "success", "task_'),
    "empty": (200, "application/json", b""),
}
"""Status, type and body of the answers that no client can parse."""


class Front:
    """Middleware that carries a request out first and only then decides what its client gets to see."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        endpoint = ENDPOINTS.get((scope.get("method", ""), scope.get("path", "")))
        if endpoint is None:
            await self._app(scope, receive, send)
        else:
            await self._serve(endpoint, scope, receive, send)

    async def _serve(self, endpoint: EndpointName, scope: Scope, receive: Receive, send: Send) -> None:
        provider = provider_of(scope["app"])
        body = await _read(receive)
        fault = provider.faults.take(endpoint)
        answer = _Answer()
        if fault is None or fault.applies_request():
            await self._app(scope, _replay(body, receive), answer.keep)
        shown = _shown(fault, answer)
        provider.record.add(
            endpoint,
            _parameters(scope, body),
            status=shown.status_code if shown else None,
            applied=answer.succeeded(),
        )
        if fault is not None and fault.seconds:
            await asyncio.sleep(fault.seconds)
        if shown is not None:
            await shown(scope, receive, send)
        elif fault is not None and fault.kind == "drop":
            await connection.closed(receive)
        else:
            await connection.reset(scope, receive)


class _Answer:
    """The answer of an endpoint, held back."""

    def __init__(self) -> None:
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = b""

    async def keep(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = list(message["headers"])
        else:
            self._body += message.get("body", b"")

    def succeeded(self) -> bool:
        return 200 <= self._status < 300  # noqa: PLR2004 - the class of codes that means success

    def response(self) -> Response:
        response = Response(self._body, self._status)
        response.raw_headers = self._headers
        return response


def _shown(fault: Fault | None, answer: _Answer) -> Response | None:
    """What the client gets to see; `None` if nothing."""
    if fault is None:
        return answer.response()
    match fault.kind:
        case "latency":
            return answer.response()
        case "reset_before" | "reset_after" | "drop":
            return None
        case "status":
            return contract(fault.status or 500, fault.reason)
        case "rate_limited":
            return _rate_limited(fault.retry_after)
        case "html" | "malformed" | "empty":
            status, media_type, body = _UNREADABLE[fault.kind]
            return Response(body, fault.status or status, media_type=media_type)
        case _:
            assert_never(fault.kind)


def _rate_limited(retry_after: int | None) -> Response:
    response = contract(429, "Too many requests.")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read already, then whatever the server says next."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _parameters(scope: Scope, body: bytes) -> dict[str, Any]:
    """The query of a GET, the JSON object of a POST; empty where that is unreadable."""
    if scope["method"] == "GET":
        return dict(parse_qsl(scope["query_string"].decode()))
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
