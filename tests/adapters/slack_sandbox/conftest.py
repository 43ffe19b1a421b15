import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from slack_bolt.adapter.socket_mode.websockets import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.websockets import SocketModeClient
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.serving import serve
from sandbox.slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackControl, create_app

Handler = Callable[..., Awaitable[None]]
ANYTHING = re.compile(".*")
HERE = Path(__file__).parent
# One server, and so one event loop, for all tests: stopping uvicorn takes 0.2 s. Each test starts with a reset.
fixture = partial(pytest_asyncio.fixture, loop_scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


class Bot:
    """A Bolt app whose answers a test sets by kind; without one it acknowledges and says nothing."""

    def __init__(self, client: AsyncWebClient) -> None:
        self.client = client
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.headers: list[dict[str, Any]] = []
        self.does: dict[str, Handler] = {}
        self.app = AsyncApp(client=client, signing_secret=SIGNING_SECRET, process_before_response=True)
        self.app.command(ANYTHING)(self._listener("command"))
        self.app.action(ANYTHING)(self._listener("action"))
        self.app.view_submission(ANYTHING)(self._listener("view"))
        self.app.view_closed(ANYTHING)(self._listener("closed"))
        self.app.options(ANYTHING)(self._listener("options"))
        self.app.shortcut(ANYTHING)(self._listener("shortcut"))
        self.app.event("app_mention")(self._listener("mention"))
        self.app.event("message")(self._listener("message"))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [body for received, body in self.received if received == kind]

    def _listener(self, kind: str) -> Handler:
        async def listen(ack: Any, body: dict[str, Any], request: Any) -> None:
            self.received.append((kind, body))
            self.headers.append(request.headers)
            if kind in self.does:
                await self.does[kind](ack, body)
            else:
                await ack()

        return listen


@fixture(scope="session")
async def base_url() -> AsyncIterator[str]:
    async with serve(create_app()) as url:
        yield url


@fixture()
async def slack(base_url: str) -> AsyncIterator[SlackControl]:
    async with SlackControl(base_url) as control:
        await control.reset()
        yield control


@fixture()
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def client(slack: SlackControl, session: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url, session=session, retry_handlers=[])


@pytest.fixture
def bot(client: AsyncWebClient) -> Bot:
    return Bot(client)


@asynccontextmanager
async def _over_socket(bot: Bot, slack: SlackControl) -> AsyncIterator[SocketModeClient]:
    handler = AsyncSocketModeHandler(bot.app, APP_TOKEN, web_client=bot.client, ping_interval=0.05)
    await handler.client.connect()  # type: ignore[no-untyped-call] # Bolt leaves it untyped
    await slack.connected(1)
    yield handler.client
    await handler.client.close()  # type: ignore[no-untyped-call] # the same
    await slack.until(lambda: _none_open(slack), what="the end of all sockets")


async def _none_open(slack: SlackControl) -> bool:
    return await slack.connections() == 0


class Doorway:
    """The app's HTTP server; `opens_to` is the handler of the test that runs."""

    def __init__(self) -> None:
        self.opens_to: Callable[[Request], Awaitable[Response]] | None = None
        self.url = ""

    async def handle(self, request: Request) -> Response:
        assert self.opens_to is not None
        return await self.opens_to(request)


@fixture(scope="session")
async def doorway() -> AsyncIterator[Doorway]:
    door = Doorway()
    async with serve(Starlette(routes=[Route("/slack/events", door.handle, methods=["POST"])])) as url:
        door.url = f"{url}/slack/events"
        yield door


@asynccontextmanager
async def _over_http(bot: Bot, slack: SlackControl, doorway: Doorway) -> AsyncIterator[None]:
    doorway.opens_to = AsyncSlackRequestHandler(bot.app).handle
    await slack.deliver_to(doorway.url)
    yield
    await slack.deliver_to(None)


@fixture()
async def socket(bot: Bot, slack: SlackControl) -> AsyncIterator[SocketModeClient]:
    async with _over_socket(bot, slack) as opened:
        yield opened


@fixture()
async def http(bot: Bot, slack: SlackControl, doorway: Doorway) -> AsyncIterator[Doorway]:
    async with _over_http(bot, slack, doorway):
        yield doorway


@fixture(params=["socket", "http"])
async def running(
    request: pytest.FixtureRequest, bot: Bot, slack: SlackControl, doorway: Doorway
) -> AsyncIterator[Bot]:
    async with _over_socket(bot, slack) if request.param == "socket" else _over_http(bot, slack, doorway):
        yield bot
