"""The page as two people use it: what they read, press and fill in."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

from sandbox.slack import BOT_TOKEN, MAIL
from tests.flows.stage import Mailroom

DESKTOP = (1440, 900)
PHONE = (390, 780)


@dataclass
class Screen:
    """One of the two panes."""

    pane: Locator

    @property
    def composer(self) -> Locator:
        return self.pane.get_by_role("combobox", name="Message")

    @property
    def form(self) -> Locator:
        return self.pane.get_by_role("dialog")

    @property
    def thread(self) -> Locator:
        return self.pane.get_by_role("region", name="Thread")

    @property
    def room(self) -> Locator:
        return self.pane.locator(".room")

    def message(self, text: str) -> Locator:
        """The newest message of the channel that says this."""
        return self.room.locator(".message").filter(has_text=text).last

    async def types(self, line: str) -> None:
        await self.composer.fill(line)
        await self.composer.press("Enter")

    async def connects(self, key: str, caller_id: int) -> None:
        await self.types("/mail connect")
        await self.form.get_by_label("API key").fill(key)
        await self.form.get_by_label("Caller id").fill(str(caller_id))
        await self.form.get_by_role("button", name="Connect", exact=True).click()
        await expect(self.form).to_contain_text("Connected with the key")
        await self.form.get_by_role("button", name="Close", exact=True).click()


@dataclass
class Desk:
    """The open page."""

    page: Page

    @property
    def ana(self) -> Screen:
        return Screen(self.page.get_by_role("region", name="The screen of Ana Lindqvist"))

    @property
    def ben(self) -> Screen:
        return Screen(self.page.get_by_role("region", name="The screen of Ben Okafor"))

    async def bot_says(self, mailroom: Mailroom, text: str, blocks: list[dict[str, Any]]) -> None:
        """A message with the bot's token, but not from its code: what it might say one day."""
        said = {"token": BOT_TOKEN, "channel": MAIL, "text": text, "blocks": json.dumps(blocks)}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{mailroom.slack.api_url}chat.postMessage", data=said) as answer,
        ):
            assert (await answer.json())["ok"], await answer.json()

    async def opens(self, url: str) -> None:
        await self.page.goto(url)
        await self.page.locator("body[data-ready=yes]").wait_for()


@asynccontextmanager
async def desk(
    browser: Browser, url: str, size: tuple[int, int] = DESKTOP, *, dark: bool = False, may_end: bool = False
) -> AsyncIterator[Desk]:
    """The page in a fresh browser profile; nothing in it may have gone wrong by the end.

    With `may_end` the server may end under it: what the browser itself says of that does not count.
    """
    width, height = size
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", locale="en-GB"
    )
    wrong: list[str] = []
    try:
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if _is_wrong(message, may_end=may_end) else None)
        opened = Desk(page)
        await opened.opens(url)
        yield opened
    finally:
        await context.close()
    assert not wrong, wrong


def _is_wrong(message: ConsoleMessage, *, may_end: bool) -> bool:
    return message.type == "error" and not (may_end and "net::ERR_" in message.text)
