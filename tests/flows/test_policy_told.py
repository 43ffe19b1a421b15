"""Who hears of a change of the policy, and who hears that he is the only one who can approve."""

from typing import Any

import pytest
import pytest_asyncio

from sandbox.slack import ANA, BEN
from sandbox.slack.person import Person
from tests.flows.policies import (
    ALSO,
    APPROVERS,
    ASKERS,
    CONNECTOR,
    EXPIRES,
    GATES,
    OWN,
    THRESHOLD,
    changed,
    cleo_of,
    shown,
)
from tests.flows.stage import Mailroom


@pytest_asyncio.fixture
async def mailroom(gated: Mailroom) -> Mailroom:
    """Nobody has changed the policy yet."""
    return gated


# Who is told.


async def told(mailroom: Mailroom, *people: Person) -> list[int]:
    """How often each of these people has heard of a change, once nothing is left to tell."""
    await mailroom.at_rest()
    messages = [await person.direct_messages() for person in people]
    return [sum("changed what needs whose approval" in message.visible for message in each) for each in messages]


async def test_those_who_may_approve_or_could_before_are_told_and_the_one_who_changed_it_is_not(
    mailroom: Mailroom,
) -> None:
    cleo, dora, ana, ben = (
        await cleo_of(mailroom),
        await mailroom.slack.add_user("U0DORA0001", "dora"),
        mailroom.ana,
        mailroom.ben,
    )
    await changed(mailroom, ana, GATES, **{"Domains need": "Nothing"})
    said = await mailroom.direct(cleo, f"<@{ANA}> changed what needs whose approval", "`/mail policy` shows the whole")
    assert "Domains: approval → nothing needed" in said.visible
    assert await told(mailroom, ana, ben, cleo, dora) == [0, 0, 1, 0]
    await changed(mailroom, ana, APPROVERS, **{"User groups": ["@postmasters"], ALSO: []})
    assert await told(mailroom, ana, ben, cleo, dora) == [0, 1, 2, 0]
    await changed(mailroom, ana, APPROVERS, **{"User groups": [], "People": [dora.id], ALSO: []})
    assert await told(mailroom, ana, ben, cleo, dora) == [0, 2, 2, 1]
    await changed(mailroom, cleo, ASKERS, **{EXPIRES: "12"})
    assert await told(mailroom, ana, ben, cleo, dora) == [0, 2, 2, 2]
    await changed(mailroom, cleo, APPROVERS, **{ALSO: [CONNECTOR]})
    assert await told(mailroom, ana, ben, cleo, dora) == [1, 2, 2, 3]


async def test_those_whom_slack_does_not_name_at_first_are_told_later_and_once(mailroom: Mailroom) -> None:
    cleo = await cleo_of(mailroom)
    await mailroom.slack.fault("users.list", "error", times=1)
    await mailroom.slack.fault("users.list", "ratelimited", times=1, retry_after=20)
    await changed(mailroom, mailroom.ana, GATES, **{"Domains need": "Nothing"})
    for seconds in (3, 15):
        assert await told(mailroom, cleo) == [0]
        await mailroom.passes(seconds=seconds)
    assert await told(mailroom, cleo) == [0]
    await mailroom.passes(seconds=6)
    await mailroom.direct(cleo, "changed what needs whose approval")
    await mailroom.passes(minutes=1)
    assert await told(mailroom, cleo) == [1]


async def test_of_very_many_a_hundred_are_told(mailroom: Mailroom) -> None:
    await mailroom.slack.settings(posts_per_second=1000, post_burst=1000)
    many = [f"U0MANY{number:04}" for number in range(120)]
    for number, person in enumerate(many):
        await mailroom.slack.add_user(person, f"many-{number}")
    await mailroom.slack.add_group("S0MANY0001", "many", many)
    await changed(mailroom, mailroom.ana, APPROVERS, **{"User groups": ["@many"]})
    counts = await told(mailroom, *(mailroom.slack.person(person) for person in many))
    assert sum(counts) == 100


# One who is alone.

ALONE = "only one here who can approve"


async def test_the_only_possible_approver_is_told_how_to_allow_approving_ones_own(unconnected: Mailroom) -> None:
    await unconnected.connected(unconnected.ana)
    hint = await unconnected.direct(unconnected.ana, ALONE)
    for said in ("`/mail policy`", f"“{APPROVERS}”", "“Approvers may approve their own requests”"):
        assert said in hint.visible
    await unconnected.ana.closes()
    await changed(unconnected, unconnected.ana, APPROVERS, **{OWN: ["Approvers may approve their own requests"]})
    assert "approvers may approve their own requests" in await shown(unconnected.ana)


NOT_ALONE: dict[str, dict[str, dict[str, Any]]] = {
    "approving one's own is allowed": {APPROVERS: {OWN: ["Approvers may approve their own requests"]}},
    "somebody else is named": {APPROVERS: {"People": [BEN]}},
    "a user group has somebody else": {APPROVERS: {"User groups": ["@postmasters"]}},
    "nothing needs approval": {GATES: {"Domains need": "Nothing", "Sub-domains need": "Nothing", THRESHOLD: None}},
}


@pytest.mark.parametrize("before", NOT_ALONE.values(), ids=NOT_ALONE.keys())
async def test_who_is_not_alone_hears_nothing_of_it(unconnected: Mailroom, before: dict[str, dict[str, Any]]) -> None:
    for button, fields in before.items():
        await changed(unconnected, unconnected.ana, button, **fields)
    await unconnected.connected(unconnected.ana)
    await unconnected.at_rest()
    assert not [each for each in await unconnected.ana.direct_messages() if ALONE in each.visible]


async def test_beside_another_admin_nobody_is_alone(unconnected: Mailroom) -> None:
    cleo = await cleo_of(unconnected)
    await unconnected.connected(unconnected.ana)
    await unconnected.direct(cleo, "connected Mailroom")
    await unconnected.at_rest()
    assert not [each for each in await unconnected.ana.direct_messages() if ALONE in each.visible]
