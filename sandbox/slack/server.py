import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.serving import serve
from sandbox.slack import consent, keeping, neighbours, static
from sandbox.slack.control import routes
from sandbox.slack.platform import Platform
from sandbox.slack.playground import Playground
from sandbox.slack.web_api import endpoint, handed_out
from sandbox.slack.world import World

_POST = ["POST"]
_RESPONSE_KINDS = ("commands", "actions", "app")


def create_app(
    world: World | None = None, playground: Playground | None = None, *, file: Path | None = None
) -> "SlackApp":
    """A Slack with `world`, or with Lumen and its neighbours: Web API, Socket Mode, OAuth, control and the page.

    `playground` is what the page offers beside the Slack itself. With `file` the world outlives the application; what
    is in it comes before `world`. Raises `keeping.Unreadable`.
    """
    platform = Platform(world or neighbours.world(), playground)
    if file is not None:
        platform.world = keeping.read(file) or platform.world

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with keeping.kept(platform, file):
            yield
            await platform.close()

    app = Starlette(routes=_routes(platform), lifespan=lifespan)
    return SlackApp(app, platform)


def run_forever(port: int, world: World | None = None, *, ready: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is told the base URL. Raises `OSError` where the port is taken."""
    with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
        runner.run(_serve_until_stopped(port, world, ready))


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - it does not exist for every system
    except ImportError:
        return None
    return cast("Callable[[], asyncio.AbstractEventLoop]", uvloop.new_event_loop)


async def _serve_until_stopped(port: int, world: World | None, ready: Callable[[str], None] | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    app = create_app(world)
    async with serve(app, port=port, leave=app.leave) as base_url:
        if ready is not None:
            ready(base_url)
        await stop.wait()


class SlackApp:
    """The application: tells the platform its address, and hands each request its transport, so that it can be cut."""

    def __init__(self, app: ASGIApp, platform: Platform) -> None:
        self._app = app
        self._platform = platform

    def leave(self) -> None:
        """Answer those who wait for something to happen, as this is about to end."""
        self._platform.journal.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one connection."""
        if scope["type"] != "lifespan":
            # uvicorn's `send` is a method of the object that holds the connection; ASGI itself has no way to cut one.
            scope["sandbox.transport"] = getattr(getattr(send, "__self__", None), "transport", None)
            self._learn_address(scope)
        await self._app(scope, receive, send)

    def _learn_address(self, scope: Scope) -> None:
        # The app's own calls say under which name it reaches us; other callers count only before the first of those.
        if scope["path"].startswith("/api/") or not self._platform.base_url:
            host = next((value for name, value in scope["headers"] if name == b"host"), b"127.0.0.1").decode()
            self._platform.base_url = f"http://{host}"


def _routes(platform: Platform) -> list[Any]:
    def bound(answer: Callable[[Platform, Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def respond(request: Request) -> Response:
            return await answer(platform, request)

        return respond

    return [
        Route("/api/{method}", bound(endpoint.respond), methods=["GET", "POST"]),
        Route("/_sandbox/{word}", bound(routes.respond), methods=_POST),
        Route("/upload/v1/{file}", bound(handed_out.upload), methods=_POST),
        *(
            Route(f"/{kind}/{{team}}/{{key}}", bound(handed_out.response_url), methods=_POST)
            for kind in _RESPONSE_KINDS
        ),
        Route(consent.PATH, bound(consent.ask), methods=["GET"]),
        Route(consent.PATH, bound(consent.answer), methods=_POST),
        WebSocketRoute("/link/", platform.sockets.serve),
        *static.ROUTES,
    ]
