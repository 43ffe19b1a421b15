import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp

JSON = "application/json"
_HEADERS = {"User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
FORM = "application/x-www-form-urlencoded"


class NotTaken(Exception):
    """The app's server did not take a delivery; `reason` is Slack's word for it, `final` forbids a retry."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.final = final


def body_of(kind: str, payload: dict[str, Any]) -> tuple[str, bytes]:
    """Content type and body in which Slack sends a payload of `kind` over HTTP."""
    match kind:
        case "events_api":
            return JSON, json.dumps(payload).encode()
        case "slash_commands":
            return FORM, urlencode(payload).encode()
        case _:
            return FORM, urlencode({"payload": json.dumps(payload)}).encode()


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's signature, version v0."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def stamped(secret: str, body: bytes, *, age: float = 0.0) -> dict[str, str]:
    """The headers with which Slack signs a body that it sent so many seconds ago."""
    # The real time: the receiver compares it with its own clock, whatever a test has advanced ours by.
    timestamp = str(int(time.time() - age))
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature(secret, timestamp, body)}


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Which delivery of an event this is after the first, and why the one before failed."""

    number: int
    reason: str


@dataclass(kw_only=True)
class Sent:
    """One request as it went over the wire; `status` is `None` where no answer came."""

    kind: str
    headers: dict[str, str]
    body: bytes
    status: int | None = None


@dataclass(frozen=True, kw_only=True)
class SignedHttp:
    """Delivers to an app's request URL, signed with its secret; what it sends is added to `sent`."""

    session: aiohttp.ClientSession
    url: str
    secret: str
    sent: list[Sent] = field(default_factory=list)

    async def send(self, kind: str, payload: dict[str, Any], *, seconds: float, retry: Retry | None = None) -> Any:
        """The decoded answer, `None` for an empty one; raises `NotTaken` where it is late or no success."""
        content_type, body = body_of(kind, payload)
        headers = {**_HEADERS, "Content-Type": content_type, **stamped(self.secret, body), **_retry_headers(retry)}
        request = Sent(kind=kind, headers=headers, body=body)
        self.sent.append(request)
        limit = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self.session.post(
                self.url, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                request.status = response.status
                return await _taken(kind, response)
        except TimeoutError as late:
            raise NotTaken("http_timeout") from late
        except aiohttp.ClientError as broken:
            raise NotTaken("connection_failed") from broken


def _retry_headers(retry: Retry | None) -> dict[str, str]:
    return {"X-Slack-Retry-Num": str(retry.number), "X-Slack-Retry-Reason": retry.reason} if retry else {}


async def _taken(kind: str, response: aiohttp.ClientResponse) -> Any:
    answer = await response.read()
    # Any success will do for an event; an interaction wants 200 and nothing else.
    taken = response.status // 100 == 2 if kind == "events_api" else response.status == HTTPStatus.OK  # noqa: PLR2004
    if not taken:
        raise NotTaken("http_error", final=response.headers.get("X-Slack-No-Retry") == "1")
    try:
        return _decoded(response.content_type, answer)
    except ValueError as nonsense:
        raise NotTaken("unknown_error") from nonsense


def _decoded(content_type: str, body: bytes) -> Any:
    if not body:
        return None
    return json.loads(body) if content_type == JSON else {"text": body.decode()}
