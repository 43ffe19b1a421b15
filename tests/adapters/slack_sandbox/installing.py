"""An app that somebody installs: its way to Slack and back, and what it gets for the code."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from typing import Any
from urllib.parse import urlencode

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.serving import serve
from sandbox.slack import CLIENT_ID, CLIENT_SECRET, SlackControl
from sandbox.slack.consent import PATH

Json = dict[str, Any]
SCOPES = "commands,chat:write"


class InstallableApp:
    """Sends people to Slack, and takes the code of whoever comes back with the cookie that he was given."""

    def __init__(self, slack: SlackControl) -> None:
        self._slack = slack
        self.url = ""
        self.came_back: list[dict[str, str]] = []

    @property
    def install_url(self) -> str:
        return f"{self.url}/slack/install"

    @property
    def redirect_uri(self) -> str:
        return f"{self.url}/slack/oauth_redirect"

    def question(self, **changes: str) -> str:
        asked = {"client_id": CLIENT_ID, "scope": SCOPES, "state": "s", "redirect_uri": self.redirect_uri} | changes
        return f"{self._slack.base_url}{PATH}?{urlencode({name: value for name, value in asked.items() if value})}"

    async def invites(self, _request: Request) -> Response:
        return HTMLResponse(f'<a href="{escape(self.question())}">Add to Slack</a>')

    async def sends_away(self, _request: Request) -> Response:
        answer = RedirectResponse(self.question())
        answer.set_cookie("browser", "s", httponly=True, secure=True)
        return answer

    async def takes_back(self, request: Request) -> Response:
        self.came_back.append(dict(request.query_params))
        known = request.cookies.get("browser") == request.query_params.get("state")
        return PlainTextResponse("installed" if known else "another browser", 200 if known else 403)

    async def access(self, session: aiohttp.ClientSession, **arguments: str) -> Json:
        """oauth.v2.access with the app's credentials."""
        credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        async with session.post(f"{self._slack.api_url}oauth.v2.access", data=credentials | arguments) as response:
            answer: Json = await response.json()
            return answer

    async def installed(self, session: aiohttp.ClientSession, user: str, place: str) -> Json:
        """The whole way, to the token."""
        await self._slack.app.install(self.install_url, user, place)
        return await self.access(session, code=self.came_back[-1]["code"], redirect_uri=self.redirect_uri)


@asynccontextmanager
async def installable(slack: SlackControl) -> AsyncIterator[InstallableApp]:
    app = InstallableApp(slack)
    routes = [
        Route("/", app.invites),
        Route("/slack/install", app.sends_away),
        Route("/slack/oauth_redirect", app.takes_back),
    ]
    async with serve(Starlette(routes=routes)) as app.url:
        yield app
