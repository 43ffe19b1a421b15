from playwright.async_api import Browser, expect

from sandbox.slack import MAIL
from tests.browser.screens import Desk, desk
from tests.flows.stage import CALLER_ID, KEY, Mailroom


async def test_a_newcomer_connects_asks_approves_and_sees_the_result(
    browser: Browser, slack_url: str, unconnected: Mailroom
) -> None:
    async with desk(browser, slack_url) as page:
        await page.ana.connects(KEY, CALLER_ID)
        await page.ben.types("/mail mailbox bulk example.com team 25")
        await expect(page.ben.message("Only visible to you")).to_contain_text("Asked for 25 mailboxes")
        await unconnected.mailapi.hold_queue()
        await page.ana.message("team1@example.com").get_by_role("button", name="Approve").click()
        await expect(page.ben.message("team1@example.com")).to_contain_text("In progress")
        await unconnected.mailapi.release_queue()
        await expect(page.ben.message("team1@example.com")).to_contain_text("Done: 25 of 25 mailboxes created.")
        await page.ben.message("team1@example.com").locator(".replies").click()
        completion = page.ben.thread.locator(".message").filter(has_text="@ben")
        await expect(completion.get_by_role("row", name="team25@example.com Created successfully.")).to_be_visible()
    await unconnected.exists("team1@example.com", "team25@example.com")


async def test_what_is_new_is_marked_until_it_is_read(page: Desk, gated: Mailroom) -> None:
    general = page.ana.pane.get_by_role("button", name="general")
    await general.click()
    await expect(general).to_have_attribute("aria-current", "page")
    await page.ben.types("/mail mailbox bulk example.com team 25")
    mail = page.ana.pane.get_by_role("navigation").get_by_role("button", name="mail", exact=False).first
    await expect(mail).to_contain_text("1 unread")
    await mail.click()
    await expect(mail).not_to_contain_text("unread")
    await page.ana.message("team1@example.com").get_by_role("button", name="Approve").click()
    thread = page.ana.message("team1@example.com").locator(".replies")
    await expect(thread).to_contain_text("2 new")
    await thread.click()
    await expect(page.ana.thread).to_contain_text("25 mailboxes at example.com: created.")
    await expect(thread).not_to_contain_text("new")
    assert await gated.mailapi.mailboxes()


async def test_a_rejection_takes_a_reason_and_says_it_in_the_thread(page: Desk) -> None:
    await page.ben.types("/mail domain create exemple.org")
    await page.ana.message("exemple.org").get_by_role("button", name="Reject").click()
    await page.ana.form.get_by_label("Reason").fill("It is misspelt.")
    await page.ana.form.get_by_role("button", name="Reject").click()
    root = page.ben.message("exemple.org").filter(has_text="Asked for by")
    await expect(root).to_contain_text("Rejected: nothing was created.")
    await root.locator(".replies").click()
    await expect(page.ben.thread).to_contain_text("It is misspelt.")


async def test_a_link_to_a_thread_opens_it_here(page: Desk) -> None:
    await page.ben.types("/mail mailbox bulk example.com team 25")
    await expect(page.ana.message("team1@example.com")).to_contain_text("Waiting for approval")
    await page.ana.pane.get_by_role("navigation").get_by_role("button", name="general").click()
    await page.ana.types("/mail tasks")
    await page.ana.message("Recent requests").get_by_role("link", name="thread").press("Enter")
    await expect(page.ana.pane.get_by_role("heading", name="#mail")).to_be_visible()
    await expect(page.ana.thread).to_contain_text("team1@example.com")
    assert len(page.page.context.pages) == 1


async def test_how_long_ago_something_was_goes_on(browser: Browser, slack_url: str, gated: Mailroom) -> None:
    await gated.ben.types(MAIL, "/mail mailbox bulk example.com team 25")
    async with desk(browser, slack_url) as page:
        await page.page.clock.install()
        await page.opens(slack_url)
        await page.ana.types("/mail tasks")
        asked = page.ana.message("Recent requests").locator(".content time")
        await expect(asked).to_have_text("just now")
        await page.page.clock.fast_forward(180_000)
        await expect(asked).to_have_text("3 minutes ago")


async def test_commands_are_completed_with_the_keyboard(page: Desk) -> None:
    composer = page.ana.composer
    await composer.press_sequentially("/mail mailb")
    await expect(page.ana.room.get_by_role("option")).to_have_count(3)
    await composer.press("ArrowDown")
    await composer.press("ArrowDown")
    await composer.press("Enter")
    await expect(composer).to_have_value("/mail mailbox create ")
    await composer.press_sequentially("john@example.com")
    await composer.press("Enter")
    await expect(page.ana.message("john@example.com")).to_be_visible()


async def test_the_newest_message_stays_in_sight(page: Desk) -> None:
    for number in range(12):
        await page.ben.types(f"Message {number}")
        await expect(page.ben.message(f"Message {number}")).to_be_visible()
    newest = page.ana.message("Message 11")
    await expect(newest).to_be_in_viewport()
    await page.page.get_by_role("button", name="Behind the scenes").click()
    await expect(newest).to_be_in_viewport()
    await page.ana.message("Message 0").scroll_into_view_if_needed()
    await page.ben.types("Message 12")
    await expect(page.ana.message("Message 12")).not_to_be_in_viewport()
    await page.ana.types("Message 13")
    await expect(page.ana.message("Message 13")).to_be_in_viewport()


async def test_a_list_is_kept_as_a_file(page: Desk) -> None:
    await page.ana.types("/mail domain list")
    await page.ana.message("in this MailAPI account").get_by_role("button", name="Get CSV").click()
    await page.ana.pane.get_by_role("navigation").get_by_role("button", name="Mailroom").click()
    file = page.ana.room.locator(".file")
    await expect(file.get_by_role("columnheader")).to_have_text(["Domain", "Status", "Quota", "Mailboxes", "Created"])
    async with page.page.expect_download() as download:
        await file.get_by_role("button", name="Download").click()
    kept = await (await download.value).path()
    assert "example.com,verified" in kept.read_text()


async def test_a_messages_menu_opens_a_form_whose_result_stands_in_its_thread(page: Desk) -> None:
    await page.ben.types("We need two mailboxes")
    said = page.ben.message("We need two mailboxes")
    await said.hover()
    await said.get_by_label("More actions").click()
    await said.get_by_role("button", name="Create mailboxes here").click()
    form = page.ben.form
    await form.get_by_label("Domain").press_sequentially("exam")
    await form.get_by_role("option", name="example.com").click()
    await form.get_by_label("Prefix").fill("desk")
    await form.get_by_label("How many").fill("2")
    await form.get_by_role("button", name="Create").click()
    await expect(said.locator(".replies")).to_be_visible()
    await said.locator(".replies").click()
    await expect(page.ben.thread).to_contain_text("desk2@example.com")


async def test_a_mention_in_a_thread_asks_there(page: Desk) -> None:
    await page.ben.types("We need a mailbox for John")
    said = page.ben.message("We need a mailbox for John")
    await said.hover()
    await said.get_by_role("button", name="Reply in thread").click()
    reply = page.ben.thread.get_by_role("combobox", name="Reply")
    await reply.press_sequentially("@mailr")
    await page.ben.thread.get_by_role("option", name="@mailroom").click()
    await reply.press_sequentially("mailbox create john@example.com")
    await reply.press("Enter")
    await expect(page.ben.thread).to_contain_text("Done: created.")


async def test_a_bot_that_is_not_there_can_be_invited_and_a_guest_sees_less(page: Desk) -> None:
    await page.ana.pane.get_by_role("button", name="general").click()
    await expect(page.ana.room).to_contain_text("Mailroom is not here")
    await page.ana.types("/invite @mailroom")
    await expect(page.ana.room).not_to_contain_text("Mailroom is not here")
    await page.ben.pane.get_by_label("Who you are").select_option("Gus Guest")
    guest = page.page.get_by_role("region", name="The screen of Gus Guest")
    await expect(guest.get_by_role("navigation")).to_contain_text("general")
    await expect(guest.get_by_role("navigation")).not_to_contain_text("vault")
