"""The root message, its thread, and where they go when the bot cannot post in the channel."""

from typing import Any

import pytest

from bot.slack import PAGE
from sandbox.slack import ANA, ATTIC, BEN, GENERAL, MAIL, VAULT
from tests.flows.stage import Mailroom

LINE = "/mail mailbox create john@example.com"


async def test_the_root_message_is_posted_once_edited_in_place_and_mentions_the_asker_once(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    before = await mailroom.root(mailroom.ana, "In progress")
    await mailroom.mailapi.release_queue()
    after = await mailroom.root(mailroom.ana, "Done")
    assert (before.ts, before.visible.count(f"<@{BEN}>")) == (after.ts, 1)
    assert after.visible.count(f"<@{BEN}>") == 1
    assert after.edited
    assert len(await mailroom.roots(mailroom.ana)) == 1


async def test_the_completion_is_a_new_message_that_mentions_the_asker_once(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, LINE)
    root = await mailroom.root(mailroom.ana, "Done")
    completion = await mailroom.completion(mailroom.ben, root)
    assert completion.visible.count(f"<@{BEN}>") == 1
    assert completion.edited == 0
    await mailroom.at_rest()
    assert len(await mailroom.ana.reads_thread(MAIL, root.ts)) == 1


async def test_the_acknowledgement_comes_before_anything_is_asked_of_mailapi(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("any", "latency", times=None, seconds=0.6)
    ack = await mailroom.ben.types(MAIL, LINE)
    assert ack.ok
    assert ack.seconds < 0.5
    await mailroom.root(mailroom.ana, "Done")


async def test_slow_mailapi_is_told_in_the_root_message_which_is_then_brought_up_to_date(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("list_mailbox", "status", times=3, status=503)
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.passes(seconds=3)
    late = await mailroom.root(mailroom.ana, "MailAPI is slow to answer", "Nothing has been sent")
    for _ in range(3):
        await mailroom.passes(seconds=8)
    root = await mailroom.root(mailroom.ana, "Done")
    assert root.ts == late.ts


PLACES = {"not a member": GENERAL, "a private channel without the bot": VAULT}


@pytest.mark.parametrize("channel", PLACES.values(), ids=PLACES.keys())
async def test_where_the_bot_is_not_the_request_goes_on_in_a_direct_message(mailroom: Mailroom, channel: str) -> None:
    assert (await mailroom.ben.types(channel, LINE)).ok
    root = await mailroom.direct(mailroom.ben, "Done", "john@example.com")
    assert f"cannot post in <#{channel}>" in root.visible
    assert "`/invite @mailroom`" in root.visible
    await mailroom.completion(mailroom.ben, root)
    assert await mailroom.roots(mailroom.ben, channel) == []
    assert len(await mailroom.ben.direct_messages()) == 1
    assert await mailroom.mailapi.mailboxes("example.com") == {"john@example.com": 1}


async def test_in_a_conversation_of_two_people_the_request_goes_on_in_a_direct_message(mailroom: Mailroom) -> None:
    await mailroom.slack.add_channel("D0ANABEN01", "ana and ben", kind="im", members=(ANA, BEN))
    await mailroom.ben.types("D0ANABEN01", LINE)
    root = await mailroom.direct(mailroom.ben, "Done", "john@example.com")
    await mailroom.completion(mailroom.ben, root)


async def test_a_request_from_the_direct_message_with_the_bot_stays_there(mailroom: Mailroom) -> None:
    await mailroom.ben.types(mailroom.ben.dm, LINE)
    root = await mailroom.direct(mailroom.ben, "Done", "john@example.com")
    assert "cannot post" not in root.visible
    await mailroom.completion(mailroom.ben, root)


async def test_a_channel_that_is_archived_before_the_root_is_posted_gives_way_to_a_direct_message(
    mailroom: Mailroom,
) -> None:
    await mailroom.ben.types(MAIL, "/mail help")
    command = (await mailroom.slack.envelopes("slash_commands"))[-1]["payload"]
    text = "mailbox create john@example.com"
    await mailroom.slack.request({**command, "channel_id": ATTIC, "text": text, "trigger_id": "1.attic"})
    root = await mailroom.direct(mailroom.ben, "Done", f"cannot post in <#{ATTIC}>")
    await mailroom.completion(mailroom.ben, root)


async def _delete_root(mailroom: Mailroom, root: Any) -> None:
    await mailroom.deletes(root)


async def _archive(mailroom: Mailroom, _root: Any) -> None:
    await mailroom.slack.archive(MAIL)


async def _remove_bot(mailroom: Mailroom, _root: Any) -> None:
    await mailroom.slack.remove_bot(MAIL)


@pytest.mark.parametrize("breaks", [_delete_root, _archive, _remove_bot], ids=["deleted", "archived", "removed"])
async def test_where_the_thread_breaks_in_mid_run_the_rest_goes_by_direct_message_and_this_is_said_once(
    mailroom: Mailroom, breaks: Any
) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3")
    root = await mailroom.root(mailroom.ana, "In progress")
    await breaks(mailroom, root)
    await mailroom.mailapi.release_queue()
    moved = await mailroom.direct(mailroom.ben, "Done", "3 of 3")
    assert f"can no longer post in <#{MAIL}>" in moved.visible
    await mailroom.completion(mailroom.ben, moved)
    await mailroom.passes(seconds=30)
    assert sum("can no longer post" in m.visible for m in await mailroom.ben.direct_messages()) == 1
    assert len(await mailroom.ben.direct_messages()) == 1
    assert not [m for m in await mailroom.ana.direct_messages() if "mailboxes at" in m.visible]


async def test_nothing_is_said_in_a_thread_whose_root_is_not_there_yet(mailroom: Mailroom) -> None:
    await mailroom.slack.fault("chat.postMessage", "ratelimited", retry_after=5, where={"channel": MAIL})
    await mailroom.ben.types(MAIL, LINE)

    async def is_made() -> bool:
        return await mailroom.mailapi.mailboxes("example.com") != {}

    await mailroom.until(is_made, "the mailbox")
    await mailroom.at_rest()
    assert await mailroom.roots(mailroom.ana) == []
    await mailroom.passes(seconds=6)
    root = await mailroom.root(mailroom.ana, "Done")
    await mailroom.completion(mailroom.ben, root)
    assert [m.ts for m in await mailroom.roots(mailroom.ana)] == [root.ts]
    posts = [call for call in await _posts(mailroom) if call["fault"] is None]
    assert [call["arguments"].get("thread_ts") for call in posts] == [None, root.ts]


async def test_slack_that_asks_for_a_pause_gets_one_and_is_told_everything_once(mailroom: Mailroom) -> None:
    await mailroom.slack.fault("chat.postMessage", "ratelimited", retry_after=3, times=2)
    await mailroom.ben.types(MAIL, LINE)
    for _ in range(3):
        await mailroom.passes(seconds=4)
    root = await mailroom.root(mailroom.ana, "Done")
    await mailroom.completion(mailroom.ben, root)
    assert len(await mailroom.roots(mailroom.ana)) == 1


async def test_an_older_state_never_overwrites_a_newer_one(mailroom: Mailroom) -> None:
    await mailroom.slack.fault("chat.postMessage", "drop_before", where={"channel": MAIL})
    await mailroom.slack.fault("chat.postMessage", "ratelimited", retry_after=20, where={"channel": MAIL})
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.made("create_mailbox_single")
    await mailroom.passes(seconds=11)
    await mailroom.at_rest()
    await mailroom.mailapi.release_queue()
    await mailroom.exists("john@example.com")
    for _ in range(3):
        await mailroom.passes(seconds=25)
    await mailroom.at_rest()
    (root,) = await mailroom.roots(mailroom.ana)
    assert "Done" in root.visible


async def test_a_root_message_whose_answer_was_lost_is_not_posted_a_second_time(mailroom: Mailroom) -> None:
    await mailroom.slack.fault("chat.postMessage", "drop_after", where={"channel": MAIL})
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.exists("john@example.com")
    for _ in range(3):
        await mailroom.passes(seconds=15)
    root = await mailroom.root(mailroom.ana, "Done")
    await mailroom.completion(mailroom.ben, root)
    assert len(await mailroom.roots(mailroom.ana)) == 1


async def test_a_completion_whose_answer_was_lost_is_not_posted_a_second_time(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    root = await mailroom.root(mailroom.ana, "In progress")
    await mailroom.slack.fault("chat.postMessage", "drop_after", where={"channel": MAIL})
    await mailroom.mailapi.release_queue()
    await mailroom.exists("john@example.com")
    for _ in range(3):
        await mailroom.passes(seconds=15)
    assert len(await mailroom.ana.reads_thread(MAIL, root.ts)) == 1


@pytest.mark.parametrize("kind", ["ratelimited", "status", "drop_before"])
async def test_where_slack_does_not_say_whether_a_post_is_there_it_is_asked_again_and_nothing_is_posted_twice(
    mailroom: Mailroom, kind: Any
) -> None:
    await mailroom.slack.fault("chat.postMessage", "drop_after", where={"channel": MAIL})
    await mailroom.slack.fault("conversations.history", kind)
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.exists("john@example.com")
    for _ in range(4):
        await mailroom.passes(seconds=15)
    root = await mailroom.root(mailroom.ana, "Done")
    await mailroom.completion(mailroom.ben, root)
    assert len(await mailroom.roots(mailroom.ana)) == 1


async def test_a_post_whose_answer_was_lost_is_found_in_a_channel_where_much_is_said(mailroom: Mailroom) -> None:
    await mailroom.slack.fault("chat.postMessage", "drop_after", where={"channel": MAIL})
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.exists("john@example.com")
    for number in range(PAGE):
        await mailroom.ana.says(MAIL, f"This is message {number} of today")
    for _ in range(3):
        await mailroom.passes(seconds=15)
    await mailroom.root(mailroom.ana, "Done")
    assert len([m for m in await mailroom.roots(mailroom.ana) if "john@example.com" in m.visible]) == 1


async def test_without_the_right_to_read_what_may_be_lost_is_posted_again(mailroom: Mailroom) -> None:
    await mailroom.slack.may_read(allowed=False)
    await mailroom.slack.fault("chat.postMessage", "drop_after", where={"channel": MAIL})
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.exists("john@example.com")
    for _ in range(3):
        await mailroom.passes(seconds=15)
    assert len(await mailroom.roots(mailroom.ana)) == 2
    await mailroom.completed(mailroom.ben)


async def _posts(mailroom: Mailroom) -> list[Any]:
    return [call for call in await mailroom.slack.calls("chat.postMessage") if call["arguments"]["channel"] == MAIL]
