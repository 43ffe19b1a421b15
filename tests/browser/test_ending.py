"""The demo ends under an open page, and is started again."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, expect

from sandbox.serving import serve
from sandbox.slack import create_app
from tests.browser.screens import DESKTOP, PHONE, desk


@asynccontextmanager
async def slack(file: Path, url: str = "") -> AsyncIterator[str]:
    """A Slack whose world outlives it, at `url` where it is to be where it was."""
    app = create_app(file=file)
    async with serve(app, port=urlsplit(url).port or 0, leave=app.leave) as served:
        yield served


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_a_page_says_that_the_demo_ended_and_goes_on_once_it_is_back(
    browser: Browser, tmp_path: Path, size: tuple[int, int]
) -> None:
    file = tmp_path / "slack.json"
    async with AsyncExitStack() as first:
        url = await first.enter_async_context(slack(file))
        async with desk(browser, url, size, may_end=True) as page:
            await page.page.get_by_role("button", name="Behind the scenes").click()
            await first.aclose()
            told = page.page.locator("#ended")
            await expect(told).to_have_text(
                "The playground has ended. Start it again, and this page goes on by itself."
            )
            await expect(told).to_be_in_viewport()
            await page.ana.types("Is anybody there?")
            await expect(page.ana.pane.get_by_role("alert")).to_have_text("The playground has ended.")
            await expect(page.ana.composer).to_have_value("Is anybody there?")
            async with slack(file, url):
                await expect(told).to_be_empty()
                await page.ana.composer.press("Enter")
                await expect(page.ana.message("Is anybody there?")).to_be_visible()
                await expect(page.ana.composer).to_have_value("")
                await expect(page.ana.message("Is anybody there?")).to_have_count(1)
