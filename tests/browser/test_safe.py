from playwright.async_api import Browser, expect

from tests.browser.screens import Desk, desk
from tests.flows.stage import Mailroom

SCRIPT = "<script>document.title='taken'</script>"
IMAGE = "<img src=x onerror=document.title='taken'>"


async def test_what_looks_like_markup_stays_text(page: Desk) -> None:
    await page.ana.types(f'/mail mailbox create john@example.com --name "{SCRIPT}"')
    await expect(page.ana.message("Asked for by")).to_contain_text(SCRIPT)
    await page.ben.types(f"{IMAGE} *bold* _it_ ~no~ `a*b*` snake_case_name 2*3*4 <javascript:alert(1)|x> @ana #mail")
    said = page.ana.message(IMAGE)
    for tag, text in {"strong": "bold", "em": "it", "s": "no", "code": "a*b*"}.items():
        await expect(said.locator(f".content {tag}")).to_have_text(text)
    await expect(said.locator(".mention")).to_have_text(["@ana", "#mail"])
    await expect(said).to_contain_text("snake_case_name 2*3*4 <javascript:alert(1)|x>")
    assert await said.locator("a").count() == 0
    assert await page.page.locator("main script, main img").count() == 0
    assert await page.page.title() == "Mailroom playground"


async def test_an_unknown_block_and_an_unknown_element_are_shown_loudly(page: Desk, gated: Mailroom) -> None:
    await page.bot_says(gated, "new", [{"type": "markdown", "text": "# New"}])
    await expect(page.ana.room.get_by_role("alert")).to_have_text("Unknown block: markdown")
    image = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "A"}
    await page.bot_says(gated, "new", [{"type": "context", "elements": [image]}])
    await expect(page.ana.room.get_by_role("alert").last).to_have_text("Unknown element: image")


async def test_another_sites_page_is_not_answered(browser: Browser, slack_url: str, gated: Mailroom) -> None:
    async with desk(browser, slack_url) as page:
        elsewhere = {"Origin": "https://elsewhere.example"}
        refused = await page.page.request.post(f"{slack_url}/_sandbox/roster", data={}, headers=elsewhere)
        assert refused.status == 403
        served = await page.page.request.get(slack_url)
        assert "default-src 'self'" in served.headers["content-security-policy"]
        lost = await page.page.request.get(f"{slack_url}/page/..%2Fserver.py")
        assert lost.status == 404
    del gated
