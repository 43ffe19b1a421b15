"""Asking Slack's Web API: errors are named by what to do about them, and whether Slack is there is noted."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.outages import SLACK, Outages
from bot.slack_errors import AnswerLost, NotSent, Refused, ScopeMissing, SlackError, TokenRefused, method_of, named

TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=3)


class Transport:
    """Carries what is asked with one token, over a session that all tokens share.

    That Slack refuses the token is an outage, unless there is somebody to tell, since others go on: `refused`.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        session: aiohttp.ClientSession,
        outages: Outages,
        refused: Callable[[TokenRefused], None] | None = None,
    ) -> None:
        self.client = client
        self._session = session
        self._outages = outages
        self._refused = refused

    @classmethod
    @asynccontextmanager
    async def open(cls, token: str | None, api_url: str, outages: Outages) -> AsyncIterator[Self]:
        """A client without retries of its own: a lost answer to a post must never become a second post."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            client = AsyncWebClient(token, base_url=f"{api_url}/", session=session, retry_handlers=[])
            yield cls(client, session, outages)

    def client_with(self, token: str | None) -> AsyncWebClient:
        """A client with another token, or none, over the same session."""
        return AsyncWebClient(token, base_url=self.client.base_url, session=self._session, retry_handlers=[])

    def with_token(self, token: str | None, refused: Callable[[TokenRefused], None] | None = None) -> Self:
        """The same with another token."""
        return type(self)(self.client_with(token), self._session, self._outages, refused)

    async def answer(self, asked: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
        """Slack's answer to what the client has `asked`; raises `SlackError`."""
        try:
            found = await asked
        except SlackApiError as error:
            failure = named(error)
        except aiohttp.ClientConnectorError as error:
            failure = NotSent(type(error).__name__)
        except (aiohttp.ClientError, TimeoutError) as error:
            failure = AnswerLost(type(error).__name__)
        else:
            self._outages.works(SLACK)
            self._outages.works(outage_of(method_of(found)))
            return found
        self._note(failure)
        raise failure

    async def accepted(self, asked: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
        """The same where the question is whether a token works: raises `Refused` where it does not."""
        try:
            return await self.answer(asked)
        except TokenRefused as error:
            raise Refused(str(error)) from None

    async def pages(self, ask: Callable[..., Awaitable[AsyncSlackResponse]]) -> AsyncIterator[AsyncSlackResponse]:
        """All pages of an answer; `ask` is given the cursor of each, which is empty for the first."""
        cursor = ""
        while True:
            answer = await self.answer(ask(cursor))
            yield answer
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    async def failure_of_post(self, url: str, **body: Any) -> str | None:
        """Post to an address that is a secret; gives what went wrong, without it, or `None`."""
        try:
            async with self._session.post(url, **body) as answer:
                return None if answer.status == 200 else f"status {answer.status}"  # noqa: PLR2004 - the only yes
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return type(error).__name__

    def _note(self, error: SlackError) -> None:
        """Whether Slack is there, and works for us; a scope that one method lacks stops no other."""
        match error:
            case NotSent() | AnswerLost():
                self._outages.failed(SLACK, str(error))
            case TokenRefused() if self._refused is not None:
                self._outages.works(SLACK)
                self._refused(error)
            case ScopeMissing():
                self._outages.works(SLACK)
                self._outages.failed(outage_of(error.method), f"the token lacks a scope ({error})")
            case TokenRefused():
                self._outages.failed(SLACK, f"the token is refused ({error})")
            case _:
                self._outages.works(SLACK)


def outage_of(method: str) -> str:
    """The name under which it is noticed that one method lacks its scope."""
    return f"{SLACK} {method}"
