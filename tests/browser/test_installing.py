from playwright.async_api import Browser, expect

from sandbox.slack import ODA, OTHER_TEAM, SlackControl
from tests.adapters.slack_sandbox.installing import installable


async def test_a_person_chooses_who_he_is_and_lets_the_app_in(browser: Browser, slack_url: str) -> None:
    async with SlackControl(slack_url) as slack, installable(slack) as app:
        page = await browser.new_page()
        await page.goto(app.install_url)
        await expect(page.get_by_role("heading", name="Install Mailroom")).to_be_visible()
        await page.get_by_label("Who you are").select_option("Oda Elsewhere, in Elsewhere")
        await page.get_by_role("button", name="Allow").click()
        await expect(page.get_by_text("installed", exact=True)).to_be_visible()
        assert page.url.startswith(app.redirect_uri)
        consent = f"{OTHER_TEAM}/{ODA}"
        await page.goto(app.install_url)
        await expect(page.locator(f'option[value="{consent}"]')).to_have_count(1)
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.get_by_text("installed", exact=True)).to_be_visible()
        await page.close()
    assert [sorted(back) for back in app.came_back] == [["code", "state"], ["error", "state"]]
