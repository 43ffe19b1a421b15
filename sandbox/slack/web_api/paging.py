import base64
import binascii
from collections.abc import Sequence
from typing import Any

from sandbox.slack.refusal import Refused
from sandbox.slack.web_api.call import Call


def page(call: Call, items: Sequence[Any], default: int = 100) -> tuple[list[Any], dict[str, str]]:
    """One page of `items` and the `response_metadata` with the cursor to the next, empty at the end."""
    start = _position(call.text("cursor"))
    limit = call.number("limit", default)
    if not 0 < limit <= 1000:  # noqa: PLR2004 - Slack's upper limit
        raise Refused("invalid_limit")
    end = start + limit
    return list(items[start:end]), {"next_cursor": _cursor(end) if end < len(items) else ""}


def _cursor(position: int) -> str:
    return base64.b64encode(f"next:{position}".encode()).decode()


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise Refused("invalid_cursor")
