"""Who may decide: looked up at the click, as Slack knows people then; what cannot be checked is never a yes."""

from typing import Any

import pytest
from sqlmodel import Session

from bot.policy import Gate
from sandbox.slack import ANA, BEN, EVE, GENERAL, GUS, MAIL, Message
from sandbox.slack.identity import OTHER_TEAM
from storage import requests, workspaces
from storage.states import RequestState
from storage.tables import Request
from tests.flows.deciding import (
    BULK,
    CAT,
    asks,
    audited,
    joins,
    nothing_sent,
    refused,
    still_waits,
    value_of,
    with_value,
)
from tests.flows.stage import Mailroom
from tests.flows.test_lost_answers import lose, question

GROUP = "S0CATS0001"
DOMAIN = "/mail domain create new.example"


async def refuses(mailroom: Mailroom, card: Message, user: str, *said: str) -> None:
    """Each button that decides is refused to this person, who is told why, and the request waits as before."""
    person = mailroom.slack.person(user)
    for button in ("Approve", "Reject"):
        await person.clicks(card, button)
        await mailroom.private(person, *said)
        view = await person.view()
        assert view is None or view.title != "Reject request"
    await still_waits(mailroom)


async def test_whoever_is_no_approver_decides_nothing_and_hears_where_to_see_who_is(gated: Mailroom) -> None:
    await joins(gated)
    card = await asks(gated)
    await refuses(gated, card, CAT, "Only approvers may decide this", "`/mail policy`")
    assert await refused(gated) == [(CAT, "approved", "not an approver"), (CAT, "rejected", "not an approver")]


@pytest.mark.parametrize("user", [GUS, EVE], ids=["a guest", "somebody of another organisation"])
async def test_outsiders_decide_nothing_even_where_the_policy_names_them(gated: Mailroom, user: str) -> None:
    await gated.lays_down(people=(user,))
    card = await asks(gated)
    await refuses(gated, card, user, "Guests and people of other organisations")
    await gated.slack.person(user).clicks(card, "Cancel")
    await still_waits(gated)
    assert await refused(gated) == [(user, action, "a guest") for action in ("approved", "rejected", "cancel")]


async def test_whom_the_policy_names_approves(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT,), admins=False, connector=False)
    cat = await joins(gated)
    card = await asks(gated)
    await refuses(gated, card, ANA, "Only approvers may decide this")
    await cat.clicks(card, "Approve")
    await gated.root(gated.ben, "Done", f"Approved by <@{CAT}>")


async def test_whoever_is_in_a_group_of_the_policy_approves(gated: Mailroom) -> None:
    await gated.slack.add_group(GROUP, "cats", [CAT])
    await gated.lays_down(groups=(GROUP,), admins=False, connector=False)
    cat = await joins(gated)
    card = await asks(gated)
    await refuses(gated, card, ANA, "Only approvers may decide this")
    await cat.clicks(card, "Approve")
    await gated.root(gated.ben, "Done", f"Approved by <@{CAT}>")


async def test_whoever_left_the_group_approves_no_more_a_minute_later(gated: Mailroom) -> None:
    await gated.slack.add_group(GROUP, "cats", [CAT])
    await gated.lays_down(groups=(GROUP,), connector=False)
    await joins(gated)
    card = await asks(gated)
    await gated.at_rest()
    await gated.slack.add_group(GROUP, "cats", [])
    await gated.passes(seconds=61)
    await refuses(gated, card, CAT, "Only approvers may decide this")


@pytest.mark.parametrize("user", [CAT, BEN], ids=["somebody else", "the asker"])
async def test_who_is_deactivated_decides_nothing(gated: Mailroom, user: str) -> None:
    await gated.lays_down(people=(CAT, BEN), own=True)
    await joins(gated)
    card = await asks(gated)
    await gated.slack.person(user).clicks(card, "Reject")
    await gated.form(gated.slack.person(user), "Nothing will be created")
    click = (await gated.slack.envelopes("interactive"))[-1]["payload"]
    await gated.slack.set_user(user, deleted=True)
    await gated.passes(seconds=61)
    approve = {**click["actions"][0], "action_id": "approve_request"}
    await gated.slack.request({**click, "actions": [approve], "trigger_id": "1.gone"})
    await still_waits(gated)
    assert await refused(gated) == [(user, "approved", "a guest")]


async def test_an_admin_who_lost_the_role_decides_nothing_a_minute_later(gated: Mailroom) -> None:
    cat = await joins(gated, is_admin=True)
    card = await asks(gated)
    await cat.clicks(card, "Reject")
    await gated.form(cat, "Nothing will be created")
    await gated.slack.set_user(CAT, is_admin=False)
    await gated.clock_ahead(seconds=61)
    await cat.fills(Reason="As an admin I say no")
    await cat.submits()
    await gated.form(cat, "Only approvers may decide this")
    await cat.closes()
    await refuses(gated, card, CAT, "Only approvers may decide this")


async def test_while_slack_does_not_say_who_somebody_is_nothing_is_granted(gated: Mailroom) -> None:
    cat = await joins(gated, is_admin=True)
    card = await asks(gated)
    await gated.passes(seconds=61)  # she may have been told of the first key, and is known for a minute then
    await gated.slack.fault("users.info", "error", times=2, where={"user": CAT})
    await refuses(gated, card, CAT, "Slack did not say in time who you are", "Try again")
    assert await refused(gated) == [(CAT, "approved", "could not check"), (CAT, "rejected", "could not check")]
    await cat.clicks(card, "Approve")
    await gated.root(gated.ben, "Done", f"Approved by <@{CAT}>")


async def test_while_slack_does_not_say_who_is_in_a_group_nothing_is_granted(gated: Mailroom) -> None:
    await gated.slack.add_group(GROUP, "cats", [CAT])
    await gated.lays_down(groups=(GROUP,))
    cat = await joins(gated)
    card = await asks(gated)
    await gated.passes(seconds=61)
    await gated.slack.fault("usergroups.users.list", "error", times=2)
    await refuses(gated, card, CAT, "Slack did not say in time who is in the user groups")
    assert await refused(gated) == [(CAT, "approved", "could not check"), (CAT, "rejected", "could not check")]
    await cat.clicks(card, "Approve")
    await gated.root(gated.ben, "Done", f"Approved by <@{CAT}>")


async def test_slack_that_is_slow_about_people_is_waited_for_less_than_slack_waits_for_us(gated: Mailroom) -> None:
    await gated.slack.add_group(GROUP, "cats", [CAT])
    await gated.lays_down(groups=(GROUP,))
    cat = await joins(gated)
    card = await asks(gated)
    await gated.passes(seconds=61)
    await gated.slack.fault("users.info", "latency", seconds=1.3)
    await gated.slack.fault("usergroups.users.list", "latency", seconds=1.6)
    ack = await cat.clicks(card, "Approve")
    assert (ack.ok, ack.seconds < 3) == (True, True)
    await gated.private(cat, "Slack did not say in time")
    await still_waits(gated)


async def elsewhere(mailroom: Mailroom) -> int:
    """A request of another workspace that waits."""

    def write(session: Session) -> int:
        now = mailroom.clock()
        workspaces.installed(session, OTHER_TEAM, name="Other", bot_user_id="U1", now=now)
        request = Request(
            workspace_id=OTHER_TEAM,
            kind="domain_create",
            parameters={"domain": "theirs.example"},
            state=RequestState.AWAITING_DECISION,
            asker=BEN,
            asked_in=MAIL,
            home_channel=MAIL,
            deduplication_key="trigger:theirs",
            plan_hash="0",
            created_at=now,
        )
        return requests.add(session, request).id

    assert mailroom.bot is not None
    return await mailroom.bot.database.write(write)


@pytest.mark.parametrize("button", ["Approve", "Reject", "Cancel"])
async def test_a_request_of_another_workspace_is_unknown_here(gated: Mailroom, button: str) -> None:
    theirs = await elsewhere(gated)
    card = with_value(await asks(gated), f"{theirs}.1.0")
    await gated.ana.clicks(card, button)
    await gated.private(gated.ana, "This request is not known any more")
    assert [why for *_, why in await refused(gated)] == ["unknown request"]

    def state(session: Session) -> RequestState | None:
        found = requests.get(session, OTHER_TEAM, theirs)
        return found.state if found else None

    assert gated.bot is not None
    assert await gated.bot.database.read(state) is RequestState.AWAITING_DECISION


async def test_a_click_from_another_workspace_is_not_served(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.ana.clicks(card, "Reject")
    click = (await gated.slack.envelopes("interactive"))[-1]["payload"]
    approve = {**click["actions"][0], "action_id": "approve_request"}
    other = {"team": {"id": OTHER_TEAM, "domain": "other"}, "actions": [approve], "trigger_id": "1.other"}
    await gated.slack.request({**click, **other, "user": {"id": EVE, "team_id": OTHER_TEAM}})
    await still_waits(gated)


MALFORMED = ("", "1", "1.1.", "x.1.0", "1.1.zz", f"{'9' * 19}.1.0", "1.1.0\n", "\u0661.1.0", "{}", "9" * 1_900)


async def test_a_button_of_another_version_of_the_bot_does_nothing_and_says_so(gated: Mailroom) -> None:
    card = await asks(gated)
    for value in MALFORMED:
        ack = await gated.ana.clicks(with_value(card, value), "Approve")
        assert ack.ok, value
    for button in ("Reject", "Cancel"):
        await gated.ana.clicks(with_value(card, "1"), button)

    async def told() -> bool:
        said = [m for m in await gated.ana.sees(MAIL) if m.ephemeral and "from an older version of Mailroom" in m.text]
        return len(said) == len(MALFORMED) + 2

    await gated.until(told, "an answer to each")
    await still_waits(gated)
    assert [why for *_, why in await refused(gated)] == ["unreadable"] * (len(MALFORMED) + 2)


async def test_a_form_of_another_version_of_the_bot_does_nothing_and_says_so(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.ana.clicks(card, "Reject")
    await gated.form(gated.ana, "Nothing will be created")
    await gated.ana.submits()
    click = (await gated.slack.envelopes("interactive"))[-1]["payload"]
    view = await gated.ana.view()
    assert view is not None
    for number, metadata in enumerate(("", "{}", "[1]", '{"ballot": 7, "channel": "C1", "thread": null}', "x" * 3_000)):
        older = {**view.raw, "private_metadata": metadata, "hash": f"1.{number}"}
        answer = await gated.slack.request({**click, "type": "view_submission", "view": older})
        assert "no such form any more" in str(answer.payload), metadata
    await still_waits(gated)
    assert await refused(gated) == [(ANA, "rejected", "unreadable")] * 5


async def test_before_there_is_a_plan_nobody_can_decide(gated: Mailroom) -> None:
    card = await asks(gated, DOMAIN)
    value = value_of(card)
    await gated.mailapi.fault("list_mailbox", "status", times=None, status=503)
    await gated.ben.types(MAIL, BULK)
    await gated.clock_ahead(seconds=3)
    await gated.root(gated.ben, "MailAPI is slow")
    await gated.ana.clicks(with_value(card, f"2.{value.partition('.')[2]}"), "Approve")
    await gated.private(gated.ana, "There is no plan to decide about yet")
    await nothing_sent_yet(gated)


async def nothing_sent_yet(mailroom: Mailroom) -> None:
    assert await mailroom.mailapi.creates() == []


# Who may ask.

ASKERS: dict[str, Any] = {
    "in this channel": {"channels": (GENERAL,)},
    "named people": {"askers": (ANA,)},
    "people of a group": {"asker_groups": (GROUP,)},
}


@pytest.mark.parametrize("limits", ASKERS.values(), ids=ASKERS)
async def test_whom_the_policy_does_not_let_ask_is_told_so_privately(gated: Mailroom, limits: Any) -> None:
    await gated.slack.add_group(GROUP, "cats", [ANA])
    await gated.lays_down(domains=Gate.NONE, **limits)
    ack = await gated.ben.types(MAIL, DOMAIN)
    said = f"lets people ask in <#{GENERAL}>" if "channels" in limits else "lets only some people ask"
    assert said in ack.text
    await nothing_sent(gated)
    assert await gated.roots(gated.ana) == []
    why = "not in this channel" if "channels" in limits else "may not ask"
    assert await refused(gated) == [(BEN, "domain_create", why)]


@pytest.mark.parametrize("limits", [*ASKERS.values()][1:], ids=[*ASKERS][1:])
async def test_whom_the_policy_lets_ask_asks(gated: Mailroom, limits: Any) -> None:
    await gated.slack.add_group(GROUP, "cats", [ANA])
    await gated.lays_down(domains=Gate.NONE, **limits)
    await gated.ana.types(MAIL, DOMAIN)
    await gated.root(gated.ana, "Done")


async def test_where_slack_does_not_say_who_may_ask_nothing_is_asked_for(gated: Mailroom) -> None:
    await gated.slack.add_group(GROUP, "cats", [BEN])
    await gated.lays_down(domains=Gate.NONE, asker_groups=(GROUP,))
    await gated.slack.fault("usergroups.users.list", "error")
    assert "Slack did not say in time" in (await gated.ben.types(MAIL, DOMAIN)).text
    await nothing_sent(gated)
    await gated.ben.types(MAIL, DOMAIN)
    await gated.root(gated.ben, "Done")


# What approvers may besides.


async def test_approvers_see_the_credentials_of_what_was_made(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT,))
    cat = await joins(gated)
    await gated.ben.types(MAIL, "/mail mailbox create john@example.com")
    completion = await gated.completed(gated.ben)
    await gated.mailapi.set_credentials("john@example.com", {"password": "hunter2-hunter2"})
    await cat.clicks(completion, "Show Credentials")
    await gated.form(cat, "hunter2-hunter2")
    assert (CAT, "credentials", "shown") in await audited(gated)


async def test_approvers_answer_for_a_lost_answer(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT,))
    cat = await joins(gated)
    await lose(gated, "create_mailbox_single")
    asked = await question(gated)
    await cat.clicks(asked, "Send Again")
    await gated.completed(gated.ben)
    assert (CAT, "send_again", "done") in await audited(gated)
    assert await gated.mailapi.mailboxes() == {"john@example.com": 1}
