"""`/mail policy`: what needs whose approval is shown to everybody, and changed in forms by those who may."""

import pytest_asyncio

from sandbox.slack import ANA, BEN, GUS, MAIL, VAULT
from tests.flows.policies import (
    ADMINS,
    ALSO,
    APPROVERS,
    ASKERS,
    CLEO,
    EXPIRES,
    GATES,
    NEEDED,
    OWN,
    POSTMASTERS,
    REMINDS,
    THRESHOLD,
    audited,
    changed,
    changes,
    opens,
    shown,
    versions,
)
from tests.flows.stage import Mailroom


@pytest_asyncio.fixture
async def mailroom(gated: Mailroom) -> Mailroom:
    """Nobody has changed the policy yet."""
    return gated


# Reading it.


async def test_everybody_reads_the_defaults_in_plain_words(mailroom: Mailroom) -> None:
    text = await shown(mailroom.ben)
    for said in (
        "Domains: approval.",
        "Sub-domains: approval.",
        "Mailboxes: nothing needed, and approval from 11 mailboxes on, counted for each person and domain",
        "Slack's admins and owners.",
        f"Whoever connected the key: <@{ANA}>.",
        "1 approval is needed, and approvers may not approve their own requests.",
        "Every full member of this workspace.",
        "Channels: everywhere.",
        "expires after 24 hours; approvers are reminded after 4 hours, then after twice as long each time.",
        "These are the defaults.",
        f"Admins, owners and whoever connected the key (<@{ANA}>) can change this.",
    ):
        assert said in text, said


async def test_only_those_who_may_change_it_have_buttons(mailroom: Mailroom) -> None:
    for person, buttons in ((mailroom.ana, [GATES, APPROVERS, ASKERS]), (mailroom.ben, [])):
        await person.types(MAIL, "/mail policy")
        assert (await mailroom.private(person, "What needs what")).buttons == buttons


async def test_whoever_connected_the_key_may_change_it(unconnected: Mailroom) -> None:
    await unconnected.connected(unconnected.ben)
    await unconnected.ben.closes()
    await changed(unconnected, unconnected.ben, GATES, **{"Domains need": "Nothing"})
    assert "Domains: nothing needed." in await shown(unconnected.ben)


async def test_before_anybody_has_connected_a_key_the_policy_can_be_read_and_changed(unconnected: Mailroom) -> None:
    assert "Whoever connected the key: nobody so far." in await shown(unconnected.ben)
    await changed(unconnected, unconnected.ana, GATES, **{"Domains need": "Nothing"})


async def test_a_guest_reads_nothing_and_that_is_audited(mailroom: Mailroom) -> None:
    assert "Guests" in await shown(mailroom.slack.person(GUS))
    assert [(who, what) for who, what, _ in await audited(mailroom)] == [(GUS, "refused")]


async def test_a_policy_asked_for_by_a_mention_has_its_buttons_too(mailroom: Mailroom) -> None:
    await mailroom.ana.mentions(MAIL, "policy")
    answer = await mailroom.private(mailroom.ana, "What needs what")
    await mailroom.ana.clicks(answer, GATES)
    assert (await mailroom.form(mailroom.ana)).title == "Policy: gates"


async def test_who_changed_it_last_is_said(mailroom: Mailroom) -> None:
    await changed(mailroom, mailroom.ana, GATES, **{"Domains need": "Nothing"})
    assert f"Changed last by <@{ANA}>" in await shown(mailroom.ben)


async def test_more_words_are_refused(mailroom: Mailroom) -> None:
    assert "takes nothing after it" in (await mailroom.ana.types(MAIL, "/mail policy please")).text


# Changing it.


async def test_each_form_shows_what_is_in_force_and_takes_something_else(mailroom: Mailroom) -> None:
    await mailroom.slack.add_user(CLEO, "cleo")
    ana = mailroom.ana
    await opens(mailroom, ana, GATES)
    assert (await mailroom.form(ana)).values == {
        "Domains need": "approve",
        "Sub-domains need": "approve",
        "Mailboxes need": "none",
        THRESHOLD: "11",
    }
    said = await changed(
        mailroom,
        ana,
        GATES,
        **{"Domains need": "Nothing", "Mailboxes need": "The asker's confirmation", THRESHOLD: "1000"},
    )
    for line in (
        "Domains: approval → nothing needed",
        "Mailboxes: nothing needed → confirmed by the asker",
        "Approval by number of mailboxes: from 11 on → from 1,000 on",
    ):
        assert line in said, line

    await opens(mailroom, ana, APPROVERS)
    assert (await mailroom.form(ana)).values == {
        "People": [],
        "User groups": [],
        ALSO: ["admins", "connector"],
        NEEDED: "1",
        OWN: [],
    }
    said = await changed(
        mailroom,
        ana,
        APPROVERS,
        **{"People": [BEN, CLEO], "User groups": ["@postmasters"], ALSO: [ADMINS], NEEDED: "2"},
        **{OWN: ["Approvers may approve their own requests"]},
    )
    for line in (
        f"People who may approve: nobody by name → <@{BEN}>, <@{CLEO}>",
        f"User groups that may approve: none → <!subteam^{POSTMASTERS}>",
        "Whoever connected the key may approve: yes → no",
        "Approvals needed: 1 → 2",
        "Approvers may approve their own requests: no → yes",
    ):
        assert line in said, line

    await opens(mailroom, ana, ASKERS)
    assert (await mailroom.form(ana)).values == {
        "People": [],
        "User groups": [],
        "Channels": [],
        EXPIRES: "24",
        REMINDS: "4",
    }
    await changed(
        mailroom,
        ana,
        ASKERS,
        **{"People": [BEN], "User groups": ["@postmasters"], "Channels": [MAIL, VAULT], EXPIRES: "48", REMINDS: "0"},
    )
    text = await shown(mailroom.ben)
    for line in (
        "Mailboxes: confirmed by the asker, and approval from 1,000 mailboxes on",
        f"People: <@{BEN}>, <@{CLEO}>.",
        f"User groups: <!subteam^{POSTMASTERS}>.",
        "2 approvals are needed, and approvers may approve their own requests.",
        f"Channels: <#{MAIL}>, <#{VAULT}>.",
        "expires after 48 hours; approvers are not reminded.",
    ):
        assert line in text, line
    assert "Whoever connected the key:" not in text
    (*_, last) = await versions(mailroom)
    assert (last["people"], last["groups"], last["admins"], last["connector"]) == (
        [BEN, CLEO],
        [POSTMASTERS],
        True,
        False,
    )
    await opens(mailroom, ana, APPROVERS)
    assert (await mailroom.form(ana)).values == {
        "People": [BEN, CLEO],
        "User groups": [POSTMASTERS],
        ALSO: ["admins"],
        NEEDED: "2",
        OWN: ["own"],
    }


async def test_what_is_saved_unchanged_is_no_new_version(mailroom: Mailroom) -> None:
    for button in (GATES, APPROVERS, ASKERS):
        assert await changes(mailroom, mailroom.ana, button) == {}
        await mailroom.form(mailroom.ana, "Nothing was changed.")
        await mailroom.ana.closes()
    assert (await versions(mailroom), await audited(mailroom)) == ([], [])


async def test_a_change_is_audited_with_what_it_was_before(mailroom: Mailroom) -> None:
    await changed(mailroom, mailroom.ana, GATES, **{"Domains need": "Nothing", THRESHOLD: None})
    details = {
        "channel": "",
        "version": 1,
        "before": {"domains": "approve", "threshold": 11},
        "after": {"domains": "none", "threshold": None},
    }
    assert await audited(mailroom) == [(ANA, "changed", details)]
