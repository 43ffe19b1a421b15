import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp

JSON = "application/json"
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


@dataclass(frozen=True, kw_only=True)
class Retry:
    """Which delivery of an event this is after the first, and why the one before failed."""

    number: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class SignedHttp:
    """Delivers to an app's request URL, signed with its secret."""

    session: aiohttp.ClientSession
    url: str
    secret: str

    async def send(self, kind: str, payload: dict[str, Any], *, seconds: float, retry: Retry | None = None) -> Any:
        """The decoded answer, `None` for an empty one; raises `NotTaken` where it is late or no success."""
        content_type, body = body_of(kind, payload)
        headers = self._headers(content_type, body) | _retry_headers(retry)
        limit = aiohttp.ClientTimeout(total=seconds)
        try:
            async with self.session.post(
                self.url, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                return await _taken(kind, response)
        except TimeoutError as late:
            raise NotTaken("http_timeout") from late
        except aiohttp.ClientError as broken:
            raise NotTaken("connection_failed") from broken

    def _headers(self, content_type: str, body: bytes) -> dict[str, str]:
        # The real time: the receiver compares it with its own clock, whatever a test has advanced ours by.
        timestamp = str(int(time.time()))
        return {
            "Content-Type": content_type,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self.secret, timestamp, body),
        }


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
