"""An app that takes everything, and remembers the payloads and how they were signed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

from slack_sdk.signature import SignatureVerifier
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.slack import SIGNING_SECRET, SlackControl
from tests.adapters.slack_sandbox.conftest import Doorway

Json = dict[str, Any]


class Receiver:
    """What came, in order; what is not signed gets 401."""

    def __init__(self) -> None:
        self.received: list[Json] = []
        self.answer: Json = {}

    @property
    def last(self) -> Json:
        return self.received[-1]

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if not SignatureVerifier(SIGNING_SECRET).is_valid_request(body, dict(request.headers)):
            return JSONResponse({}, 401)
        self.received.append(_payload(body.decode()))
        return JSONResponse(self.answer) if self.answer else Response()


@asynccontextmanager
async def receiving(slack: SlackControl, doorway: Doorway) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    doorway.opens_to = receiver.take
    await slack.deliver_to(doorway.url)
    yield receiver
    await slack.deliver_to(None)


def _payload(body: str) -> Json:
    if body.startswith("{"):
        event: Json = json.loads(body)
        return event
    form = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
    interaction: Json = json.loads(form["payload"]) if "payload" in form else form
    return interaction
