import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from sandbox.slack.world import Workspace

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


async def send(
    session: aiohttp.ClientSession,
    url: str,
    workspace: Workspace,
    *,
    kind: str,
    payload: dict[str, Any],
    seconds: float,
    retry: tuple[int, str] | None = None,
) -> Any:
    """Deliver to the app's request URL; the decoded answer, `None` for an empty one.

    Raises `NotTaken` where the answer is late or not 200.
    """
    content_type, body = body_of(kind, payload)
    headers = _headers(workspace, content_type, body) | _retry_headers(retry)
    try:
        async with session.post(
            url, data=body, headers=headers, timeout=aiohttp.ClientTimeout(total=seconds), allow_redirects=False
        ) as response:
            answer = await response.read()
            if not response.ok:
                raise NotTaken("http_error", final=response.headers.get("X-Slack-No-Retry") == "1")
            return _decoded(response.content_type, answer)
    except TimeoutError as late:
        raise NotTaken("http_timeout") from late
    except aiohttp.ClientError as broken:
        raise NotTaken("connection_failed") from broken


def _headers(workspace: Workspace, content_type: str, body: bytes) -> dict[str, str]:
    # The real time: the receiver compares it with its own clock, whatever a test has advanced ours by.
    timestamp = str(int(time.time()))
    return {
        "Content-Type": content_type,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature(workspace.signing_secret, timestamp, body),
    }


def _retry_headers(retry: tuple[int, str] | None) -> dict[str, str]:
    return {"X-Slack-Retry-Num": str(retry[0]), "X-Slack-Retry-Reason": retry[1]} if retry else {}


def _decoded(content_type: str, body: bytes) -> Any:
    if not body:
        return None
    return json.loads(body) if content_type == JSON else {"text": body.decode()}
