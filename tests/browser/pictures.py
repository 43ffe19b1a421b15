"""The README's pictures, made from the running page: `python -m tests.browser.pictures` writes `docs/pictures/`."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Browser, Locator, Page, expect

from sandbox.mailapi import create_app as create_mailapi
from sandbox.serving import serve
from sandbox.tour import Tour
from tests.browser.chromium import chromium
from tests.browser.screens import PHONE, Desk, Screen, desk
from tests.browser.setting import BotProcess, slack_serving
from tests.flows import stage
from tests.flows.stage import Mailroom

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SIZE = (1240, 680)
WIDE = (1480, 700)
"""For pictures of one screen alone."""
TALL = (1480, 900)
"""For what stands below the screens."""
TOUR_PATIENCE_S = 15.0
WORKING = re.compile("█░")


async def make(folder: Path) -> None:
    """Play through it once, and take a picture at each step."""
    async with (
        serve(create_mailapi()) as mailapi_url,
        slack_serving(mailapi_url, BotProcess()) as url,
        chromium() as browser,
    ):
        async with _bot(url, mailapi_url) as mailroom:
            await Tour(mailroom.slack, mailroom.mailapi, stage.KEY, stage.CALLER_ID, TOUR_PATIENCE_S).play_short()
            async with desk(browser, url, SIZE) as page:
                await _keep(page, page.page, folder / "page.png")
        async with _bot(url, mailapi_url) as mailroom:
            await mailroom.mailapi.set_speed(mailbox_seconds=0.25)
            await mailroom.connected(mailroom.ana)
            await mailroom.ana.closes()
            await _play(browser, url, folder)


@asynccontextmanager
async def _bot(url: str, mailapi_url: str) -> AsyncIterator[Mailroom]:
    """A bot that has just been installed, in a Slack where nothing was said."""
    with TemporaryDirectory() as state:
        async with stage.outside(url, mailapi_url, Path(state), "socket") as mailroom, mailroom.running():
            yield mailroom


async def _play(browser: Browser, url: str, folder: Path) -> None:
    async with desk(browser, url, WIDE) as page:
        await _asks(page, folder)
    async with desk(browser, url, SIZE) as page:
        await _approves(page, folder)
    async with desk(browser, url, WIDE) as page:
        await _reads_the_result(page, folder)
    async with desk(browser, url, TALL, dark=True) as page:
        await _looks_behind(page, folder)
    async with desk(browser, url, PHONE) as page:
        await _keep(page, page.page, folder / "phone.png")


async def _asks(page: Desk, folder: Path) -> None:
    await page.ben.composer.fill("/mail mail")
    await expect(page.ben.room.get_by_role("option").first).to_be_visible()
    await _keep(page, page.ben.pane, folder / "typing.png")
    await page.ben.types("/mail mailbox bulk example.com team 25")
    await expect(_card(page.ben)).to_contain_text("Waiting for approval")
    await _keep(page, page.ben.pane, folder / "asking.png")


async def _approves(page: Desk, folder: Path) -> None:
    await expect(_card(page.ana)).to_contain_text("Waiting for approval")
    await _keep(page, page.page, folder / "approving.png")
    await _card(page.ana).get_by_role("button", name="Approve").click()
    await expect(_card(page.ben)).to_contain_text(WORKING)
    await _keep(page, page.page, folder / "progress.png")
    await expect(_card(page.ben)).to_contain_text("Done", timeout=20_000)


async def _reads_the_result(page: Desk, folder: Path) -> None:
    await _card(page.ben).locator(".replies").click()
    await expect(page.ben.thread.get_by_role("row", name="team25@example.com")).to_be_visible()
    await _keep(page, page.ben.pane, folder / "completion.png")
    await page.ana.types("/mail mailbox bulk")
    await page.ana.form.get_by_label("Domain").press_sequentially("exam")
    await page.ana.form.get_by_role("option", name="example.com").click()
    await page.ana.form.get_by_label("Prefix").fill("sales team")
    await page.ana.form.get_by_label("How many").fill("12")
    await page.ana.form.get_by_role("button", name="Create").click()
    await expect(page.ana.form.get_by_label("Prefix")).to_have_attribute("aria-invalid", "true")
    await _keep(page, page.ana.pane, folder / "form.png")
    await page.ana.form.get_by_role("button", name="Cancel").click()


async def _looks_behind(page: Desk, folder: Path) -> None:
    await page.page.get_by_role("button", name="Behind the scenes").click()
    drawer = page.page.get_by_role("complementary", name="Behind the scenes")
    await expect(drawer.get_by_role("listitem").last).to_be_visible()
    await page.ben.types("/mail status")
    await expect(page.ben.message("Connected with the key")).to_be_visible()
    await drawer.get_by_role("button", name="Deliver the next command twice").click()
    await page.ben.types("/mail mailbox create john@example.com")
    await expect(page.ben.message("john@example.com")).to_contain_text("Done")
    await expect(drawer.get_by_role("listitem").filter(has_text="create_mailbox_single").first).to_be_visible()
    await _keep(page, drawer, folder / "behind.png")


def _card(screen: Screen) -> Locator:
    """The message in which the request stands."""
    return screen.message("Asked for by")


async def _keep(page: Desk, shown: Page | Locator, path: Path) -> None:
    await page.page.mouse.move(0, 0)
    await page.page.evaluate("document.activeElement.matches('.tools *') && document.activeElement.blur()")
    await shown.screenshot(path=path)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(make(target))
