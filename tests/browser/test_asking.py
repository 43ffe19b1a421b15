from playwright.async_api import Browser, expect

from tests.browser.screens import desk
from tests.flows.stage import CALLER_ID, KEY, Mailroom


async def test_a_newcomer_connects_asks_approves_and_sees_the_result(
    browser: Browser, slack_url: str, unconnected: Mailroom
) -> None:
    async with desk(browser, slack_url) as page:
        await page.ana.connects(KEY, CALLER_ID)
        await page.ben.types("/mail mailbox bulk example.com team 25")
        await page.ana.message("team1@example.com").get_by_role("button", name="Approve").click()
        await expect(page.ben.message("team1@example.com")).to_contain_text("Done: 25 of 25 mailboxes created.")
        await page.ben.message("team1@example.com").locator(".replies").click()
        await expect(page.ben.thread).to_contain_text("@ben")
        await expect(page.ben.thread).to_contain_text("team25@example.com")
    await unconnected.exists("team1@example.com", "team25@example.com")
