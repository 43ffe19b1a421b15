import re
from dataclasses import dataclass
from html import unescape
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from sandbox.slack.consent import PATH
from sandbox.slack.refusal import Impossible

_LINK = re.compile(r'href="([^"]*' + re.escape(PATH) + r'[^"]*)"')


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a browser shows: the address at the end of all redirects, and what came from there."""

    url: str
    status: int
    text: str
    headers: dict[str, str]


class Browser:
    """One person's browser, with cookies of its own; takes loopback for as safe as HTTPS, as browsers do."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self.page = Page(url="", status=0, text="", headers={})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def opens(self, url: str) -> Page:
        """Go to an address and follow where it leads."""
        async with self._at(url).get(url) as response:
            return await self._shown(response)

    async def allows(self, user: str, place: str) -> Page:
        """Answer Slack's question with yes, as `user` in a team or organisation, and follow back to the app."""
        return await self.opens(await self.way_back(user, place))

    async def cancels(self) -> Page:
        """Answer it with no, and follow back to the app."""
        return await self.opens(await self._answered({"choice": "cancel"}))

    async def way_back(self, user: str, place: str) -> str:
        """The address to which Slack sends the browser after a yes, not opened yet."""
        return await self._answered({"choice": "allow", "as": f"{place}/{user}"})

    async def _answered(self, answer: dict[str, str]) -> str:
        question = await self._question()
        form = {**question.query, **answer}
        async with self._at(str(question)).post(
            question.with_query(None), data=form, allow_redirects=False
        ) as response:
            if "Location" not in response.headers:
                page = await self._shown(response)
                raise Impossible(f"Slack sends nobody back: {page.text}")
            return response.headers["Location"]

    async def _question(self) -> URL:
        """Where Slack asks; the page that is open, or one to which that has a link."""
        if URL(self.page.url).path != PATH:
            link = _LINK.search(self.page.text)
            if link is None:
                raise Impossible(f"There is no way to Slack from {self.page.url}.")
            await self.opens(str(URL(self.page.url).join(URL(unescape(link[1])))))
        return URL(self.page.url)

    async def _shown(self, response: aiohttp.ClientResponse) -> Page:
        self.page = Page(
            url=str(response.url),
            status=response.status,
            text=await response.text(),
            headers={name.lower(): value for name, value in response.headers.items()},
        )
        return self.page

    def _at(self, url: str) -> aiohttp.ClientSession:
        if self._session is None:
            jar = aiohttp.CookieJar(unsafe=True, treat_as_secure_origin=URL(url).origin())
            self._session = aiohttp.ClientSession(cookie_jar=jar)
        return self._session
