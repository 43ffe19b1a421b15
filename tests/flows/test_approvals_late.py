"""Clicks that come late, twice or at once: each is answered with what is true, and one decision is made."""

import asyncio

import pytest

from sandbox.slack import ANA, BEN, MAIL
from tests.flows.deciding import BULK, CAT, asks, audited, joins, nothing_sent, refused, rejects, still_waits, thread_of
from tests.flows.stage import Mailroom
from tests.flows.test_redelivery import twice

DOMAIN = "/mail domain create new.example"


async def test_who_is_slower_is_told_who_approved_and_when(gated: Mailroom) -> None:
    cat = await joins(gated, is_admin=True)
    card = await asks(gated)
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "Approved")
    for button in ("Approve", "Reject"):
        await cat.clicks(card, button)
        await gated.private(cat, f"Too late. Approved by <@{ANA}> <!date^")
    assert await refused(gated) == [(CAT, "approved", "too late"), (CAT, "rejected", "too late")]
    await gated.root(gated.ben, "Done", f"Approved by <@{ANA}>")
    assert len(await gated.asked("create_mailbox_bulk")) == 1


async def test_who_is_slower_is_told_who_rejected_when_and_why(gated: Mailroom) -> None:
    cat = await joins(gated, is_admin=True)
    card = await asks(gated)
    await rejects(gated, gated.ana, card, "Not *ours*")
    await cat.clicks(card, "Approve")
    told = await gated.private(cat, f"Too late. Rejected by <@{ANA}> <!date^", "Reason: Not ")
    assert "*ours*" not in told.visible, "nothing in it formats"
    await nothing_sent(gated)


async def test_who_is_slower_is_told_that_the_asker_took_it_back(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.ben.clicks(card, "Cancel")
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, f"Too late. Cancelled by <@{BEN}> <!date^")
    await nothing_sent(gated)


async def test_who_had_the_form_open_meanwhile_is_told_in_it(gated: Mailroom) -> None:
    cat = await joins(gated, is_admin=True)
    card = await asks(gated)
    await cat.clicks(card, "Reject")
    await gated.form(cat, "Nothing will be created")
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "Approved")
    await cat.fills(Reason="Not ours")
    assert await cat.submits() == {}
    await gated.form(cat, f"Too late. Approved by <@{ANA}>")
    assert (CAT, "rejected", "too late") in await refused(gated)


async def test_what_nobody_decides_expires_and_says_so(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.passes(hours=24)
    expired = await gated.root(gated.ana, "Expired <!date^", "nobody had decided")
    assert expired.buttons == []
    said = await gated.reply(gated.ben, card, f"<@{BEN}> Nobody decided", "Nothing was created")
    assert said.buttons == ["Ask Again"]
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "Too late. Expired <!date^")
    await nothing_sent(gated)


async def test_a_click_after_expiry_is_too_late_even_before_the_bot_has_noticed(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.at_rest()
    await gated.clock_ahead(hours=24)
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "Too late. Expired <!date^")
    await gated.root(gated.ben, "Expired")
    await nothing_sent(gated)
    assert (ANA, "approved", "too late") in await refused(gated)
    assert sum("Nobody decided" in said for said in await thread_of(gated, card)) == 1


async def test_ask_again_makes_a_new_request_once_and_only_for_its_asker(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.passes(hours=24)
    expired = await gated.reply(gated.ben, card, "Nobody decided")
    await gated.ana.clicks(expired, "Ask Again")
    told = await gated.reply(gated.ana, card, "Only the person who asked for this can ask again")
    assert told.ephemeral
    assert (ANA, "ask again", "not the asker") in await refused(gated)
    for _ in range(2):
        await gated.ben.clicks(expired, "Ask Again")
    await gated.reply(gated.ben, card, "again already, as request 2")
    again = await gated.root(gated.ben, "Waiting for approval")
    assert again.ts != card.ts
    await gated.ana.clicks(again, "Approve")
    await gated.root(gated.ben, "Done", "25 of 25")
    await gated.at_rest()
    assert len(await gated.roots(gated.ben)) == 2
    assert len(await gated.asked("create_mailbox_bulk")) == 1


async def test_ask_again_follows_a_slip_at_once(gated: Mailroom) -> None:
    card = await asks(gated, DOMAIN)
    await gated.ben.clicks(card, "Cancel")
    cancelled = await gated.reply(gated.ben, card, f"Cancelled by <@{BEN}>")
    await gated.ben.clicks(cancelled, "Ask Again")
    again = await gated.root(gated.ben, "Waiting for approval")
    assert again.ts != card.ts


async def test_ask_again_says_what_stands_in_the_way(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.ben.clicks(card, "Cancel")
    cancelled = await gated.reply(gated.ben, card, "Cancelled by")
    await gated.lays_down(askers=(ANA,))
    await gated.ben.clicks(cancelled, "Ask Again")
    await gated.reply(gated.ben, card, "lets only some people ask")
    await gated.lays_down()
    await gated.ben.clicks(cancelled, "Ask Again")
    await gated.root(gated.ben, "Waiting for approval")


@twice
async def test_an_approval_that_is_delivered_again_is_one_and_answered_the_same(
    gated: Mailroom, *, at_once: bool
) -> None:
    await gated.lays_down(people=(CAT,), needed=2)
    await joins(gated)
    card = await asks(gated)
    await gated.slack.deliver_twice("interactive", at_once=at_once)
    await gated.ana.clicks(card, "Approve")
    click = (await gated.slack.envelopes("interactive"))[-1]["payload"]
    await gated.slack.request(click)

    async def answers() -> list[str]:
        found = [m.visible for m in await gated.ana.sees(MAIL) if m.ephemeral]
        return found if len(found) == 3 else []

    assert set(await gated.slack.until(answers)) == {"Your approval counts: 1 of 2."}
    assert "1 of 2" in (await still_waits(gated)).visible
    assert [what for who, what, _ in await audited(gated) if who == ANA].count("approved") == 1


@twice
async def test_a_cancellation_that_is_delivered_again_is_answered_the_same(gated: Mailroom, *, at_once: bool) -> None:
    card = await asks(gated)
    await gated.slack.deliver_twice("interactive", at_once=at_once)
    await gated.ben.clicks(card, "Cancel")
    await gated.slack.request((await gated.slack.envelopes("interactive"))[-1]["payload"])

    async def answers() -> list[str]:
        found = [m.visible for m in await gated.ben.sees(MAIL) if m.ephemeral and "Asked for" not in m.visible]
        return found if len(found) == 3 else []

    assert set(await gated.slack.until(answers)) == {"Cancelled. Nothing was created."}
    assert (await audited(gated)).count((BEN, "cancel", "done")) == 1


@twice
async def test_a_rejection_that_is_delivered_again_is_answered_the_same(gated: Mailroom, *, at_once: bool) -> None:
    card = await asks(gated)
    await gated.ana.clicks(card, "Reject")
    await gated.form(gated.ana, "Nothing will be created")
    await gated.ana.fills(Reason="Not ours")
    await gated.slack.deliver_twice("interactive", at_once=at_once)
    await gated.ana.submits()
    submitted = [e for e in await gated.slack.envelopes("interactive") if e["payload"]["type"] == "view_submission"]
    third = await gated.slack.request(submitted[-1]["payload"])
    assert [e["ack"] for e in submitted[-2:]] == [third.payload] * 2
    assert "Rejected. Nothing was created" in str(third.payload)
    assert (await audited(gated)).count((ANA, "rejected", "done")) == 1
    await gated.at_rest()
    assert len(await thread_of(gated, card)) == 1


async def test_an_earlier_approval_that_is_delivered_after_a_rejection_is_told_the_truth(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT,), needed=2)
    cat = await joins(gated)
    card = await asks(gated)
    await gated.ana.clicks(card, "Approve")
    click = (await gated.slack.envelopes("interactive"))[-1]["payload"]
    await rejects(gated, cat, card)
    await gated.slack.request(click)
    await gated.private(gated.ana, f"Too late. Rejected by <@{CAT}>")
    await nothing_sent(gated)


@pytest.mark.parametrize("asker_first", [True, False], ids=["the asker first", "the approver first"])
async def test_of_an_approval_and_a_cancellation_at_once_one_wins_and_both_hear_the_truth(
    gated: Mailroom, *, asker_first: bool
) -> None:
    card = await asks(gated, DOMAIN)
    clicks = [gated.ben.clicks(card, "Cancel"), gated.ana.clicks(card, "Approve")]
    await asyncio.gather(*(clicks if asker_first else reversed(clicks)))
    root = await gated.root(gated.ben, "created")
    if "Cancelled" in root.visible:
        await gated.private(gated.ben, "Cancelled. Nothing was created")
        await gated.private(gated.ana, f"Too late. Cancelled by <@{BEN}>")
        await nothing_sent(gated)
    else:
        await gated.private(gated.ana, "Approved. It is carried out now")
        await gated.private(gated.ben, f"Too late. Approved by <@{ANA}>")
        assert len(await gated.asked("create_domain")) == 1


async def test_of_two_approvers_at_once_one_decides_and_the_other_hears_who(gated: Mailroom) -> None:
    cat = await joins(gated, is_admin=True)
    card = await asks(gated, BULK)
    await asyncio.gather(gated.ana.clicks(card, "Approve"), cat.clicks(card, "Approve"))
    root = await gated.root(gated.ben, "Done", "Approved by")
    first, second = (gated.ana, cat) if f"Approved by <@{ANA}>" in root.visible else (cat, gated.ana)
    await gated.private(first, "Approved. It is carried out now")
    await gated.private(second, f"Too late. Approved by <@{first.id}>")
    assert len(await gated.asked("create_mailbox_bulk")) == 1
