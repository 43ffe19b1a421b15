"""Slack's 429 holds for a workspace: every process waits, also one that did not hear it."""

from contextlib import AsyncExitStack
from functools import partial

from bot import app
from sandbox.slack import MAIL
from storage.states import NoticeState
from storage.tables import Notice
from tests.adapters.storage.conftest import new_postgresql, postgres
from tests.flows.breaking import rows
from tests.flows.stage import Mailroom

__all__ = ["new_postgresql", "postgres"]

PAUSE = 600


async def is_limited(mailroom: Mailroom) -> int:
    """Slack asks for a pause of posts; gives how often something was posted by then."""
    await mailroom.at_rest()
    await mailroom.slack.fault("chat.postMessage", "ratelimited", retry_after=PAUSE)
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")

    async def waits() -> bool:
        return any(
            each.kind == "root" and each.attempts and each.state is NoticeState.OWED
            for each in await rows(mailroom, Notice)
        )

    await mailroom.until(waits, "a card that waits for the end of the pause")
    return await posts(mailroom)


async def posts(mailroom: Mailroom) -> int:
    return len(await mailroom.slack.calls("chat.postMessage"))


async def all_are_made(mailroom: Mailroom, *names: str) -> None:
    """Each is made at MailAPI, and its completion owed, after ticks in which its card was."""
    for name in names:
        await mailroom.ana.types(MAIL, f"/mail mailbox create {name}@example.com")
    await mailroom.exists(*(f"{name}@example.com" for name in names))

    async def all_are_owed() -> bool:
        completions = [each for each in await rows(mailroom, Notice) if each.kind == "thread"]
        return len(completions) > len(names)

    await mailroom.until(all_are_owed, "completions that are owed")


async def test_a_pause_that_one_process_was_asked_for_is_kept_by_the_other(
    outside: Mailroom, new_postgresql: str
) -> None:
    outside.stores_in(new_postgresql)
    another = partial(app.running, clock=outside.clock, pace=outside.pace, timeouts=outside.timeouts)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(outside.running())
        await stack.enter_async_context(another(outside.settings))
        await outside.slack.connected(2 * outside.settings.mailroom_socket_connections)
        await outside.connected(outside.ana)
        await outside.without_gates()
        before = await is_limited(outside)
        names = [f"jane{number}" for number in range(8)]
        await all_are_made(outside, *names)
        assert await posts(outside) == before
        await outside.clock_ahead(seconds=PAUSE)
        for name in names:
            await outside.root(outside.ana, "Done", f"{name}@example.com")


async def test_a_pause_is_kept_over_a_restart(outside: Mailroom) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        before = await is_limited(outside)
    async with outside.running():
        await all_are_made(outside, "jane")
        assert await posts(outside) == before
        await outside.clock_ahead(seconds=PAUSE)
        await outside.root(outside.ana, "Done", "jane@example.com")


async def test_a_pause_of_reading_is_kept_over_a_restart(outside: Mailroom) -> None:
    """Nothing is looked for meanwhile, and so nothing posted again."""
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.slack.fault("conversations.history", "ratelimited", retry_after=PAUSE)
        await outside.slack.fault("chat.postMessage", "drop_after", where={"channel": MAIL}, times=2)
        await outside.ben.types(MAIL, "/mail mailbox create john@example.com")
        await outside.exists("john@example.com")
        await outside.passes(seconds=15)
        await outside.at_rest()
        assert len(await outside.slack.calls("conversations.history")) == 1
    async with outside.running():
        await outside.ana.types(MAIL, "/mail mailbox create jane@example.com")
        await outside.exists("jane@example.com")
        for _ in range(2):
            await outside.passes(seconds=15)
        await outside.at_rest()
        assert len(await outside.slack.calls("conversations.history")) == 1
        await outside.passes(seconds=PAUSE)
        for name in ("john", "jane"):
            await outside.root(outside.ana, "Done", f"{name}@example.com")
        assert len(await outside.roots(outside.ana)) == 2
