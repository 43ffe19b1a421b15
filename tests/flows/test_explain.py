"""`/mail explain`: what a command would do and who would have to agree, without doing it."""

import pytest

from sandbox.slack import EVE, GUS, MAIL
from sandbox.slack.identity import GENERAL, TEAM
from storage import audit
from tests.flows.stage import KEY, Mailroom

BULK = "/mail explain mailbox bulk example.com team 25 --quota 512"


async def nothing_happened(mailroom: Mailroom) -> None:
    await mailroom.at_rest()
    assert await mailroom.roots(mailroom.ana) == []
    assert await mailroom.mailapi.creates() == []


async def test_it_says_the_plan_and_who_would_have_to_approve_and_why(gated: Mailroom) -> None:
    await gated.mailapi.add_mailbox(KEY, "team3@example.com")
    await gated.ben.types(MAIL, BULK)
    told = await gated.private(gated.ben, "Nothing was asked for")
    for said in (
        "1 of 25 mailboxes exist already and stay as they are: `team3@example.com`",
        "12,288 MB asked for",
        "It would need approval",
        "25 mailboxes on this domain within 24 hours, and from 11 on",
        f"Approvers are <@{gated.ana.id}> and Slack's admins",
        "Nobody approves his own",
    ):
        assert said in told.visible
    await nothing_happened(gated)


async def test_what_needs_nobody_is_said_to_be_carried_out_at_once(gated: Mailroom) -> None:
    await gated.ben.types(MAIL, "/mail explain mailbox create john@example.com")
    assert "carried out at once" in (await gated.private(gated.ben, "Nothing was asked for")).visible
    await nothing_happened(gated)


async def test_it_counts_what_was_asked_before(gated: Mailroom) -> None:
    await gated.ben.types(MAIL, "/mail mailbox bulk example.com team 8")
    await gated.completed(gated.ben)
    await gated.ben.types(MAIL, "/mail explain mailbox bulk example.com desk 3")
    assert "11 mailboxes on this domain" in (await gated.private(gated.ben, "Nothing was asked for")).visible


async def test_a_gate_that_the_asker_passes_himself_is_said(gated: Mailroom) -> None:
    await gated.lays_down(domains="confirm")
    await gated.ben.types(MAIL, "/mail explain domain create new.example")
    assert "You would have to confirm" in (await gated.private(gated.ben, "Nothing was asked for")).visible


async def test_a_domain_that_is_not_there_would_fail(gated: Mailroom) -> None:
    await gated.ben.types(MAIL, "/mail explain mailbox create john@exampel.com")
    assert "Did you mean example.com" in (await gated.private(gated.ben, "It would fail")).visible


async def test_it_says_where_and_by_whom_it_can_be_asked(gated: Mailroom) -> None:
    await gated.lays_down(channels=(GENERAL,), askers=(gated.ana.id,))
    await gated.ben.types(MAIL, BULK)
    told = await gated.private(gated.ben, "Nothing was asked for")
    assert f"ask in <#{GENERAL}>" in told.visible
    assert f"Ask <@{gated.ana.id}>" in told.visible


@pytest.mark.parametrize("line", ["domain list", "status", "help", "connect", "explain domain list"])
async def test_a_command_that_creates_nothing_needs_nobody(gated: Mailroom, line: str) -> None:
    answer = await gated.ben.types(MAIL, f"/mail explain {line}")
    assert answer.ok
    assert "nobody has to agree" in (await gated.private(gated.ben)).visible
    assert await gated.ben.view() is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "Type the command that you want explained"),
        ("mailbox bulk example.com", "has to be complete"),
        ("mailbox bulk example.com team many", "not a number of mailboxes"),
        ("maibox bulk example.com team 3", "Did you mean"),
    ],
)
async def test_what_cannot_be_explained_is_answered_at_once(gated: Mailroom, line: str, said: str) -> None:
    answer = await gated.ben.types(MAIL, f"/mail explain {line}".strip())
    assert said in answer.text
    await nothing_happened(gated)


async def test_without_a_key_the_way_to_connect_is_shown(unconnected: Mailroom) -> None:
    assert "no MailAPI key yet" in (await unconnected.ben.types(MAIL, BULK)).text


async def test_where_mailapi_does_not_answer_that_is_said(gated: Mailroom) -> None:
    await gated.mailapi.fault("list_mailbox", "status", times=9, status=503)
    await gated.ben.types(MAIL, BULK)
    await gated.private(gated.ben, "MailAPI did not answer")


@pytest.mark.parametrize("who", [GUS, EVE])
async def test_guests_and_strangers_are_told_nothing(gated: Mailroom, who: str) -> None:
    answer = await gated.slack.person(who).types(MAIL, BULK)
    assert "team1" not in answer.text
    await nothing_happened(gated)
    assert gated.bot is not None
    asked = await gated.bot.database.read(lambda session: audit.count(session, TEAM, ["mailbox_bulk"]))
    assert asked == 0
