"""The forms of the policy: what is wrong stands at its field, who saves later undoes nothing, who may not cannot."""

from typing import Any

import pytest
import pytest_asyncio

from sandbox.slack import ANA, BEN, EVE, GUS
from tests.flows.policies import (
    ALSO,
    APPROVERS,
    ASKERS,
    CLEO,
    CONNECTOR,
    EXPIRES,
    GATES,
    NEEDED,
    POSTMASTERS,
    REMINDS,
    THRESHOLD,
    audited,
    changed,
    changes,
    cleo_of,
    opens,
    shown,
    versions,
)
from tests.flows.stage import CALLER_ID, OTHER_KEY, Mailroom
from tests.flows.test_redelivery import answers, twice


@pytest_asyncio.fixture
async def mailroom(gated: Mailroom) -> Mailroom:
    """Nobody has changed the policy yet."""
    return gated


# What is wrong stands at its field.

WRONG: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "a threshold of none": (GATES, {THRESHOLD: "0"}, {THRESHOLD: "whole number from 1 to 1,000,000"}),
    "a threshold beyond all": (GATES, {THRESHOLD: "1000001"}, {THRESHOLD: "whole number from 1 to 1,000,000"}),
    "a threshold that is no number to people": (GATES, {THRESHOLD: "1e3"}, {THRESHOLD: "whole number from 1"}),
    "no approval": (APPROVERS, {NEEDED: "0"}, {NEEDED: "whole number from 1 to 10"}),
    "too many approvals": (APPROVERS, {NEEDED: "11"}, {NEEDED: "whole number from 1 to 10"}),
    "no time": (ASKERS, {EXPIRES: "0"}, {EXPIRES: "whole number from 1 to 336"}),
    "too much time": (
        ASKERS,
        {EXPIRES: "337", REMINDS: "-1"},
        {EXPIRES: "whole number from 1 to 336", REMINDS: "whole number from 0 to 336"},
    ),
    "a reminder after the end": (ASKERS, {EXPIRES: "4"}, {REMINDS: "Type less than 4, or 0 for never"}),
    "nobody who may approve": (APPROVERS, {ALSO: []}, {"People": "Nobody could approve anything then"}),
    "one approver for two approvals": (
        APPROVERS,
        {"People": [BEN], ALSO: [], NEEDED: "2"},
        {NEEDED: "Only 1 person may approve"},
    ),
    "an approver who is named twice": (
        APPROVERS,
        {"People": [ANA, BEN], ALSO: [CONNECTOR], NEEDED: "3"},
        {NEEDED: "Only 2 people may approve"},
    ),
}


@pytest.mark.parametrize(("button", "fields", "wrong"), WRONG.values(), ids=WRONG.keys())
async def test_what_is_wrong_stands_at_its_field_and_can_be_mended(
    mailroom: Mailroom, button: str, fields: dict[str, Any], wrong: dict[str, str]
) -> None:
    errors = await changes(mailroom, mailroom.ana, button, **fields)
    assert errors.keys() == wrong.keys()
    assert all(said in errors[field] for field, said in wrong.items()), errors
    assert await versions(mailroom) == []
    mended = {THRESHOLD: "12", NEEDED: "1", EXPIRES: "6", REMINDS: "0", "People": [BEN]}
    await mailroom.ana.fills(**{label: mended[label] for label in wrong})
    assert await mailroom.ana.submits() == {}
    assert (await mailroom.form(mailroom.ana)).inputs == []


async def test_where_nothing_needs_approval_nobody_has_to_approve_and_the_other_way_round(mailroom: Mailroom) -> None:
    ana, nothing = mailroom.ana, {"Domains need": "Nothing", "Sub-domains need": "Nothing", THRESHOLD: None}
    await changed(mailroom, ana, GATES, **nothing)
    await changed(mailroom, ana, APPROVERS, **{ALSO: []})
    assert "Nobody." in await shown(mailroom.ben)
    errors = await changes(mailroom, ana, GATES, **{"Sub-domains need": "Approval"})
    assert list(errors) == ["Sub-domains need"]
    assert "Nobody may approve at present" in errors["Sub-domains need"]
    await ana.fills(**{"Sub-domains need": "Nothing", THRESHOLD: "5"})
    assert list(await ana.submits()) == [THRESHOLD]
    await ana.closes()
    await changed(mailroom, ana, APPROVERS, **{"People": [BEN], NEEDED: "2"})
    errors = await changes(mailroom, ana, GATES, **{"Domains need": "Approval"})
    assert "2 approvals are needed, and only 1 person may approve" in errors["Domains need"]


# Two who change it, and one change that comes twice.


async def test_who_saves_later_is_shown_both_changes_and_undoes_none(mailroom: Mailroom) -> None:
    cleo, ana = await cleo_of(mailroom), mailroom.ana
    await opens(mailroom, ana, GATES)
    await changed(mailroom, cleo, GATES, **{"Domains need": "Nothing", THRESHOLD: "20"})
    await ana.fills(**{"Sub-domains need": "Nothing", THRESHOLD: "30"})
    assert await ana.submits() == {}
    form = await mailroom.form(ana, "Not saved yet.", f"<@{CLEO}> changed the policy", "save again")
    assert "Domains: approval → nothing needed" in form.text
    assert form.values == {
        "Domains need": "none",
        "Sub-domains need": "none",
        "Mailboxes need": "none",
        THRESHOLD: "30",
    }
    assert len(await versions(mailroom)) == 1
    assert await ana.submits() == {}
    said = (await mailroom.form(ana, "Saved.")).text
    assert "from 20 on → from 30 on" in said
    assert "Domains:" not in said.replace("Sub-domains:", "")
    last = (await versions(mailroom))[1]
    assert (last["domains"], last["subdomains"], last["threshold"]) == ("none", "none", 30)


async def test_what_somebody_else_has_saved_already_is_nothing_to_save(mailroom: Mailroom) -> None:
    cleo, ana = await cleo_of(mailroom), mailroom.ana
    await opens(mailroom, ana, GATES)
    await changed(mailroom, cleo, GATES, **{"Domains need": "Nothing"})
    await ana.fills(**{"Domains need": "Nothing"})
    assert await ana.submits() == {}
    await mailroom.form(ana, "Nothing was changed.")
    assert len(await versions(mailroom)) == 1


@twice
async def test_a_submission_that_comes_twice_is_one_change(mailroom: Mailroom, *, at_once: bool) -> None:
    await opens(mailroom, mailroom.ana, GATES)
    before = len(await mailroom.slack.envelopes("interactive"))
    await mailroom.ana.fills(**{"Domains need": "Nothing"})
    await mailroom.slack.deliver_twice("interactive", at_once=at_once)
    assert await mailroom.ana.submits() == {}
    first, second = await answers(mailroom, "interactive", before + 2)
    assert first == second
    assert "Saved." in str(first)
    assert (len(await versions(mailroom)), len(await audited(mailroom))) == (1, 1)


async def test_a_submission_that_comes_again_after_a_later_change_is_answered_as_before(mailroom: Mailroom) -> None:
    cleo, ana = await cleo_of(mailroom), mailroom.ana
    await changes(mailroom, ana, GATES, **{"Domains need": "Nothing"})
    submission = (await mailroom.slack.envelopes("interactive"))[-1]
    await changed(mailroom, cleo, GATES, **{"Domains need": "The asker's confirmation"})
    again = await mailroom.slack.request(submission["payload"], "interactive")
    assert again.payload == submission["ack"]
    assert [each["domains"] for each in await versions(mailroom)] == ["none", "confirm"]


# Who may not.


async def test_a_member_who_clicks_somebody_elses_button_is_refused_and_audited(mailroom: Mailroom) -> None:
    await opens(mailroom, mailroom.ana, GATES)
    click = (await mailroom.slack.envelopes("interactive"))[-1]["payload"]
    for who, said in ((BEN, "Only admins, owners and whoever connected"), (GUS, "Guests")):
        person = mailroom.slack.person(who)
        await mailroom.slack.request({**click, "user": {**click["user"], "id": who}}, "interactive")
        assert await person.view() is None
        assert (who, "refused") in [(actor, outcome) for actor, outcome, _ in await audited(mailroom)], said


async def test_who_may_no_longer_change_it_is_refused_at_the_submission(unconnected: Mailroom) -> None:
    await unconnected.connected(unconnected.ben)
    await unconnected.ben.closes()
    await opens(unconnected, unconnected.ben, GATES)
    await unconnected.ben.fills(**{"Domains need": "Nothing"})
    await unconnected.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await unconnected.connected(unconnected.ana, OTHER_KEY)
    await unconnected.ben.submits()
    await unconnected.form(unconnected.ben, "Only admins, owners and whoever connected the key in force")
    assert await versions(unconnected) == []
    assert [(who, what) for who, what, _ in await audited(unconnected)] == [(BEN, "refused")]


async def test_a_form_submitted_while_slack_does_not_say_who_that_is_stays_and_can_be_submitted_again(
    mailroom: Mailroom,
) -> None:
    await opens(mailroom, mailroom.ana, GATES)
    await mailroom.ana.fills(**{"Domains need": "Nothing"})
    await mailroom.passes(seconds=61)
    await mailroom.slack.fault("users.info", "error", times=1)
    assert "Slack did not say in time who you are" in (await mailroom.ana.submits())["Domains need"]
    assert await versions(mailroom) == []
    assert await mailroom.ana.submits() == {}
    await mailroom.form(mailroom.ana, "Saved.")


@pytest.mark.parametrize("button", [APPROVERS, ASKERS])
async def test_guests_and_people_of_other_organisations_are_not_taken(mailroom: Mailroom, button: str) -> None:
    errors = await changes(mailroom, mailroom.ana, button, People=[BEN, GUS, EVE])
    assert errors == {
        "People": "Choose full members alone. These are guests, of another organisation, or gone: gus and eve."
    }
    assert await versions(mailroom) == []
    await mailroom.slack.fault("users.info", "error", times=1, where={"user": BEN})
    await mailroom.passes(seconds=61)
    await mailroom.ana.fills(People=[BEN])
    assert "did not say in time who these people are" in next(iter((await mailroom.ana.submits()).values()))
    assert await mailroom.ana.submits() == {}
    await mailroom.form(mailroom.ana, "Saved.")


async def test_who_became_a_guest_keeps_nobody_from_changing_the_policy(mailroom: Mailroom) -> None:
    await mailroom.lays_down(people=(GUS,))
    await changed(mailroom, mailroom.ana, APPROVERS, People=[GUS, BEN])


async def test_a_form_of_another_version_of_the_bot_is_not_taken(mailroom: Mailroom) -> None:
    await changes(mailroom, mailroom.ana, GATES)
    payload = (await mailroom.slack.envelopes("interactive"))[-1]["payload"]
    for change in (
        {"callback_id": "policy:colours"},
        {"private_metadata": ""},
        {"private_metadata": '{"version": "x"}'},
        {"private_metadata": '{"version": 7}'},
    ):
        view = {**payload["view"], **change, "hash": str(change)}
        answer = await mailroom.slack.request({**payload, "view": view}, "interactive")
        assert "There is no such form any more" in str(answer.payload), change
    assert await versions(mailroom) == []


@pytest.mark.parametrize("chosen", ["U" * 33, "", "U1> <!channel"], ids=["too long", "empty", "more than an id"])
async def test_what_is_no_id_is_said_at_its_field(mailroom: Mailroom, chosen: str) -> None:
    await changes(mailroom, mailroom.ana, APPROVERS)
    payload = (await mailroom.slack.envelopes("interactive"))[-1]["payload"]
    values = payload["view"]["state"]["values"]
    people = next(block for block in values if block.startswith("people:"))
    values[people] = {"value": {"type": "multi_users_select", "selected_users": [chosen]}}
    payload["view"]["hash"] = "another"
    answer = await mailroom.slack.request(payload, "interactive")
    assert answer.payload["errors"] == {people: "Choose again, from what is offered."}
    assert await versions(mailroom) == []


# User groups to choose from.


async def searched(mailroom: Mailroom, typed: str) -> list[str]:
    """The groups that the open form offers."""
    options = await mailroom.ana.searches(await mailroom.form(mailroom.ana), "User groups", typed)
    return [option["text"]["text"] for option in options]


async def test_user_groups_are_found_by_what_is_typed_and_at_once(mailroom: Mailroom) -> None:
    await mailroom.slack.add_group("S0ADMINS01", "admins", [ANA])
    await mailroom.slack.add_group("S0MASTERS1", "masters", [ANA])
    await opens(mailroom, mailroom.ana, APPROVERS)
    assert await searched(mailroom, "") == ["@admins", "@masters", "@postmasters"]
    assert await searched(mailroom, "@Mast") == ["@masters", "@postmasters"]
    assert await searched(mailroom, "nobody") == []


async def test_of_many_user_groups_a_hundred_are_offered(mailroom: Mailroom) -> None:
    for number in range(120):
        await mailroom.slack.add_group(f"S{number}", f"group-{number:03}", [ANA])
    await opens(mailroom, mailroom.ana, APPROVERS)
    found = await searched(mailroom, "group")
    assert (len(found), found[0]) == (100, "@group-000")
    assert await searched(mailroom, "group-119") == ["@group-119"]


async def test_who_may_not_change_the_policy_is_offered_no_user_groups(mailroom: Mailroom) -> None:
    await opens(mailroom, mailroom.ana, APPROVERS)
    assert await searched(mailroom, "post") == ["@postmasters"]
    asked = (await mailroom.slack.envelopes("interactive"))[-1]["payload"]
    for who in (BEN, GUS):
        answer = await mailroom.slack.request({**asked, "user": {**asked["user"], "id": who}}, "interactive")
        assert answer.payload == {"options": []}


async def test_where_slack_does_not_say_what_groups_there_are_the_form_shows_their_ids(mailroom: Mailroom) -> None:
    await changed(mailroom, mailroom.ana, APPROVERS, **{"User groups": ["@postmasters"]})
    await opens(mailroom, mailroom.ana, APPROVERS)
    assert "@postmasters" in (await mailroom.form(mailroom.ana)).text
    await mailroom.ana.closes()
    await mailroom.passes(seconds=61)
    await mailroom.slack.fault("usergroups.list", "error", times=2)
    await opens(mailroom, mailroom.ana, APPROVERS)
    assert POSTMASTERS in (await mailroom.form(mailroom.ana)).text
    assert await searched(mailroom, "post") == []
    await mailroom.ana.submits()
    await mailroom.form(mailroom.ana, "Nothing was changed.")
