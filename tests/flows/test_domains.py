"""Domains and sub-domains, with MailAPI's hour between two sub-domain requests."""

import asyncio

import pytest

from sandbox.slack import MAIL
from tests.flows.stage import KEY, Mailroom
from tests.flows.test_lost_answers import lose, question

HOUR = 3600


async def test_a_domain_that_exists_already_is_not_sent_and_its_status_is_told(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail domain create example.com")
    completion = await mailroom.completed(mailroom.ben)
    assert "xisted already" in completion.visible
    assert "verified" in completion.visible
    assert await mailroom.mailapi.creates() == []


async def test_a_domain_that_somebody_else_was_faster_with_is_told_as_mailapi_words_it(mailroom: Mailroom) -> None:
    reason = "Domain already exists for this account."
    await mailroom.mailapi.fault("create_domain", "status", status=409, reason=reason)
    await mailroom.ben.types(MAIL, "/mail domain create new.example")
    assert reason in (await mailroom.completed(mailroom.ben)).visible


async def test_a_domain_that_mailapi_gives_up_is_told_with_its_status(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail domain create new.example")
    await mailroom.made("create_domain")
    await mailroom.mailapi.add_domain(KEY, "new.example", status="rejected")
    completion = await mailroom.completed(mailroom.ben)
    assert "not created" in completion.visible
    assert "ejected" in completion.visible


async def test_a_status_that_nobody_knows_is_watched_on(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail domain create new.example")
    await mailroom.made("create_domain")
    await mailroom.mailapi.add_domain(KEY, "new.example", status="awaiting_dns")
    await mailroom.passes(seconds=60)
    await mailroom.at_rest()
    await mailroom.made("create_domain")
    await mailroom.mailapi.add_domain(KEY, "new.example", status="active")
    await mailroom.passes(seconds=60)
    await mailroom.completed(mailroom.ben)


async def test_sub_domains_that_exist_are_not_sent(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_domain(KEY, "team.example.com")
    await mailroom.ben.types(MAIL, "/mail subdomain create example.com team support")
    completion = await mailroom.completed(mailroom.ben)
    assert "team.example.com | existed already" in completion.visible
    assert (await mailroom.asked("create_subdomain"))[0]["Params"] == {"sub_domains": ["support"]}


async def test_a_label_that_is_typed_twice_is_sent_once(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail subdomain create example.com team TEAM support")
    await mailroom.completed(mailroom.ben)
    assert (await mailroom.asked("create_subdomain"))[0]["Params"] == {"sub_domains": ["team", "support"]}


async def test_a_second_sub_domain_request_waits_for_the_hour_and_is_then_sent(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail subdomain create example.com team")
    await mailroom.root(mailroom.ana, "Done", "team.example.com")
    await mailroom.ana.types(MAIL, "/mail subdomain create example.com support")
    root = await mailroom.waiting(mailroom.ana, "support.example.com")
    told = await mailroom.reply(mailroom.ana, root, "one sub-domain request an hour", "<!date^")
    assert "not sent from here" not in told.visible
    assert len(await mailroom.asked("create_subdomain")) == 1
    await mailroom.mailapi.advance_clock(HOUR)
    await mailroom.passes(minutes=58)
    await mailroom.at_rest()
    assert len(await mailroom.asked("create_subdomain")) == 1
    await mailroom.passes(minutes=2)
    await mailroom.root(mailroom.ana, "Done", "support.example.com")
    await mailroom.completion(mailroom.ana, root)
    assert len(await mailroom.asked("create_subdomain")) == 2


async def test_another_domain_does_not_wait(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_domain(KEY, "other.example")
    for domain in ("example.com", "other.example"):
        await mailroom.ben.types(MAIL, f"/mail subdomain create {domain} team")
        await mailroom.root(mailroom.ana, "Done", f"team.{domain}")


async def test_a_window_of_which_nobody_here_knows_is_tried_after_an_hour_and_this_is_said(mailroom: Mailroom) -> None:
    await mailroom.orders_elsewhere("example.com", "elsewhere")
    await mailroom.ben.types(MAIL, "/mail subdomain create example.com team")
    root = await mailroom.waiting(mailroom.ana)
    await mailroom.reply(mailroom.ana, root, "it was not sent from here", "<!date^")
    assert len(await mailroom.asked("create_subdomain")) == 2
    await mailroom.mailapi.advance_clock(HOUR)
    await mailroom.passes(minutes=61)
    await mailroom.root(mailroom.ana, "Done", "team.example.com")
    await mailroom.completion(mailroom.ben, root)
    assert len(await mailroom.asked("create_subdomain")) == 3


@pytest.mark.parametrize("number", [2, 5])
async def test_all_watched_domains_cost_one_list_a_round(mailroom: Mailroom, number: int) -> None:
    await mailroom.mailapi.hold_queue()
    for n in range(number):
        await mailroom.ben.types(MAIL, f"/mail domain create new{n}.example")
    for n in range(number):
        await mailroom.root(mailroom.ana, "In progress", f"new{n}.example")
    # From now on each is looked at about every half minute.
    await mailroom.passes(minutes=10)
    for _ in range(3):
        await mailroom.at_rest()
        before = len(await mailroom.asked("list_domain"))
        await mailroom.passes(minutes=10)
        await mailroom.at_rest()
        assert len(await mailroom.asked("list_domain")) == before + 1
    await mailroom.mailapi.release_queue()
    await mailroom.passes(minutes=10)
    for n in range(number):
        await mailroom.root(mailroom.ana, "Done", f"new{n}.example")


async def test_two_sub_domain_requests_at_once_are_sent_one_after_the_other(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("create_subdomain", "latency", seconds=0.3)
    await asyncio.gather(
        mailroom.ben.types(MAIL, "/mail subdomain create example.com team"),
        mailroom.ana.types(MAIL, "/mail subdomain create example.com support"),
    )
    root = await mailroom.waiting(mailroom.ana)
    told = await mailroom.reply(mailroom.ana, root, "<!date^")
    assert "not sent from here" not in told.visible
    assert len(await mailroom.asked("create_subdomain")) == 1


async def test_an_unanswered_question_keeps_other_sub_domain_requests_waiting_for_an_hour(mailroom: Mailroom) -> None:
    """MailAPI may have taken it: the others wait as long as they would then, and say so, and no longer."""
    await lose(mailroom, "create_subdomain")
    asked = await question(mailroom)
    await mailroom.ana.types(MAIL, "/mail subdomain create example.com sales")
    root = await mailroom.waiting(mailroom.ana, "sales.example.com")
    await mailroom.reply(mailroom.ana, root, "the answer to the last one was lost", "<!date^")
    looks = len(await mailroom.asked("list_domain"))
    await mailroom.passes(minutes=50)
    await mailroom.at_rest()
    assert len(await mailroom.asked("list_domain")) == looks
    await mailroom.passes(minutes=10)
    await mailroom.root(mailroom.ana, "Done", "sales.example.com")
    await mailroom.completion(mailroom.ana, root)
    assert "team.example.com" not in await mailroom.mailapi.domains()
    await mailroom.ben.clicks(asked, "Send Again")
    (first, _) = await mailroom.roots(mailroom.ana)
    await mailroom.reply(mailroom.ana, first, "one sub-domain request an hour", "<!date^")
