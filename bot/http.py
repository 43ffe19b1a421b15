"""HTTP: Slack's signed deliveries, and whether the bot is alive."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
import uvicorn
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.arrival import Arrival
from bot.metrics import CONTENT_TYPE

log = structlog.get_logger(__name__)

MOST_BYTES = 1_048_576
"""Slack's deliveries are far smaller."""
MOST_HEAD_BYTES = 32_768
"""Of a request's first line and its headers; an address with an OAuth `state` and `code` has less than 2,000."""
BODY_SECONDS = 3.0
"""How long a body may take to arrive: Slack itself does not wait longer for the answer."""


class _Server(uvicorn.Server):
    """A server that leaves the process's signals to the bot."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@dataclass(frozen=True, kw_only=True)
class State:
    """What is out of order, by name, where nothing means ready; and how many seconds ago the scheduler ticked last."""

    causes: dict[str, str]
    since_tick: float


def build(
    app: AsyncApp | None,
    signing_secret: str,
    state: Callable[[], Awaitable[State]],
    metrics: Callable[[], Awaitable[bytes]],
    others: Sequence[Route] = (),
) -> Starlette:
    """The routes; without an `app`, as in Socket Mode, only those about the bot's own state, and `others`."""

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_request: Request) -> Response:
        now = await state()
        said = {"ready": not now.causes, "causes": now.causes, "since_tick": round(now.since_tick, 1)}
        return JSONResponse(said, status_code=503 if now.causes else 200)

    async def told(_request: Request) -> Response:
        return Response(await metrics(), media_type=CONTENT_TYPE)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", told), *others]
    if app is not None:
        events = _events(app, signing_secret)
        routes.append(Route("/slack/events", events, methods=["POST"], middleware=[Middleware(_Waiting)]))
    return Starlette(routes=routes)


class _Waiting:
    """Notes when a delivery's headers were there, and when the last of its answer was written."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with Arrival().until_answered():
            await self._app(scope, receive, send)


def _events(app: AsyncApp, signing_secret: str) -> Callable[[Request], Awaitable[Response]]:
    """Deliveries whose signature holds and is at most five minutes old; of any other nothing is read or logged.

    Bolt would log the whole body of one that it refuses, and fail at a timestamp that is no number.
    """
    handler = AsyncSlackRequestHandler(app)
    verifier = SignatureVerifier(signing_secret)

    async def events(request: Request) -> Response:
        body = await _bounded_body(request)
        if isinstance(body, Response):
            return body
        if not _is_text(body):
            return PlainTextResponse("not UTF-8", status_code=400)
        if not _signed(verifier, body, request):
            log.warning("delivery refused: the signature does not hold")
            return PlainTextResponse("invalid signature", status_code=401)
        try:
            return await handler.handle(request)
        except Exception:  # our listeners raise nothing, so it is Bolt that could not take the body apart
            log.exception("delivery refused: the body cannot be read")
            return PlainTextResponse("unreadable", status_code=400)

    return events


async def _bounded_body(request: Request) -> bytes | Response:
    """The body, or what is answered where it is too large, of no known length, or does not come.

    The server reads no more than the length says, unless the body comes in chunks, whatever the length says.
    """
    length = request.headers.get("content-length", "")
    if "transfer-encoding" in request.headers or not re.fullmatch("[0-9]{1,20}", length) or int(length) > MOST_BYTES:
        return PlainTextResponse("too large", status_code=413)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.body()
    except TimeoutError:
        return PlainTextResponse("too slow", status_code=408)
    except ClientDisconnect:
        return PlainTextResponse("incomplete", status_code=400)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _signed(verifier: SignatureVerifier, body: bytes, request: Request) -> bool:
    timestamp = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if not re.fullmatch("[0-9]{1,20}", timestamp) or not signature.isascii():
        return False
    return verifier.is_valid(body=body, timestamp=timestamp, signature=signature)


@asynccontextmanager
async def serve(app: Starlette, host: str, port: int) -> AsyncIterator[str]:
    """Serve until the block ends; yields the base URL. Raises `OSError` where the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # The other implementation, httptools, takes a head of any length, which nobody has to sign.
        config = uvicorn.Config(
            app,
            http="h11",
            h11_max_incomplete_event_size=MOST_HEAD_BYTES,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=8,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn offers no event for it
                await asyncio.sleep(0.005)
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving
