import asyncio
import copy
import dataclasses
import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from sandbox.slack.clock import Clock
from sandbox.slack.codes import Codes
from sandbox.slack.delivery.signed_http import Sent
from sandbox.slack.delivery.sockets import Sockets
from sandbox.slack.faults import Faults
from sandbox.slack.journal import Journal
from sandbox.slack.playground import Playground
from sandbox.slack.tickets import ResponseUrls, Triggers
from sandbox.slack.world import Channel, Workspace, World


@dataclass(kw_only=True)
class Settings:
    """What a test may change about Slack's manners."""

    ack_seconds: float = 3.0
    event_retry_seconds: list[float] = field(default_factory=lambda: [0.0, 60.0, 300.0])
    posts_per_second: float | None = None
    post_burst: int = 4
    refresh_seconds: float = 10.0
    refresh_grace_seconds: float = 0.0


class Platform:
    """A running Slack: the world and everything that is under way in it."""

    def __init__(self, world: World, playground: Playground | None = None) -> None:
        self._first = copy.deepcopy(world)
        self.playground = playground or Playground()
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.sockets = Sockets()
        self.request_url: str | None = None
        self.base_url = ""
        self.journal = Journal(Clock())
        self.reset()

    def reset(self) -> None:
        """Forget all that happened; the app stays connected."""
        self.world = copy.deepcopy(self._first)
        self.clock = Clock()
        self.journal.close()
        self.settings = Settings()
        self.journal = Journal(self.clock)
        self.sockets.journal = self.journal
        self.triggers = Triggers(self.clock)
        self.response_urls = ResponseUrls(self.clock)
        self.codes = Codes(self.clock)
        self.sent = list[Sent]()
        self.late: list[dict[str, Any]] = []
        self.faults = Faults()
        self.calls: list[dict[str, Any]] = []
        self.envelopes: list[dict[str, Any]] = []
        self.posts: dict[str, list[float]] = {}
        for task in self._tasks:
            task.cancel()

    @property
    def home(self) -> Workspace:
        """The workspace that the control API means when it names none: the first."""
        return next(iter(self.world.workspaces.values()))

    @property
    def http(self) -> aiohttp.ClientSession:
        """The session with which Slack calls the app."""
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` beside the current request; `close` ends it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def channel_named(self, workspace: Workspace, name: str) -> Channel | None:
        """The channel with this id, or with this name with or without its `#`."""
        if found := workspace.channels.get(name):
            return found
        wanted = name.removeprefix("#")
        return next((each for each in workspace.channels.values() if each.name == wanted and each.kind != "im"), None)

    def everything(self) -> str:
        """All text that was ever stored or sent, in one string; of Slack's own credentials there is nothing in it."""
        world = dataclasses.asdict(self.world)
        places = [
            _without(place, ("bot_token", "app_token", "signing_secret")) for place in world["workspaces"].values()
        ]
        state = [world["organisations"], places, self.journal.entries, self.calls, self.envelopes]
        return json.dumps(state, default=_plain, ensure_ascii=False)

    async def close(self) -> None:
        """End what is still under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None


def _without(place: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in place.items() if name not in names}


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return sorted(value)
