"""Slack's limits: a channel gets so many messages a second, and a limit of one method holds up no other."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from sandbox.slack import GENERAL, MAIL
from tests.flows.stage import FAST, Mailroom


async def limited(mailroom: Mailroom, method: str) -> int:
    """How many calls Slack did not take since they came too fast."""
    calls = await mailroom.slack.calls(method)
    said = [(call["fault"], (call["answer"] or {}).get("error")) for call in calls]
    return sum("ratelimited" in words for words in said)


async def test_many_requests_at_once_are_announced_as_fast_as_the_channel_takes_them(outside: Mailroom) -> None:
    outside.pace = replace(FAST, posts=(2, timedelta(seconds=0.2)))
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.slack.settings(posts_per_second=20, post_burst=4)
        lines = [f"/mail mailbox create john{number}@example.com" for number in range(12)]
        await asyncio.gather(*(outside.ben.types(MAIL, line) for line in lines))
        for number in range(12):
            await outside.root(outside.ana, f"john{number}@example.com", "Done")
        assert await limited(outside, "chat.postMessage") == 0


async def test_a_limit_of_edits_keeps_no_post_waiting(mailroom: Mailroom) -> None:
    await mailroom.slack.fault("chat.update", "ratelimited", retry_after=600)
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    await mailroom.completed(mailroom.ben)

    async def is_limited() -> bool:
        return await limited(mailroom, "chat.update") == 1

    await mailroom.until(is_limited, "an edit that Slack does not take")
    await mailroom.ana.types(MAIL, "/mail mailbox create jane@example.com")
    root = await mailroom.root(mailroom.ana, "jane@example.com")
    await mailroom.completion(mailroom.ana, root)
    assert len(await mailroom.slack.calls("chat.update")) == 1
    await mailroom.clock_ahead(minutes=11)
    for name in ("john", "jane"):
        await mailroom.root(mailroom.ana, f"{name}@example.com", "Done")


async def test_a_limit_of_posts_keeps_no_edit_waiting(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    await mailroom.root(mailroom.ana, "In progress")
    await mailroom.at_rest()
    await mailroom.slack.fault("chat.postMessage", "ratelimited", retry_after=600)
    await mailroom.mailapi.release_queue()
    root = await mailroom.root(mailroom.ana, "Done")
    assert await mailroom.ana.reads_thread(MAIL, root.ts) == []
    await mailroom.passes(minutes=11)
    await mailroom.completion(mailroom.ben, root)


async def test_a_limit_of_opening_direct_messages_keeps_no_post_waiting(mailroom: Mailroom) -> None:
    await mailroom.at_rest()
    before = len(await mailroom.slack.calls("conversations.open"))
    await mailroom.slack.fault("conversations.open", "ratelimited", retry_after=600)
    await mailroom.ben.types(GENERAL, "/mail mailbox create john@example.com")  # where the bot is no member

    async def is_limited() -> bool:
        return await limited(mailroom, "conversations.open") == 1

    await mailroom.until(is_limited, "a direct message that Slack does not open")
    await mailroom.ben.types(MAIL, "/mail mailbox create jane@example.com")
    await mailroom.completed(mailroom.ben)
    await mailroom.ana.types(GENERAL, "/mail mailbox create jack@example.com")
    await mailroom.exists("jack@example.com")
    await mailroom.at_rest()
    assert len(await mailroom.slack.calls("conversations.open")) - before == 1
    for _ in range(2):
        await mailroom.passes(minutes=11)
    for person, name in ((mailroom.ben, "john"), (mailroom.ana, "jack")):
        await mailroom.direct(person, f"{name}@example.com", "Done")


async def test_a_limit_of_reading_lets_nothing_be_looked_for_meanwhile(mailroom: Mailroom) -> None:
    await mailroom.slack.fault("conversations.replies", "ratelimited", retry_after=600)
    roots = []
    for name in ("john", "jane"):
        await mailroom.mailapi.hold_queue()
        await mailroom.ben.types(MAIL, f"/mail mailbox create {name}@example.com")
        root = await mailroom.root(mailroom.ana, "In progress", name)
        await mailroom.slack.fault("chat.postMessage", "drop_after", where={"thread_ts": root.ts})
        await mailroom.mailapi.release_queue()
        await mailroom.root(mailroom.ana, "Done", name)
        for _ in range(3):
            await mailroom.passes(seconds=15)
        await mailroom.at_rest()
        roots.append(root)
    assert len(await mailroom.slack.calls("conversations.replies")) == 1
    await mailroom.passes(minutes=11)

    async def are_found() -> bool:
        return len(await mailroom.slack.calls("conversations.replies")) == 3

    await mailroom.until(are_found, "a look for each")
    await mailroom.at_rest()
    for root in roots:
        assert len(await mailroom.ana.reads_thread(MAIL, root.ts)) == 1
