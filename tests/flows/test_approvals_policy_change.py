"""A policy that changes while requests wait: the stricter of both holds, and who may decide is today's policy alone."""

from typing import Any

import pytest

from bot.policy import Gate
from sandbox.slack import ANA, BEN
from tests.flows.deciding import (
    BULK,
    CAT,
    DAN,
    asks,
    joins,
    nothing_sent,
    refused,
    still_waits,
    thread_of,
)
from tests.flows.stage import Mailroom

GROUP = "S0CATS0001"
DOMAIN = "/mail domain create new.example"


async def test_what_needed_a_confirmation_needs_approval_once_the_policy_says_so(gated: Mailroom) -> None:
    await gated.lays_down(domains=Gate.CONFIRM)
    card = await asks(gated, DOMAIN)
    await gated.at_rest()
    await gated.lays_down(domains=Gate.APPROVE)
    await gated.ben.clicks(card, "Confirm")
    await gated.private(gated.ben, "This needs an approver now: the policy has changed")
    now = await gated.root(gated.ben, "Waiting for approval")
    assert now.buttons == ["Approve", "Reject", "Cancel"]
    await gated.reply(gated.ana, card, f"<@{ANA}> This waits for your decision")
    assert await refused(gated) == [(BEN, "confirmed", "needs approval")]
    await gated.ana.clicks(now, "Approve")
    await gated.root(gated.ben, "Done", f"Approved by <@{ANA}>")


async def test_what_was_confirmed_but_not_sent_needs_approval_once_the_policy_says_so(gated: Mailroom) -> None:
    await gated.lays_down(domains=Gate.CONFIRM)
    card = await asks(gated, DOMAIN)
    await gated.mailapi.fault("list_domain", "status", times=1, status=503)
    await gated.ben.clicks(card, "Confirm")
    await gated.private(gated.ben, "Confirmed")
    await gated.lays_down(domains=Gate.APPROVE)
    await gated.passes(seconds=5)
    await gated.reply(gated.ben, card, "It needs approval now")
    await gated.root(gated.ben, "Waiting for approval")
    await nothing_sent(gated)


@pytest.mark.parametrize("gate", [Gate.NONE, Gate.CONFIRM])
async def test_what_needed_approval_still_does_once_the_policy_asks_for_less(gated: Mailroom, gate: Gate) -> None:
    card = await asks(gated, DOMAIN)
    await gated.lays_down(domains=gate)
    assert (await still_waits(gated)).buttons == ["Approve", "Reject", "Cancel"]
    await gated.ana.clicks(card, "Approve")
    await gated.root(gated.ben, "Done")


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
async def test_the_higher_number_of_approvals_holds(gated: Mailroom, before: int, after: int) -> None:
    await gated.lays_down(people=(CAT,), needed=before)
    cat = await joins(gated)
    card = await asks(gated)
    await gated.lays_down(people=(CAT,), needed=after)
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "1 of 2")
    assert "1 of 2" in (await still_waits(gated)).visible
    await cat.clicks(card, "Approve")
    await gated.root(gated.ben, "Done", f"Approved by <@{ANA}> and <@{CAT}>")


@pytest.mark.parametrize(("before", "after"), [(True, False), (False, True)])
async def test_approving_ones_own_needs_both_policies_to_allow_it(
    gated: Mailroom, *, before: bool, after: bool
) -> None:
    await gated.lays_down(people=(BEN,), own=before)
    card = await asks(gated)
    await gated.lays_down(people=(BEN,), own=after)
    await gated.ben.clicks(card, "Approve")
    await gated.private(gated.ben, "Somebody else has to approve this")
    await still_waits(gated)


async def test_ones_own_approval_counts_no_more_once_the_policy_forbids_it(gated: Mailroom) -> None:
    await gated.lays_down(people=(BEN, CAT), own=True, needed=2)
    cat = await joins(gated)
    card = await asks(gated)
    await gated.ben.clicks(card, "Approve")
    await gated.root(gated.ben, f"1 of 2*, by <@{BEN}>")
    await gated.lays_down(people=(BEN, CAT), needed=2)
    await gated.root(gated.ben, "0 of 2")
    await cat.clicks(card, "Approve")
    await gated.private(cat, "1 of 2")
    await still_waits(gated)


@pytest.mark.parametrize("threshold", [5, None], ids=["lower", "none"])
async def test_a_threshold_that_went_down_holds_and_one_that_was_lifted_held(
    gated: Mailroom, threshold: int | None
) -> None:
    await gated.lays_down(mailboxes=Gate.CONFIRM, threshold=11 if threshold else 5)
    card = await asks(gated, "/mail mailbox bulk example.com team 6")
    await gated.lays_down(mailboxes=Gate.CONFIRM, threshold=threshold)
    now = await gated.root(gated.ben, "Waiting for approval")
    assert now.ts == card.ts
    await gated.ana.clicks(now, "Approve")
    await gated.root(gated.ben, "Done", f"Approved by <@{ANA}>")


async def test_a_policy_that_changes_before_anybody_could_be_called_shows_on_the_card(gated: Mailroom) -> None:
    await joins(gated)
    await gated.lays_down(people=(CAT,))
    await gated.slack.fault("users.info", "error", times=1_000, error="internal_error", where={"user": CAT})
    card = await asks(gated)
    await gated.lays_down(people=(CAT,), needed=2)
    await gated.at_rest()
    await gated.slack.no_faults()
    await gated.passes(seconds=60)
    assert (await gated.root(gated.ben, "0 of 2")).ts == card.ts


async def test_who_is_no_approver_any_more_decides_nothing_and_who_became_one_is_called(gated: Mailroom) -> None:
    cat = await joins(gated)
    card = await asks(gated)
    await gated.at_rest()
    await gated.lays_down(people=(CAT,), admins=False, connector=False)
    await gated.reply(gated.ben, card, f"<@{CAT}> This waits for your decision")
    now = await gated.root(gated.ben, f"Asked: <@{CAT}>.")
    assert "admins" not in now.visible
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "Only approvers may decide this")
    await still_waits(gated)
    await cat.clicks(card, "Approve")
    await gated.root(gated.ben, "Done")


async def test_the_approval_of_somebody_who_is_no_approver_any_more_does_not_count(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT, DAN), needed=2)
    cat, dan = await joins(gated), await joins(gated, DAN, "dan")
    card = await asks(gated)
    await cat.clicks(card, "Approve")
    await gated.root(gated.ben, "1 of 2")
    await gated.lays_down(people=(DAN,), needed=2)
    await dan.clicks(card, "Approve")
    await gated.private(dan, "1 of 2")
    now = await gated.root(gated.ben, f"1 of 2*, by <@{DAN}>")
    assert CAT not in now.visible
    await still_waits(gated)
    await gated.ana.clicks(now, "Approve")
    done = await gated.root(gated.ben, "Done", f"Approved by <@{DAN}> and <@{ANA}>")
    assert CAT not in done.visible


async def test_the_approval_of_an_admin_who_lost_the_role_does_not_count(gated: Mailroom) -> None:
    await gated.lays_down(people=(DAN,), needed=2)
    cat, dan = await joins(gated, is_admin=True), await joins(gated, DAN, "dan")
    card = await asks(gated)
    await cat.clicks(card, "Approve")
    await gated.root(gated.ben, "1 of 2")
    await gated.slack.set_user(CAT, is_admin=False)
    await gated.passes(seconds=61)
    await dan.clicks(card, "Approve")
    await gated.private(dan, "1 of 2")
    await gated.root(gated.ben, f"1 of 2*, by <@{DAN}>")
    await nothing_sent(gated)


NOBODY: tuple[dict[str, Any], ...] = (
    {},
    {"people": (CAT,)},  # who is gone
    {"people": (DAN,)},  # a guest
    {"groups": (GROUP,)},  # which is empty
    {"groups": ("S0GONE0001",)},  # which is not there
    {"people": ("U0GONE0001",)},  # whom Slack does not know
)


async def test_where_nobody_is_left_who_may_decide_it_is_said_and_the_policys_owners_are_told(gated: Mailroom) -> None:
    await joins(gated, deleted=True)
    await joins(gated, DAN, "dan", is_restricted=True)
    await gated.slack.add_group(GROUP, "cats", [])
    card = await asks(gated)
    for number, named in enumerate(NOBODY, 1):
        await gated.at_rest()
        await gated.lays_down(**named, admins=False, connector=False)
        await gated.at_rest()
        said = [text for text in await thread_of(gated, card) if f"<@{BEN}> Nobody may approve this now" in text]
        assert len(said) == number, named
        assert f"<@{ANA}> can name approvers with `/mail policy`" in said[-1]
    await gated.direct(gated.ana, "Too few people may approve this: 25 mailboxes", f"asked for by <@{BEN}>")
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "Only approvers may decide this")
    await gated.lays_down()
    await gated.ana.clicks(card, "Approve")
    await gated.root(gated.ben, "Done")


async def test_a_disabled_group_approves_nothing(gated: Mailroom) -> None:
    await gated.slack.add_group(GROUP, "cats", [CAT])
    cat = await joins(gated)
    await gated.lays_down(groups=(GROUP,), admins=False, connector=False)
    card = await asks(gated)
    await gated.at_rest()
    await gated.slack.fault("usergroups.users.list", "error", times=9, error="no_such_subteam")
    await gated.passes(seconds=61)
    await cat.clicks(card, "Approve")
    await gated.private(cat, "Only approvers may decide this")
    await still_waits(gated)


async def test_it_is_said_once(gated: Mailroom) -> None:
    await gated.lays_down(admins=False, connector=False)
    card = await asks(gated)
    for _ in range(4):
        await gated.passes(hours=5)
    assert sum("Nobody may approve" in said for said in await thread_of(gated, card)) == 1
    assert sum("Too few people" in m.visible for m in await gated.ana.direct_messages()) == 1


@pytest.mark.parametrize("how", ["by name", "by role", "by group"])
async def test_the_only_approver_who_asks_himself_is_told_how_to_allow_it(gated: Mailroom, how: str) -> None:
    await gated.slack.add_group(GROUP, "anas", [ANA])
    rules: dict[str, Any] = {
        "by name": {"admins": False, "people": (ANA,)},
        "by role": {"connector": False},
        "by group": {"admins": False, "connector": False, "groups": (GROUP,)},
    }
    await gated.lays_down(**rules[how])
    card = await asks(gated, BULK, by=gated.ana)
    await gated.reply(
        gated.ana, card, f"<@{ANA}> You are the only one who may approve here", "allow that", "`/mail policy`"
    )
    await gated.lays_down(**rules[how], own=True)
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "Somebody else has to approve this")
    await gated.ana.clicks(card, "Cancel")
    cancelled = await gated.reply(gated.ana, card, "Cancelled by")
    await gated.ana.clicks(cancelled, "Ask Again")
    again = await gated.root(gated.ana, "Waiting for approval")
    await gated.ana.clicks(again, "Approve")
    await gated.root(gated.ana, "Done", f"Approved by <@{ANA}>")


async def test_where_more_approvals_are_needed_than_there_are_approvers_it_is_said(gated: Mailroom) -> None:
    await gated.lays_down(needed=2)
    card = await asks(gated)
    await gated.reply(
        gated.ben, card, f"<@{BEN}> This needs 2 approvals, and only <@{ANA}> may approve", "`/mail policy`"
    )
    await gated.direct(gated.ana, "Too few people may approve this")


async def test_where_those_named_are_too_few_admins_are_called_too(gated: Mailroom) -> None:
    await joins(gated, is_admin=True)
    await gated.lays_down(needed=2)
    card = await asks(gated)
    await gated.reply(gated.ben, card, f"<@{CAT}> This waits for your decision")
    await gated.at_rest()
    assert len(await thread_of(gated, card)) == 1
