"""The README's pictures, made from the running page: `python -m tests.browser.pictures` writes `docs/pictures/`."""

import asyncio
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.async_api import Locator, expect

from sandbox.mailapi import create_app as create_mailapi
from sandbox.serving import serve
from tests.browser.screens import PHONE, Desk, desk
from tests.browser.setting import BotProcess, chromium, slack_serving
from tests.flows import stage
from tests.flows.stage import CALLER_ID, KEY, Mailroom

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SIZE = (1120, 660)


async def make(folder: Path) -> None:
    """Play through it once, and take a picture at each step."""
    process = BotProcess()
    with TemporaryDirectory() as state:
        async with (
            serve(create_mailapi()) as mailapi_url,
            slack_serving(mailapi_url, process) as url,
            stage.outside(url, mailapi_url, Path(state), "socket") as mailroom,
            mailroom.running(),
            chromium() as browser,
        ):
            async with desk(browser, url, SIZE) as page:
                await _day(page, mailroom, folder)
            async with desk(browser, url, SIZE, dark=True) as page:
                await _opens_thread(page)
                await _wire(page)
                await _keep(page, folder / "behind.png")
            async with desk(browser, url, PHONE) as page:
                await expect(page.ana.message("team1@example.com")).to_contain_text("Done")
                await _keep(page, folder / "phone.png")


async def _day(page: Desk, mailroom: Mailroom, folder: Path) -> None:
    await page.ana.types("/mail connect")
    await page.ana.form.get_by_label("API key").fill("too-short")
    await page.ana.form.get_by_role("button", name="Connect", exact=True).click()
    await expect(page.ana.form).to_contain_text("32 letters")
    await page.ana.form.get_by_role("button", name="Cancel").click()
    await page.ana.connects(KEY, CALLER_ID)
    await page.ben.composer.fill("/mail mail")
    await _keep(page, folder / "typing.png")
    await mailroom.mailapi.set_speed(mailbox_seconds=0.7)
    await page.ben.types("/mail mailbox bulk example.com team 12 --quota 512")
    await expect(page.ana.message("team1@example.com").get_by_role("button", name="Approve")).to_be_visible()
    await _keep(page, folder / "asking.png")
    await page.ana.message("team1@example.com").get_by_role("button", name="Approve").click()
    await expect(page.ben.message("team1@example.com")).to_contain_text(re.compile(r"█ ?░|█░"))
    await _keep(page, folder / "approving.png")
    await expect(page.ben.message("team1@example.com")).to_contain_text("Done", timeout=20_000)
    await _opens_thread(page)
    await _keep(page, folder / "completion.png")
    await page.ana.types("/mail mailbox bulk")
    await expect(page.ana.form.get_by_label("Prefix")).to_be_visible()
    await page.ana.form.get_by_label("Domain").fill("exam")
    await expect(page.ana.form.get_by_role("option", name="example.com")).to_be_visible()
    await _keep(page, folder / "form.png")
    await page.ana.form.get_by_role("button", name="Cancel").click()


async def _opens_thread(page: Desk) -> None:
    await page.ben.message("team1@example.com").locator(".replies").click()
    await expect(page.ben.thread).to_contain_text("created")


async def _wire(page: Desk) -> None:
    await page.page.get_by_role("button", name="Behind the scenes").click()
    await expect(_line(page, "create_mailbox_bulk")).to_be_visible()


def _line(page: Desk, what: str) -> Locator:
    return page.page.locator(".wire li").filter(has_text=what).first


async def _keep(page: Desk, path: Path) -> None:
    await page.page.mouse.move(0, 0)
    await page.page.evaluate("document.activeElement.matches('.tools *') && document.activeElement.blur()")
    await page.page.screenshot(path=path)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(make(target))
