"""Accepted tasks until their end: unknown ones, such of the other kind, and those without an end."""

from typing import Any

import pytest

from sandbox.slack import MAIL, Message
from tests.flows.stage import CALLER_ID, KEY, OTHER_KEY, Mailroom
from tests.flows.test_answers_disconnect import ERASED, IN_FORCE, KEPT, keys

LINE = "/mail mailbox create john@example.com"
NOT_FOUND: dict[str, Any] = {"kind": "status", "status": 404, "reason": "Task ID was not found for this API key."}
OTHER_TYPE: dict[str, Any] = {"kind": "status", "status": 422, "reason": "Task type does not match this endpoint."}


async def test_a_task_that_is_unknown_at_first_is_asked_for_again(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("get_mailbox_single", times=2, **NOT_FOUND)
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.made("get_mailbox_single")
    for _ in range(3):
        await mailroom.passes(seconds=10)
    await mailroom.completed(mailroom.ben)
    await mailroom.root(mailroom.ana, "Done")


@pytest.mark.parametrize("endpoint", ["list_mailbox", "get_mailbox_single"], ids=["plan", "poll"])
async def test_as_long_as_mailapi_asks_for_a_pause_it_is_not_asked_again(mailroom: Mailroom, endpoint: Any) -> None:
    await mailroom.mailapi.fault(endpoint, "rate_limited", retry_after=120)
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.made(endpoint)
    await mailroom.passes(seconds=60)
    await mailroom.at_rest()
    assert len(await mailroom.asked(endpoint)) == 1
    for _ in range(2):
        await mailroom.passes(seconds=60)
    await mailroom.completed(mailroom.ben)


async def test_a_task_that_stays_unknown_is_settled_by_the_list_of_mailboxes(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("get_mailbox_single", times=None, **NOT_FOUND)
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.exists("john@example.com")
    for _ in range(8):
        await mailroom.passes(seconds=20)
    await mailroom.completed(mailroom.ben)
    await mailroom.root(mailroom.ana, "Done")
    assert len(await mailroom.mailapi.creates()) == 1


async def test_a_task_that_stays_unknown_and_made_nothing_is_told_as_not_created(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.mailapi.fault("get_mailbox_single", times=None, **NOT_FOUND)
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.made("create_mailbox_single")
    for _ in range(8):
        await mailroom.passes(seconds=20)
    completion = await mailroom.completed(mailroom.ben)
    assert "not created" in completion.visible
    assert "no longer knows the task" in completion.visible


async def test_an_unknown_task_may_be_a_refused_key_which_is_looked_for_first(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.made("create_mailbox_single")
    await mailroom.mailapi.fault("get_mailbox_single", **NOT_FOUND)
    await mailroom.mailapi.fault("list_domain", "status", status=401, reason="Invalid API key.")
    await mailroom.passes(seconds=30)
    await mailroom.direct(mailroom.ana, "MailAPI refuses the key")


async def test_a_task_of_the_other_kind_is_asked_for_at_the_other_endpoint(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("get_mailbox_single", times=None, **OTHER_TYPE)
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.made("get_mailbox_bulk")
    await mailroom.mailapi.clear_faults()
    await mailroom.passes(seconds=10)
    await mailroom.completed(mailroom.ben)
    await mailroom.root(mailroom.ana, "Done")


async def stalled(mailroom: Mailroom) -> tuple[Message, Message]:
    """The root message and the question, after a day in which MailAPI did not get on."""
    await accepted(mailroom)
    return await a_day_later(mailroom)


async def accepted(mailroom: Mailroom) -> None:
    """MailAPI has taken the create, and does not get on."""
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.made("create_mailbox_single")


async def a_day_later(mailroom: Mailroom) -> tuple[Message, Message]:
    """The root message, and the question that was not asked before."""
    await mailroom.passes(hours=23, minutes=55)
    await mailroom.at_rest()
    (root,) = await mailroom.roots(mailroom.ana)
    assert await mailroom.ana.reads_thread(MAIL, root.ts) == []
    await mailroom.passes(minutes=6)
    asked = await mailroom.reply(mailroom.ana, root, "not finished", "within 24 hours", "task 1")
    assert asked.buttons == ["Keep Watching"]
    return root, asked


async def test_after_a_day_the_thread_says_that_it_is_stalled_and_watching_can_go_on(mailroom: Mailroom) -> None:
    root, asked = await stalled(mailroom)
    await mailroom.root(mailroom.ana, "Not finished after 24 hours")
    asked_before = len(await mailroom.asked("get_mailbox_single"))
    await mailroom.passes(hours=1)
    await mailroom.at_rest()
    assert len(await mailroom.asked("get_mailbox_single")) == asked_before
    await mailroom.mailapi.release_queue()
    await mailroom.exists("john@example.com")
    await mailroom.ben.clicks(asked, "Keep Watching")
    await mailroom.reply(mailroom.ana, root, f"<@{mailroom.ben.id}> chose to keep watching for another 24 hours")
    await mailroom.completion(mailroom.ben, root)
    await mailroom.root(mailroom.ana, "Done")


async def test_after_another_day_it_is_asked_again(mailroom: Mailroom) -> None:
    root, asked = await stalled(mailroom)
    await mailroom.ana.clicks(asked, "Keep Watching")
    await mailroom.passes(hours=24, minutes=1)

    async def is_asked_again() -> bool:
        return sum("Keep Watching" in m.buttons for m in await mailroom.ana.reads_thread(MAIL, root.ts)) == 2

    await mailroom.until(is_asked_again, "the second question")


async def test_only_the_asker_and_admins_can_keep_watching(mailroom: Mailroom) -> None:
    cat = await mailroom.slack.add_user("U0CAT00001", "cat")
    root, asked = await stalled(mailroom)
    await cat.clicks(asked, "Keep Watching")
    assert (await mailroom.reply(cat, root, "Only the person who asked")).ephemeral


async def test_a_key_that_was_replaced_is_erased_once_nothing_is_watched_with_it_and_the_next_one_watches_on(
    mailroom: Mailroom,
) -> None:
    await accepted(mailroom)
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await mailroom.connected(mailroom.ana, OTHER_KEY)
    assert await keys(mailroom) == [KEPT, IN_FORCE]
    root, asked = await a_day_later(mailroom)
    assert await keys(mailroom) == [ERASED, IN_FORCE]
    await mailroom.mailapi.release_queue()
    await mailroom.exists("john@example.com")
    await mailroom.ben.clicks(asked, "Keep Watching")
    await mailroom.completion(mailroom.ben, root)
    await mailroom.root(mailroom.ana, "Done")


async def test_what_was_sent_for_another_account_is_watched_on_with_a_key_of_that_one_only(mailroom: Mailroom) -> None:
    await accepted(mailroom)
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID + 1)
    await mailroom.connected(mailroom.ana, OTHER_KEY, CALLER_ID + 1)
    root, asked = await a_day_later(mailroom)
    assert await keys(mailroom) == [ERASED, IN_FORCE]
    await mailroom.ben.clicks(asked, "Keep Watching")
    told = await mailroom.reply(mailroom.ben, root, "no longer stored", f"caller id {CALLER_ID}", "/mail connect")
    assert told.ephemeral
    await mailroom.mailapi.release_queue()
    await mailroom.exists("john@example.com")
    await mailroom.connect(mailroom.ana)
    await mailroom.form(mailroom.ana, "Connected", KEY[-4:])
    await mailroom.ben.clicks(asked, "Keep Watching")
    await mailroom.completion(mailroom.ben, root)


async def test_a_key_with_which_nothing_is_watched_any_more_is_erased_at_once(mailroom: Mailroom) -> None:
    await stalled(mailroom)
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.form(mailroom.ana, "The key is erased at once")
    await mailroom.ana.submits()
    await mailroom.form(mailroom.ana, "no longer used")
    assert await keys(mailroom) == [ERASED]
    assert "has no MailAPI key" in (await mailroom.ben.types(MAIL, "/mail status")).text


@pytest.mark.parametrize("endpoint", ["get_mailbox_single", "list_domain"])
async def test_a_day_of_outage_stalls_as_well(mailroom: Mailroom, endpoint: Any) -> None:
    await mailroom.mailapi.hold_queue()
    line = LINE if endpoint == "get_mailbox_single" else "/mail domain create new.example"
    await mailroom.ben.types(MAIL, line)
    await mailroom.made("create_mailbox_single" if endpoint == "get_mailbox_single" else "create_domain")
    await mailroom.mailapi.fault(endpoint, "status", times=None, status=503)
    await mailroom.passes(hours=24, minutes=1)
    (root,) = await mailroom.roots(mailroom.ana)
    await mailroom.reply(mailroom.ana, root, "within 24 hours")


async def test_the_intervals_between_two_looks_grow_with_the_age_of_the_task(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.made("create_mailbox_single")
    await mailroom.passes(seconds=100)
    await mailroom.at_rest()
    before = len(await mailroom.asked("get_mailbox_single"))
    await mailroom.passes(seconds=8)
    await mailroom.at_rest()
    assert len(await mailroom.asked("get_mailbox_single")) == before
    await mailroom.passes(seconds=3)
    await mailroom.at_rest()
    assert len(await mailroom.asked("get_mailbox_single")) == before + 1
    await mailroom.passes(hours=2)
    await mailroom.at_rest()
    await mailroom.passes(seconds=31)
    await mailroom.at_rest()
    assert len(await mailroom.asked("get_mailbox_single")) == before + 3
