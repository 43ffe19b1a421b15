"""Approvals: nothing is created that the right people did not agree to."""

import pytest

from bot.policy import Gate
from sandbox.slack import ANA, BEN, MAIL
from tests.flows.deciding import (
    BULK,
    CAT,
    asks,
    audited,
    joins,
    nothing_sent,
    refused,
    rejects,
    still_waits,
    thread_of,
)
from tests.flows.stage import KEY, Mailroom


async def test_what_somebody_asks_for_is_created_when_an_approver_agrees(gated: Mailroom) -> None:
    root = await asks(gated, f"{BULK} --quota 512")
    await gated.ana.clicks(root, "Approve")
    await gated.private(gated.ana, "Approved. It is carried out now")
    done = await gated.root(gated.ana, "Done", "25 of 25", f"Approved by <@{ANA}> <!date^")
    assert done.buttons == []
    await gated.reply(gated.ben, root, f"<@{BEN}> Approved by <@{ANA}>")
    await gated.completion(gated.ben, root)
    assert len(await gated.asked("create_mailbox_bulk")) == 1
    assert (ANA, "approved", "done") in await audited(gated)


async def test_the_card_shows_exactly_what_will_happen(gated: Mailroom) -> None:
    root = await asks(gated, f"{BULK} --quota 512")
    for said in (
        "*25 mailboxes at `example.com`*",
        f"Asked for by <@{BEN}>",
        "`team1@example.com` to `team25@example.com`",
        "512 MB each, 12,800 MB in all",
        "None of the 25 mailboxes exists yet",
        "`example.com` is ready: `verified`",
        "12,800 MB asked for, 0 MB in use, of the domain's 10,240 MB: *2,560 MB too much*",
        "25 mailboxes within 24 hours; from 11 on they need approval",
        "Expires <!date^",
        f"*Waiting for approval.* Asked: <@{ANA}>. Slack's admins may also decide.",
    ):
        assert said in root.visible
    await still_waits(gated)


async def test_the_card_says_its_point_first_acts_then_and_ends_with_the_small_print(gated: Mailroom) -> None:
    root = await asks(gated)
    assert root.buttons == ["Approve", "Reject", "Cancel"]
    kinds = [block["type"] for block in root.blocks]
    assert kinds.index("actions") == len(kinds) - 2, "header, content, actions, context"
    assert kinds[-1] == "context"
    styles = [e.get("style") for block in root.blocks if block["type"] == "actions" for e in block["elements"]]
    assert styles == ["primary", None, None]


async def test_who_hears_only_the_text_of_a_card_hears_what_will_happen_and_what_is_to_do(gated: Mailroom) -> None:
    root = await asks(gated, f"{BULK} --quota 512")
    for said in ("25 mailboxes", "team1@example.com", "12,800 MB in all", "None of the 25", "too much", "Approve"):
        assert said in root.text


async def plant_existing(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "team3@example.com")


async def plant_pending(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.mailapi.add_domain(KEY, "example.com", status="pending")


async def plant_window(mailroom: Mailroom) -> None:
    await mailroom.lays_down(subdomains=Gate.NONE)
    await mailroom.ben.types(MAIL, "/mail subdomain create example.com early")
    await mailroom.root(mailroom.ben, "Done")
    await mailroom.lays_down()


LOOKS = {
    "a name exists": (plant_existing, BULK, "1 of 25 mailboxes exist already and stay as they are"),
    "the domain is not verified": (plant_pending, BULK, "is *not ready*: MailAPI says `pending`"),
    "the window is closed": (
        plant_window,
        "/mail subdomain create example.com late",
        "MailAPI takes the next sub-domain request for `example.com` <!date^",
    ),
}


@pytest.mark.parametrize(("plant", "line", "said"), LOOKS.values(), ids=LOOKS)
async def test_the_card_says_what_a_look_at_mailapi_says_now(
    gated: Mailroom, plant: object, line: str, said: str
) -> None:
    assert callable(plant)
    await plant(gated)
    root = await asks(gated, line)
    assert said in root.visible


@pytest.mark.parametrize("line", ["/mail domain create new.example", "/mail subdomain create example.com team", BULK])
async def test_by_default_domains_sub_domains_and_eleven_mailboxes_or_more_need_an_approver(
    gated: Mailroom, line: str
) -> None:
    await asks(gated, line)
    await still_waits(gated)


@pytest.mark.parametrize("line", ["/mail mailbox create a@example.com", "/mail mailbox bulk example.com team 10"])
async def test_by_default_up_to_ten_mailboxes_need_nobody(gated: Mailroom, line: str) -> None:
    await gated.ben.types(MAIL, line)
    root = await gated.root(gated.ben, "Done")
    assert "Approved" not in root.visible


async def test_what_an_approver_rejects_is_not_created(gated: Mailroom) -> None:
    root = await asks(gated, "/mail domain create new.example")
    assert await rejects(gated, gated.ana, root, "Not *ours* <!channel>") == {}
    assert (await gated.form(gated.ana, "Rejected. Nothing was created")).inputs == []
    card = await gated.root(gated.ben, f"Rejected by <@{ANA}> <!date^", "Not *ours* <!channel>")
    assert card.buttons == []
    await gated.reply(gated.ben, root, f"<@{BEN}> Rejected by <@{ANA}>", "Not *ours* <!channel>")
    await nothing_sent(gated)
    assert (ANA, "rejected", "done") in await audited(gated)


async def test_two_approvals_are_counted_on_the_card_and_only_the_second_lets_it_go(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT,), needed=2)
    cat = await joins(gated)
    root = await asks(gated)
    assert "*Waiting for approval: 0 of 2.*" in root.visible
    await gated.ana.clicks(root, "Approve")
    await gated.private(gated.ana, "Your approval counts: 1 of 2")
    root = await gated.root(gated.ben, f"*Waiting for approval: 1 of 2*, by <@{ANA}>", f"Asked: <@{CAT}>.")
    await still_waits(gated)
    await cat.clicks(root, "Approve")
    await gated.private(cat, "Approved. It is carried out now")
    await gated.root(gated.ben, "Done", f"Approved by <@{ANA}> and <@{CAT}>")
    assert len(await gated.asked("create_mailbox_bulk")) == 1


async def test_the_same_person_counts_once(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT,), needed=2)
    await joins(gated)
    root = await asks(gated)
    await gated.ana.clicks(root, "Approve")
    root = await gated.root(gated.ben, "1 of 2")
    await gated.ana.clicks(root, "Approve")
    await gated.private(gated.ana, "You approved this already", "1 of 2")
    assert "1 of 2" in (await still_waits(gated)).visible
    assert (ANA, "approved", "already approved") in await refused(gated)


async def test_an_approver_can_change_his_mind_while_others_have_not_decided(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT,), needed=2)
    await joins(gated)
    root = await asks(gated)
    await gated.ana.clicks(root, "Approve")
    root = await gated.root(gated.ben, "1 of 2")
    await rejects(gated, gated.ana, root)
    await gated.root(gated.ben, f"Rejected by <@{ANA}>", "Not ours")
    await nothing_sent(gated)


async def test_nobody_approves_his_own_by_default(gated: Mailroom) -> None:
    await gated.lays_down(people=(BEN,))
    root = await asks(gated)
    for button in ("Approve", "Reject"):
        await gated.ben.clicks(root, button)
        await gated.private(gated.ben, "Somebody else has to approve this")
    await still_waits(gated)
    assert await refused(gated) == [(BEN, "approved", "his own"), (BEN, "rejected", "his own")]


async def test_an_approver_approves_his_own_where_the_policy_lets_him(gated: Mailroom) -> None:
    await gated.lays_down(people=(BEN,), own=True)
    root = await asks(gated)
    assert f"<@{BEN}>" in root.visible.partition("Asked:")[2]
    await gated.ben.clicks(root, "Approve")
    await gated.root(gated.ana, "Done", f"Approved by <@{BEN}>")


async def test_own_approval_does_not_make_an_asker_an_approver(gated: Mailroom) -> None:
    await gated.lays_down(own=True)
    root = await asks(gated)
    await gated.ben.clicks(root, "Approve")
    await gated.private(gated.ben, "Only approvers may decide this")
    await still_waits(gated)


async def test_a_confirmation_is_the_askers_alone(gated: Mailroom) -> None:
    await gated.lays_down(domains=Gate.CONFIRM)
    root = await asks(gated, "/mail domain create new.example")
    assert root.buttons == ["Confirm", "Cancel"]
    assert f"Waiting for <@{BEN}> to confirm" in root.visible
    await gated.ana.clicks(root, "Confirm")
    await gated.private(gated.ana, "Only the person who asked for this can confirm it")
    await still_waits(gated)
    assert await refused(gated) == [(ANA, "confirmed", "not the asker")]
    await gated.ben.clicks(root, "Confirm")
    await gated.private(gated.ben, "Confirmed. It is carried out now")
    done = await gated.root(gated.ana, "Done", f"Confirmed by <@{BEN}>")
    assert done.buttons == []
    assert not any("Confirmed" in said for said in await thread_of(gated, root)), "he knows what he just did"


async def test_the_asker_takes_back_what_waits(gated: Mailroom) -> None:
    root = await asks(gated)
    await gated.ben.clicks(root, "Cancel")
    await gated.private(gated.ben, "Cancelled. Nothing was created")
    card = await gated.root(gated.ana, f"Cancelled by <@{BEN}> <!date^")
    assert card.buttons == []
    await gated.reply(gated.ana, root, f"Cancelled by <@{BEN}>")
    await nothing_sent(gated)
    assert (BEN, "cancel", "done") in await audited(gated)


async def test_the_asker_takes_back_what_is_not_planned_yet(gated: Mailroom) -> None:
    await gated.mailapi.fault("list_mailbox", "status", times=None, status=503)
    await gated.ben.types(MAIL, BULK)
    await gated.passes(seconds=3)
    root = await gated.root(gated.ben, "MailAPI is slow")
    await gated.ben.clicks(root, "Cancel")
    await gated.private(gated.ben, "Cancelled. Nothing was created")
    await gated.mailapi.clear_faults()
    await gated.passes(minutes=2)
    await gated.root(gated.ben, "Cancelled")
    await nothing_sent(gated)


async def test_nobody_else_takes_it_back(gated: Mailroom) -> None:
    root = await asks(gated)
    await gated.ana.clicks(root, "Cancel")
    await gated.private(gated.ana, "Only the person who asked for this can cancel it")
    await still_waits(gated)
    assert await refused(gated) == [(ANA, "cancel", "not the asker")]


async def test_what_is_carried_out_cannot_be_taken_back(gated: Mailroom) -> None:
    root = await asks(gated)
    await gated.ana.clicks(root, "Approve")
    await gated.root(gated.ben, "Done")
    await gated.ben.clicks(root, "Cancel")
    await gated.private(gated.ben, f"Too late. Approved by <@{ANA}>")
    assert (BEN, "cancel", "too late") in await refused(gated)
