from playwright.async_api import Browser, expect
from tests.browser.screens import Desk

async def test_x(page: Desk) -> None:
    await page.ana.types("/mail policy")
    await page.page.wait_for_timeout(800)
    print(await page.ana.pane.aria_snapshot())
    for b in ("Approvers","Askers","Gates"):
        await page.ana.room.get_by_role("button", name=b).first.click()
        await page.page.wait_for_timeout(800)
        print(await page.ana.form.aria_snapshot())
        await page.page.screenshot(path=f"/tmp/pics/x-{b}.png")
        await page.ana.form.get_by_role("button", name="Cancel").click()
        await expect(page.ana.form).to_be_hidden()
