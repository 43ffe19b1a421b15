"""Mailboxes: what exists is left alone, what fails is told with its reason."""

import asyncio

import pytest

from sandbox.slack import MAIL
from tests.flows.stage import KEY, Mailroom


async def test_a_mailbox_that_exists_already_is_not_sent(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "john@example.com")
    await mailroom.ben.types(MAIL, "/mail mailbox create John@example.com")
    completion = await mailroom.completed(mailroom.ben)
    assert "xisted already" in completion.visible
    assert await mailroom.mailapi.creates() == []


async def test_of_many_only_the_missing_ones_are_sent_one_by_one(mailroom: Mailroom) -> None:
    for n in (2, 4):
        await mailroom.mailapi.add_mailbox(KEY, f"team{n}@example.com")
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 5 --quota 256")
    completion = await mailroom.completed(mailroom.ben)
    assert "3 created, 2 not" in completion.visible
    for n in (2, 4):
        assert f"team{n}@example.com | existed already" in completion.visible
    await mailroom.root(mailroom.ana, "3 of 5", "2 mailboxes existed already")
    assert await mailroom.asked("create_mailbox_bulk") == []
    singles = await mailroom.asked("create_mailbox_single")
    assert sorted(single["Email_fullname"] for single in singles) == ["team1", "team3", "team5"]
    assert all(single["Params"] == {"quota_mb": 256} for single in singles)
    assert set((await mailroom.mailapi.mailboxes()).values()) == {1}


async def test_two_people_who_ask_for_the_same_names_at_once_get_each_made_once(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0.05)
    await asyncio.gather(
        mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 4"),
        mailroom.ana.types(MAIL, "/mail mailbox bulk example.com team 5"),
    )

    async def both_have_ended() -> bool:
        roots = await mailroom.roots(mailroom.ana)
        return len(roots) == 2 and all("one:" in root.visible or "Failed:" in root.visible for root in roots)

    await mailroom.until(both_have_ended, "two ends")
    assert await mailroom.mailapi.mailboxes() == {f"team{n}@example.com": 1 for n in range(1, 6)}
    replies = [await mailroom.ana.reads_thread(MAIL, root.ts) for root in await mailroom.roots(mailroom.ana)]
    assert sum("another request" in reply.visible for thread in replies for reply in thread) == 1


async def test_two_people_who_ask_for_the_same_mailbox_at_once_get_it_once(mailroom: Mailroom) -> None:
    people = (mailroom.ben, mailroom.ana)
    await asyncio.gather(*(person.types(MAIL, "/mail mailbox create john@example.com") for person in people))

    async def both_have_ended() -> bool:
        roots = await mailroom.roots(mailroom.ana)
        return len(roots) == 2 and sorted("Done" in root.visible for root in roots) == [False, True]

    await mailroom.until(both_have_ended, "two ends")
    await mailroom.at_rest()
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1}
    assert len(await mailroom.mailapi.creates()) == 1


@pytest.mark.parametrize(
    "line",
    ["mailbox create john@exmaple.com", "mailbox bulk exmaple.com team 5", "subdomain create exmaple.com team"],
    ids=["single", "bulk", "sub-domain"],
)
async def test_an_unknown_domain_is_answered_with_the_nearest_one(mailroom: Mailroom, line: str) -> None:
    await mailroom.mailapi.add_domain(KEY, "quite-another.test")
    await mailroom.ben.types(MAIL, f"/mail {line}")
    completion = await mailroom.completed(mailroom.ben)
    assert "no domain exmaple.com. Did you mean example.com?" in completion.visible
    await mailroom.root(mailroom.ana, "Failed")
    assert await mailroom.mailapi.creates() == []


async def test_the_mailboxes_of_an_unknown_domain_are_answered_with_mailapis_reason(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox list exmaple.com")
    await mailroom.private(mailroom.ben, "MailAPI says: Domain not found for this account.")


@pytest.mark.parametrize("line", ["mailbox create john@example.com", "mailbox bulk example.com team 3"])
async def test_a_task_that_fails_is_told_with_its_reason_word_for_word(mailroom: Mailroom, line: str) -> None:
    await mailroom.mailapi.fail_next_task("The server of this domain is full.")
    await mailroom.ben.types(MAIL, f"/mail {line}")
    completion = await mailroom.completed(mailroom.ben)
    assert "The server of this domain is full." in completion.visible
    await mailroom.root(mailroom.ana, "Failed")
    assert await mailroom.mailapi.mailboxes() == {}


async def test_where_one_of_many_fails_the_thread_says_which_and_why(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fail_mailbox("team2@example.com", "Mailbox name is reserved.")
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3")
    completion = await mailroom.completed(mailroom.ben)
    assert "2 created, 1 not" in completion.visible
    assert "team2@example.com | Mailbox name is reserved." in completion.visible
    assert "team3@example.com | Created successfully." in completion.visible
    await mailroom.root(mailroom.ana, "Partly done", "2 of 3")


async def test_a_single_mailbox_that_fails_is_told_with_its_reason(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fail_mailbox("john@example.com", "Mailbox name is reserved.")
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    assert "Mailbox name is reserved." in (await mailroom.completed(mailroom.ben)).visible
    await mailroom.root(mailroom.ana, "Failed")


async def test_a_thousand_mailboxes_are_one_task_and_one_completion(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 1000")
    completion = await mailroom.completed(mailroom.ben, seconds=30)
    assert "1,000 mailboxes" in completion.visible or "1000 mailboxes" in completion.visible
    assert len(await mailroom.asked("create_mailbox_bulk")) == 1
    assert len(await mailroom.mailapi.mailboxes()) == 1000


async def test_progress_is_shown_while_a_bulk_runs_at_most_every_three_seconds(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0.1)
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 12")
    await mailroom.root(mailroom.ana, "In progress")
    await mailroom.clock_ahead(seconds=3)
    await mailroom.root(mailroom.ana, "of 12 finished")
    root = await mailroom.root(mailroom.ana, "Done")
    assert root.edited <= 3


async def test_an_international_domain_travels_as_punycode(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_domain(KEY, "xn--mnchen-3ya.example")
    await mailroom.ben.types(MAIL, "/mail mailbox create john@München.example")
    await mailroom.completed(mailroom.ben)
    assert (await mailroom.asked("create_mailbox_single"))[0]["Domain"] == "xn--mnchen-3ya.example"


async def test_an_address_as_slack_links_it_is_understood(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox create <mailto:john@example.com|john@example.com> --name “John Doe”")
    await mailroom.completed(mailroom.ben)
    (create,) = await mailroom.asked("create_mailbox_single")
    assert (create["Email_fullname"], create["Params"]) == ("john", {"display_name": "John Doe"})
