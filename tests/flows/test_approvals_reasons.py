"""Reasons: stored as typed, shown so that nothing in them pings, links or formats; and forms that go wrong."""

import pytest
from sqlmodel import Session

from sandbox.slack import ANA, BEN, MAIL, TEAM
from storage import decisions, requests
from tests.flows.deciding import asks, audited, entries, nothing_sent, refused, rejects, still_waits
from tests.flows.stage import Mailroom

DOMAIN = "/mail domain create new.example"
REASONS = {
    "pings": "<!channel> <@U0BEN00001> <!subteam^S0POSTMAST> @here #mail",
    "formatting": "*bold* _italic_ ~struck~ `code` ```block``` > quote & <b>",
    "a link": "<https://evil.example|Click here> and https://evil.example",
    "lines": "first\n\n  second\tthird",
    "right to left": "לא שלנו \u202egnp.exe — לא",
    "the longest": "<" * 3_000,
    "emoji and beyond": "👩‍👩‍👧 é \ufeff ok",
}


async def stored(mailroom: Mailroom) -> tuple[str | None, str | None]:
    """The reason of the first request, and of its decision."""

    def read(session: Session) -> tuple[str | None, str | None]:
        request = requests.get(session, TEAM, 1)
        assert request is not None
        (decision,) = decisions.of_round(session, request)
        return request.reason, decision.reason

    assert mailroom.bot is not None
    return await mailroom.bot.database.read(read)


@pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
async def test_a_reason_is_stored_as_typed_and_shown_as_plain_text(gated: Mailroom, reason: str) -> None:
    card = await asks(gated, DOMAIN)
    assert await rejects(gated, gated.ana, card, reason) == {}
    root = await gated.root(gated.ben, "Rejected by")
    said = await gated.reply(gated.ben, card, f"<@{BEN}> Rejected by <@{ANA}>")
    assert await stored(gated) == (reason, reason)
    for message in (root, said):
        plain = [b["text"]["text"] for b in message.blocks if b.get("text", {}).get("type") == "plain_text"]
        assert plain == [reason]
        marked = str([block for block in message.blocks if block.get("text", {}).get("type") != "plain_text"])
        for text in (marked, message.text):
            assert "<!channel" not in text
            assert "evil.example|" not in text.replace("&lt;https://evil.example|", "")
            assert "*bold*" not in text
    await nothing_sent(gated)


async def test_a_late_click_is_told_the_reason_without_what_it_would_do(gated: Mailroom) -> None:
    card = await asks(gated, DOMAIN)
    await rejects(gated, gated.ana, card, REASONS["pings"])
    await gated.ana.clicks(card, "Approve")
    told = await gated.private(gated.ana, "Too late. Rejected by", "Reason: &lt;!channel&gt;")
    assert "<!channel>" not in told.text


@pytest.mark.parametrize("reason", ["", "   \n "], ids=["empty", "blank"])
async def test_a_rejection_says_why(gated: Mailroom, reason: str) -> None:
    card = await asks(gated, DOMAIN)
    assert "Reason" in await rejects(gated, gated.ana, card, reason)
    await still_waits(gated)


async def test_a_reason_of_3001_characters_is_refused_by_the_form(gated: Mailroom) -> None:
    card = await asks(gated, DOMAIN)
    assert "Reason" in await rejects(gated, gated.ana, card, "x" * 3_001)
    await still_waits(gated)


@pytest.mark.parametrize(
    ("reason", "said"), [("x" * 3_001, "at most 3,000 characters"), (" ", "Say why")], ids=["too long", "blank"]
)
async def test_a_crafted_submission_is_held_to_the_same(gated: Mailroom, reason: str, said: str) -> None:
    card = await asks(gated, DOMAIN)
    await gated.ana.clicks(card, "Reject")
    await gated.form(gated.ana, "Nothing will be created")
    view = await gated.ana.view()
    click = (await gated.slack.envelopes("interactive"))[-1]["payload"]
    assert view is not None
    values = {"reason": {"value": {"type": "plain_text_input", "value": reason}}}
    crafted = {**view.raw, "state": {"values": values}}
    answer = await gated.slack.request({**click, "type": "view_submission", "view": crafted})
    assert answer.payload["response_action"] == "errors"
    assert said in answer.payload["errors"]["reason"]
    await still_waits(gated)


async def test_a_form_that_is_closed_decides_nothing_and_says_so_where_its_button_was(gated: Mailroom) -> None:
    card = await asks(gated, DOMAIN)
    await gated.ana.clicks(card, "Reject")
    await gated.form(gated.ana, "Nothing will be created")
    await gated.ana.closes()
    await gated.private(gated.ana, "You closed the form, so you have not rejected", "It still waits")
    await still_waits(gated)
    await rejects(gated, gated.ana, card)
    await gated.root(gated.ben, "Rejected by")


async def test_who_closes_a_form_about_what_was_decided_meanwhile_is_told_no_lie(gated: Mailroom) -> None:
    card = await asks(gated, DOMAIN)
    await gated.ana.clicks(card, "Reject")
    await gated.form(gated.ana, "Nothing will be created")
    await gated.ben.clicks(card, "Cancel")
    await gated.root(gated.ben, "Cancelled")
    await gated.ana.closes()
    told = await gated.private(gated.ana, "you have not rejected")
    assert "still waits" not in told.visible


@pytest.mark.parametrize("error", ["expired_trigger_id", "internal_error"])
async def test_a_form_that_cannot_be_opened_decides_nothing_and_says_so(gated: Mailroom, error: str) -> None:
    card = await asks(gated, DOMAIN)
    await gated.slack.fault("views.open", "error", error=error)
    await gated.ana.clicks(card, "Reject")
    await gated.private(gated.ana, "The form could not be opened", "Try once more")
    await still_waits(gated)
    await rejects(gated, gated.ana, card)
    await gated.root(gated.ben, "Rejected by")


async def test_a_reason_stays_in_the_form_while_slack_does_not_say_who_may_reject(gated: Mailroom) -> None:
    card = await asks(gated, DOMAIN)
    await gated.ana.clicks(card, "Reject")
    await gated.form(gated.ana, "Nothing will be created")
    await gated.ana.fills(Reason="A long reason that took a while")
    await gated.clock_ahead(seconds=61)
    await gated.slack.fault("users.info", "error", times=9)
    errors = await gated.ana.submits()
    assert "Slack did not say in time" in errors["Reason"]
    assert (ANA, "rejected", "could not check") in await refused(gated)
    await gated.slack.no_faults()
    assert await gated.ana.submits() == {}
    await gated.root(gated.ben, "Rejected by", "A long reason that took a while")


async def test_the_audit_says_from_where_and_why(gated: Mailroom) -> None:
    card = await asks(gated, DOMAIN)
    await rejects(gated, gated.ana, card, "Not *ours*")
    await gated.root(gated.ben, "Rejected by")
    assert (ANA, "rejected", "done") in await audited(gated)

    (*_, last) = await entries(gated)
    assert last.details == {"channel": MAIL, "round": 1, "reason": "Not *ours*"}
