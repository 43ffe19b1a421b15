"""The plan is what is approved: it is looked at again before anything is sent, and many small ones are a large one."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.policy import Gate
from sandbox.slack import ANA, BEN, MAIL
from tests.flows.deciding import BULK, CAT, asks, audited, joins, nothing_sent, refused, thread_of
from tests.flows.stage import CALLER_ID, FAST, KEY, OTHER_KEY, Mailroom

QUOTA = "/mail mailbox bulk example.com team 12 --quota 512"


async def a_name_appears(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "team3@example.com")


async def the_domain_is_not_ready(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.mailapi.add_domain(KEY, "example.com", status="pending")


async def the_quota_shrinks(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_domain(KEY, "example.com", quota="1024MB")


WORSE: dict[str, tuple[Callable[[Mailroom], Awaitable[None]], str]] = {
    "a name appeared": (a_name_appears, "1 mailbox will not be created any more: `team3@example.com`"),
    "the domain is not ready": (the_domain_is_not_ready, "not ready any more; MailAPI says `pending`"),
    "the quotas are too much": (the_quota_shrinks, "The quotas are 5,120 MB more than the domain has"),
}


@pytest.mark.parametrize(("worsens", "said"), WORSE.values(), ids=WORSE)
async def test_a_plan_that_got_worse_after_the_approval_needs_another_one(
    gated: Mailroom, worsens: Callable[[Mailroom], Awaitable[None]], said: str
) -> None:
    card = await asks(gated, QUOTA)
    await worsens(gated)
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "Approved")
    told = await gated.reply(gated.ben, card, f"<@{BEN}> Before sending, MailAPI was looked at again", said)
    assert "It needs a decision again" in told.visible
    called = await gated.reply(gated.ben, card, f"<@{ANA}> This waits for your decision")
    assert called.ts > told.ts
    again = await gated.root(gated.ben, "Waiting for approval.")
    assert "Approved" not in again.visible
    await nothing_sent(gated)
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "has changed since this button, so nothing was decided", said, "decide there")
    await nothing_sent(gated)
    assert await refused(gated) == [(ANA, "approved", "an older plan")]
    await gated.mailapi.release_queue()
    await gated.ana.clicks(again, "Approve")
    await gated.root(gated.ben, f"Approved by <@{ANA}>", "11 of 12" if worsens is a_name_appears else "12 of 12")
    shown = await gated.ana.types(MAIL, "/mail audit look")
    assert "looked again before sending; it needs a decision again" in str(shown.payload)


async def test_what_was_listed_before_the_approval_is_not_the_look_after_it(outside: Mailroom) -> None:
    """Looks are kept for a moment and shared; here that moment lasts."""
    outside.pace = replace(FAST, look_kept=timedelta(hours=1))
    async with outside.running():
        await outside.connected(outside.ana)
        card = await asks(outside, QUOTA)
        await a_name_appears(outside)
        await the_quota_shrinks(outside)
        await outside.ana.clicks(card, "Approve")
        for told in WORSE["a name appeared"][1], "The quotas are 5,632 MB more than the domain has":
            await outside.reply(outside.ben, card, f"<@{BEN}> Before sending, MailAPI was looked at again", told)
        await nothing_sent(outside)


async def test_decisions_about_the_plan_before_are_void(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT,), needed=2)
    cat = await joins(gated)
    card = await asks(gated)
    await gated.ana.clicks(card, "Approve")
    await gated.root(gated.ben, "1 of 2")
    await a_name_appears(gated)
    await cat.clicks(card, "Approve")
    await gated.reply(gated.ben, card, "looked at again")
    again = await gated.root(gated.ben, "Waiting for approval: 0 of 2", "1 of 25 mailboxes")
    await gated.ana.clicks(again, "Approve")
    await gated.private(gated.ana, "1 of 2")
    await nothing_sent(gated)
    await cat.clicks(again, "Approve")
    await gated.root(gated.ben, "Partly done", "24 of 25")


async def test_a_form_for_a_reason_that_was_open_meanwhile_is_told_the_difference(gated: Mailroom) -> None:
    cat = await joins(gated, is_admin=True)
    card = await asks(gated)
    await cat.clicks(card, "Reject")
    await gated.form(cat, "Nothing will be created")
    await cat.fills(Reason="Not ours")
    await a_name_appears(gated)
    await gated.ana.clicks(card, "Approve")
    await gated.reply(gated.ben, card, "looked at again")
    await cat.submits()
    await gated.form(cat, "nothing was decided", "`team3@example.com`")
    await gated.root(gated.ben, "Waiting for approval")


async def test_what_is_approved_says_that_the_key_is_refused_and_goes_on_with_another(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.mailapi.forget_key(KEY)
    await gated.ana.clicks(card, "Approve")
    await gated.root(gated.ben, "This workspace has no key that works", f"Approved by <@{ANA}>")
    await gated.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await gated.connected(gated.ana, OTHER_KEY)
    await gated.root(gated.ben, "Done", f"Approved by <@{ANA}>")


async def test_where_nothing_is_left_to_be_made_there_is_nothing_to_decide_again(gated: Mailroom) -> None:
    card = await asks(gated, "/mail domain create new.example")
    await gated.mailapi.add_domain(KEY, "new.example")
    await gated.ana.clicks(card, "Approve")
    await gated.completion(gated.ben, card)
    await gated.root(gated.ben, "Failed")
    await nothing_sent(gated)


async def test_a_domain_that_is_gone_ends_it_and_says_so(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.mailapi.fault("list_mailbox", "status", times=None, status=404, reason="Domain not found.")
    await gated.ana.clicks(card, "Approve")
    completion = await gated.completion(gated.ben, card)
    assert "none was created" in completion.visible
    await gated.root(gated.ben, "Failed")
    await nothing_sent(gated)


async def test_what_is_approved_waits_while_mailapi_cannot_be_asked_again_and_says_so(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.mailapi.fault("list_mailbox", "status", times=3, status=503)
    await gated.ana.clicks(card, "Approve")
    await gated.root(gated.ben, "Starting", f"Approved by <@{ANA}>")
    await gated.passes(seconds=3)
    late = await gated.root(gated.ben, "MailAPI is slow to answer", f"Approved by <@{ANA}>")
    assert late.buttons == []
    for _ in range(3):
        await gated.passes(seconds=5)
    await gated.root(gated.ben, "Done", f"Approved by <@{ANA}>")
    assert len(await gated.asked("create_mailbox_bulk")) == 1


# The threshold.


async def singles(mailroom: Mailroom, count: int, domain: str = "example.com") -> None:
    for number in range(count):
        await mailroom.ben.types(MAIL, f"/mail mailbox create p{number}@{domain}")

    async def are_there() -> bool:
        return len(await mailroom.mailapi.mailboxes(domain)) == count

    await mailroom.until(are_there, f"{count} mailboxes")


async def test_the_eleventh_of_eleven_singles_needs_approval(gated: Mailroom) -> None:
    await singles(gated, 10)
    card = await asks(gated, "/mail mailbox create last@example.com")
    assert "11 mailboxes within 24 hours; from 11 on they need approval" in card.visible
    await gated.at_rest()
    assert "last@example.com" not in await gated.mailapi.mailboxes()


async def test_of_two_bulks_of_ten_at_the_same_moment_one_needs_approval(gated: Mailroom) -> None:
    await asyncio.gather(
        *(gated.ben.types(MAIL, f"/mail mailbox bulk example.com {prefix} 10") for prefix in ("a", "b"))
    )
    await gated.root(gated.ben, "Done", "10 of 10")
    await gated.root(gated.ben, "Waiting for approval", "20 mailboxes within 24 hours")
    await gated.at_rest()
    assert len(await gated.asked("create_mailbox_bulk")) == 1


async def test_of_two_that_are_confirmed_at_the_same_moment_one_needs_approval(gated: Mailroom) -> None:
    await gated.lays_down(mailboxes=Gate.CONFIRM)
    cards = [await asks(gated, f"/mail mailbox bulk example.com {prefix} 10") for prefix in ("a", "b")]
    assert [card.buttons for card in cards] == [["Confirm", "Cancel"]] * 2
    await asyncio.gather(*(gated.ben.clicks(card, "Confirm") for card in cards))
    await gated.root(gated.ben, "Done", "10 of 10")
    waits = await gated.root(gated.ben, "Waiting for approval", "20 mailboxes within 24 hours")
    assert waits.buttons == ["Approve", "Reject", "Cancel"]
    await gated.reply(gated.ben, waits, f"<@{ANA}> This waits for your decision")
    await gated.at_rest()
    assert len(await gated.asked("create_mailbox_bulk")) == 1


async def test_a_confirmation_after_which_it_would_be_too_many_is_refused(gated: Mailroom) -> None:
    await gated.lays_down(mailboxes=Gate.CONFIRM)
    cards = [await asks(gated, f"/mail mailbox bulk example.com {prefix} 10") for prefix in ("a", "b")]
    await gated.ben.clicks(cards[0], "Confirm")
    await gated.root(gated.ben, "Done", "10 of 10")
    await gated.ben.clicks(cards[1], "Confirm")
    await gated.private(gated.ben, "This needs an approver now")
    waits = await gated.root(gated.ben, "Waiting for approval")
    await gated.reply(gated.ben, waits, f"<@{ANA}> This waits for your decision")
    await gated.ana.clicks(waits, "Approve")
    await gated.root(gated.ben, "Done", f"Approved by <@{ANA}>")
    assert (BEN, "confirmed", "needs approval") in await refused(gated)


async def test_after_a_day_they_are_counted_anew(gated: Mailroom) -> None:
    await gated.ben.types(MAIL, "/mail mailbox bulk example.com a 10")
    await gated.root(gated.ben, "Done")
    await gated.passes(hours=24)
    await gated.ben.types(MAIL, "/mail mailbox bulk example.com b 10")
    await gated.exists("b10@example.com")


async def test_another_person_and_another_domain_are_counted_by_themselves(gated: Mailroom) -> None:
    await gated.mailapi.add_domain(KEY, "other.example")
    await gated.ben.types(MAIL, "/mail mailbox bulk example.com a 10")
    await gated.ben.types(MAIL, "/mail mailbox bulk other.example a 10")
    await gated.ana.types(MAIL, "/mail mailbox bulk example.com b 10")
    await gated.exists("a10@example.com", "a10@other.example", "b10@example.com")


@pytest.mark.parametrize("button", ["Cancel", "Reject"])
async def test_what_came_to_nothing_and_what_was_approved_is_not_counted(gated: Mailroom, button: str) -> None:
    card = await asks(gated, "/mail mailbox bulk example.com a 20")
    person = gated.ben if button == "Cancel" else gated.ana
    await person.clicks(card, button)
    if button == "Reject":
        await gated.form(gated.ana, "Nothing will be created")
        await gated.ana.fills(Reason="Too many")
        await gated.ana.submits()
    await gated.root(gated.ben, "nothing was created")
    approved = await asks(gated, "/mail mailbox bulk example.com b 20")
    await gated.ana.clicks(approved, "Approve")
    await gated.root(gated.ben, "Done", "20 of 20")
    await gated.ben.types(MAIL, "/mail mailbox bulk example.com c 10")
    await gated.exists("c10@example.com")


# While MailAPI is slow or gone.


async def test_while_mailapi_is_slow_the_root_message_can_only_be_cancelled_and_later_approvers_are_called(
    gated: Mailroom,
) -> None:
    await gated.mailapi.fault("list_mailbox", "status", times=1, status=503)
    await gated.ben.types(MAIL, BULK)
    await gated.clock_ahead(seconds=3)
    late = await gated.root(gated.ben, "MailAPI is slow to answer")
    assert late.buttons == ["Cancel"]
    await gated.passes(seconds=8)
    card = await gated.root(gated.ben, "Waiting for approval", "None of the 25")
    assert (card.ts, card.buttons) == (late.ts, ["Approve", "Reject", "Cancel"])
    called = await gated.reply(gated.ana, card, f"<@{ANA}> This waits for your decision: 25 mailboxes")
    assert not called.ephemeral
    await gated.passes(minutes=5)
    assert sum("waits for your decision" in said for said in await thread_of(gated, card)) == 1
    await gated.ana.clicks(card, "Approve")
    await gated.root(gated.ben, "Done")


async def test_without_any_delay_the_card_alone_calls_approvers(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.at_rest()
    assert await thread_of(gated, card) == []
    assert f"<@{ANA}>" in card.visible


async def disconnects(mailroom: Mailroom) -> None:
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.form(mailroom.ana, "1 request not sent yet will be cancelled")
    await mailroom.ana.submits()
    await mailroom.form(mailroom.ana, "no longer used")


async def test_a_request_that_waits_ends_when_the_key_is_given_up(gated: Mailroom) -> None:
    card = await asks(gated)
    await disconnects(gated)
    ended = await gated.root(gated.ben, f"Cancelled by <@{ANA}>")
    assert ended.buttons == []
    await gated.reply(gated.ben, card, f"<@{BEN}> Nothing was created: <@{ANA}> disconnected MailAPI")
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, f"Too late. Cancelled by <@{ANA}>")
    await nothing_sent(gated)


async def test_a_request_that_is_approved_but_not_sent_ends_when_the_key_is_given_up(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.mailapi.fault("list_mailbox", "status", times=None, status=503)
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "Approved")
    await disconnects(gated)
    completion = await gated.completion(gated.ben, card)
    assert "MailAPI was disconnected before this was sent" in completion.visible
    await gated.mailapi.clear_faults()
    await gated.passes(minutes=2)
    await nothing_sent(gated)
    assert (ANA, "disconnect", "done") in await audited(gated)
