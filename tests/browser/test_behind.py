"""Behind the scenes: what can go wrong, and what goes over the wire."""

import re

from playwright.async_api import Browser, Locator, expect

from tests.browser.screens import Desk, desk
from tests.browser.setting import BotProcess
from tests.flows.stage import CALLER_ID, KEY, Mailroom


async def test_a_command_that_comes_twice_asks_once(page: Desk) -> None:
    behind = await _opened(page)
    await behind.get_by_role("button", name="Deliver the next command twice").click()
    await page.ana.types("/mail mailbox create john@example.com")
    await expect(page.ana.message("Asked for by")).to_contain_text("Done: created.")
    commands = behind.get_by_role("listitem").filter(has_text="slash_commands/mail mailbox create")
    await expect(commands).to_have_count(2)
    await expect(commands.last).to_contain_text(re.compile(r"acknowledged in [\d.]+ ms"))
    sent = behind.get_by_role("listitem").filter(has_text="create_mailbox_single")
    await expect(sent).to_have_count(1)
    await expect(sent).to_contain_text("key: Q7f3…")
    assert KEY not in await behind.inner_text()


async def test_what_was_made_to_go_wrong_goes_wrong_until_it_is_taken_back(page: Desk) -> None:
    behind = await _opened(page)
    faults = behind.get_by_role("group", name=re.compile("Slack|MailAPI")).get_by_role("button")
    for fault in await faults.all():
        await fault.click()
        await expect(behind.get_by_role("status")).to_have_text(_said(await fault.inner_text()))
    await behind.get_by_role("button", name="Let nothing go wrong any more").click()
    await expect(behind.get_by_role("status")).to_have_text("Done: let nothing go wrong any more.")
    await behind.get_by_label("Which mailbox").fill("team2@example.com")
    await behind.get_by_role("button", name="Fail this mailbox").click()
    await expect(behind.get_by_role("status")).to_have_text("Armed: fail this mailbox.")
    await page.ana.types("/mail mailbox bulk example.com team 2")
    await expect(page.ana.message("Asked for by")).to_contain_text("nothing was created")


AT_ONCE = ("Hold the queue", "Release the queue")
OF_A_REQUEST = ("Answer 5 s late", "Answer 503", "Do it and lose the answer")


def _said(button: str) -> str:
    """What is only to come is not said to be done."""
    begin = "Done" if button in AT_ONCE else "Armed"
    end = ", for the next request for many mailboxes" if button in OF_A_REQUEST else ""
    return f"{begin}: {button[0].lower()}{button[1:]}{end}."


async def test_the_bot_is_killed_in_the_middle_and_finishes_what_was_asked(
    browser: Browser, slack_url: str, outside: Mailroom, process: BotProcess
) -> None:
    process.mailroom = outside
    await process.start()
    try:
        await outside.slack.connected(2)
        async with desk(browser, slack_url) as page:
            await page.ana.connects(KEY, CALLER_ID)
            behind = await _opened(page)
            await behind.get_by_role("button", name="Hold the queue").click()
            await page.ana.types("/mail mailbox bulk example.com team 5")
            await expect(page.ana.message("Asked for by")).to_contain_text("In progress")
            await expect(behind.get_by_role("listitem").filter(has_text="get_mailbox_bulk").first).to_be_visible()
            await behind.get_by_role("button", name="Kill the bot").click()
            await expect(behind).to_contain_text("Not connected by a socket")
            await behind.get_by_role("button", name="Release the queue").click()
            await page.ben.types("/mail status")
            await expect(page.ben.message("failed with the error")).to_be_visible()
            await behind.get_by_role("button", name="Start the bot again").click()
            await expect(page.ana.message("Asked for by")).to_contain_text("Done: 5 of 5", timeout=20_000)
    finally:
        await process.kill()
    await outside.exists("team1@example.com", "team5@example.com")


async def _opened(page: Desk) -> Locator:
    await page.page.get_by_role("button", name="Behind the scenes").click()
    return page.page.get_by_role("complementary", name="Behind the scenes")
