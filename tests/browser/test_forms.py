import re

from playwright.async_api import expect

from tests.browser.screens import Desk
from tests.flows.stage import Mailroom


async def test_a_form_says_at_the_field_what_is_wrong(page: Desk) -> None:
    await page.ana.types("/mail mailbox bulk")
    form = page.ana.form
    await form.get_by_label("Domain").press_sequentially("exam")
    await form.get_by_role("option", name="example.com").click()
    await form.get_by_label("How many").fill("5000")
    await form.get_by_role("button", name="Create").click()
    await expect(form.get_by_label("Prefix")).to_have_attribute("aria-invalid", "true")
    await expect(form.get_by_label("Prefix")).to_be_focused()
    await form.get_by_label("Prefix").fill("team")
    await form.get_by_role("button", name="Create").click()
    await expect(form.get_by_label("How many")).to_have_accessible_description(
        re.compile("5,000 mailboxes are too many")
    )
    await expect(form.get_by_label("Domain")).to_have_value("example.com")
    await form.get_by_label("How many").fill("2")
    await form.get_by_role("button", name="Create").click()
    await expect(page.ana.message("team2@example.com").filter(has_text="Asked for by")).to_contain_text("Done")


async def test_choices_are_found_by_typing_and_with_the_keyboard(page: Desk, gated: Mailroom) -> None:
    await gated.mailapi.add_domain("Q7f3Kp9Zx2Lm5Nv8Rt1Wy4Bc6Dg0Hj3S", "other.example")
    await page.ana.types("/mail mailbox create")
    domain = page.ana.form.get_by_label("Domain")
    await domain.press_sequentially("other")
    await expect(page.ana.form.get_by_role("option")).to_have_text(["other.example"])
    await domain.press("Enter")
    await expect(domain).to_have_value("other.example")
    await domain.press("Escape")
    await expect(page.ana.form).to_be_hidden()
    await expect(page.ana.composer).to_be_focused()


async def test_a_policy_is_changed_with_every_kind_of_field(page: Desk) -> None:
    await page.ana.types("/mail policy")
    await page.ana.room.get_by_role("button", name="Change Approvers").click()
    form = page.ana.form
    await form.get_by_label("People").press_sequentially("ben")
    await form.get_by_role("option", name="Ben Okafor").click()
    await form.get_by_label("User groups").press_sequentially("post")
    await form.get_by_role("option", name="postmasters").click()
    await form.get_by_role("button", name="Remove @postmasters").click()
    await form.get_by_label("Whoever connected the key").uncheck()
    await form.get_by_label("How many approvals").fill("2")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_contain_text("People who may approve: nobody by name → @ben")
    await form.get_by_role("button", name="Close", exact=True).click()
    await page.ana.room.get_by_role("button", name="Change Gates").last.click()
    await form.get_by_label("Domains need", exact=True).select_option("Nothing")
    await form.get_by_role("button", name="Save").click()
    await expect(form).to_contain_text("Domains: approval → nothing needed")


async def test_a_question_is_asked_before_a_deed_and_can_be_left(page: Desk, gated: Mailroom) -> None:
    confirm = {
        "title": _plain("Sure?"),
        "text": _plain("It is gone then."),
        "confirm": _plain("Do it"),
        "deny": _plain("Keep"),
    }
    button = {"type": "button", "text": _plain("Remove"), "action_id": "remove", "confirm": confirm}
    before = len(await gated.slack.envelopes("interactive"))
    await page.bot_says(gated, "Remove it", [{"type": "actions", "elements": [button]}])
    await page.ana.room.get_by_role("button", name="Remove").click()
    question = page.ana.pane.get_by_role("alertdialog", name="Sure?")
    await expect(question.get_by_role("button", name="Do it")).to_be_focused()
    await question.press("Escape")
    await expect(page.ana.room.get_by_role("button", name="Remove")).to_be_focused()
    assert len(await gated.slack.envelopes("interactive")) == before
    await page.ana.room.get_by_role("button", name="Remove").click()
    await question.get_by_role("button", name="Do it").click()
    await expect(page.ana.room.get_by_role("button", name="Remove")).not_to_have_attribute("aria-busy", "true")
    assert len(await gated.slack.envelopes("interactive")) == before + 1


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
