"""With a screen reader, with the keyboard, on a phone, in the dark."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from sandbox.slack import MAIL
from tests.browser.screens import DESKTOP, PHONE, Desk, desk
from tests.flows.stage import Mailroom

GRAVE = ("moderate", "serious", "critical")


async def test_nothing_serious_keeps_anybody_out(browser: Browser, slack_url: str, gated: Mailroom) -> None:
    await gated.ben.types(MAIL, "/mail mailbox bulk example.com team 25")
    await gated.ana.types(MAIL, "/mail domain list")
    for size, dark in ((DESKTOP, False), (DESKTOP, True), (PHONE, False), (PHONE, True)):
        async with desk(browser, slack_url, size, dark=dark) as page:
            await _channel_and_panel(page)
            if dark is (size == PHONE):
                await _form(page)
            await _thread(page)


async def _channel_and_panel(page: Desk) -> None:
    await expect(page.ana.message("in this MailAPI account")).to_be_visible()
    await page.page.get_by_role("button", name="Behind the scenes").click()
    await expect(page.page.locator(".wire li").first).to_be_visible()
    await _is_open_to_all(page)
    await page.page.get_by_role("button", name="Behind the scenes").click()


async def _form(page: Desk) -> None:
    await page.ana.types("/mail mailbox bulk")
    await page.ana.form.get_by_role("button", name="Create").click()
    await expect(page.ana.form.get_by_label("Prefix")).to_have_attribute("aria-invalid", "true")
    await page.ana.form.get_by_label("Domain").press_sequentially("ex")
    await expect(page.ana.form.get_by_role("option")).to_be_visible()
    await _is_open_to_all(page)
    await page.ana.form.get_by_role("button", name="Cancel").click()
    await expect(page.ana.form).to_be_hidden()


async def _thread(page: Desk) -> None:
    await page.ana.message("Asked for by").get_by_role("button", name="Reply in thread").click()
    await expect(page.ana.thread.locator(".message")).to_have_count(1)
    await _is_open_to_all(page)


async def test_on_a_phone_the_channels_are_chosen_with_the_keyboard(
    browser: Browser, slack_url: str, gated: Mailroom
) -> None:
    async with desk(browser, slack_url, PHONE) as page:
        opener = page.ana.pane.get_by_role("button", name="Channels")
        await opener.press("Enter")
        here = page.ana.pane.get_by_role("navigation").get_by_role("button", name="mail", exact=True)
        await expect(here).to_be_focused()
        await page.page.keyboard.press("Escape")
        await expect(opener).to_be_focused()
        await opener.press("Enter")
        await page.page.keyboard.press("Tab")
        await page.page.keyboard.press("Enter")
        await expect(page.ana.pane.get_by_role("heading", name="#general")).to_be_visible()
        await expect(here).to_be_hidden()
        await expect(page.ana.composer).to_be_focused()
    del gated


async def test_on_a_phone_one_screen_is_shown_at_a_time(browser: Browser, slack_url: str, gated: Mailroom) -> None:
    async with desk(browser, slack_url, PHONE) as page:
        await expect(page.ben.pane).to_be_hidden()
        tabs = page.page.get_by_role("navigation", name="Whose screen")
        await page.ana.types("Hello")
        await expect(tabs.get_by_role("button", name="Ben Okafor (1 new)")).to_be_visible()
        await tabs.get_by_role("button", name="Ben").click()
        await expect(tabs.get_by_role("button", name="Ben Okafor", exact=True)).to_be_visible()
        await expect(page.ana.pane).to_be_hidden()
        await page.ben.types("/mail mailbox create john@example.com")
        await page.ben.message("Asked for by").locator(".replies").click()
        await expect(page.ben.thread).to_contain_text("john@example.com")
        await expect(page.ben.room).to_be_hidden()
        await page.ben.thread.press("Escape")
        await expect(page.ben.room).to_be_visible()
        await page.ben.pane.get_by_role("button", name="Channels").click()
        await page.ben.pane.get_by_role("navigation").get_by_role("button", name="general").click()
        await expect(page.ben.pane.get_by_role("heading", name="#general")).to_be_visible()
        wide = await page.page.evaluate("document.documentElement.scrollWidth")
        assert wide == PHONE[0]
    del gated


async def test_new_messages_are_said_to_who_cannot_see_them(page: Desk) -> None:
    await page.ana.composer.focus()
    await page.ben.pane.evaluate(
        "() => fetch('/_sandbox/says', {method: 'POST', body: JSON.stringify("
        "{user: 'U0BEN00001', channel: 'C0MAIL0001', text: 'Hello *Ana*'})})"
    )
    await expect(page.page.locator("#said")).to_have_text("Ben Okafor: Hello Ana")


async def _is_open_to_all(page: Desk) -> None:
    report = (await Axe().run(page.page)).response
    assert len(report["passes"]) > 20
    found = report["violations"]
    grave = {each["id"]: [node["html"] for node in each["nodes"]] for each in found if each["impact"] in GRAVE}
    assert not grave, grave
