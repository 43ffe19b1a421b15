"""The bot stops and starts again: what was acknowledged ends, once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from sqlmodel import Session, select, update

from bot import app
from sandbox.slack import MAIL
from storage import moves
from storage.engines import engine_for, writing
from storage.states import CallState
from storage.tables import Call
from tests.flows.stage import KEY, Mailroom

LINES = {
    "single": ("mailbox create john@example.com", "create_mailbox_single"),
    "bulk": ("mailbox bulk example.com team 3", "create_mailbox_bulk"),
    "domain": ("domain create new.example", "create_domain"),
    "sub-domain": ("subdomain create example.com team", "create_subdomain"),
}
lines = pytest.mark.parametrize(("line", "endpoint"), LINES.values(), ids=LINES.keys())


@pytest_asyncio.fixture
async def stopped(outside: Mailroom) -> AsyncIterator[Mailroom]:
    """A bot that has a key, and is not running."""
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.at_rest()
    yield outside


async def ends_once(mailroom: Mailroom) -> None:
    """One root message, one completion, one create."""
    await mailroom.completed(mailroom.ben)
    await mailroom.root(mailroom.ana, "Done")
    await mailroom.passes(minutes=2)
    await mailroom.at_rest()
    (root,) = await mailroom.roots(mailroom.ana)
    assert len(await mailroom.ana.reads_thread(MAIL, root.ts)) == 1
    assert len(await mailroom.mailapi.creates()) == 1
    assert set((await mailroom.mailapi.mailboxes()).values()) <= {1}


def left(stopped: Mailroom) -> Sequence[Call]:
    """The calls as they stand while the bot is not running."""
    engine = engine_for(stopped.settings.database_url)
    with Session(engine) as session:
        calls = session.exec(select(Call)).all()
    engine.dispose()
    return calls


@lines
async def test_what_was_accepted_before_a_restart_ends_after_it(stopped: Mailroom, line: str, endpoint: str) -> None:
    await stopped.mailapi.hold_queue()
    async with stopped.running():
        await stopped.ben.types(MAIL, f"/mail {line}")
        await stopped.made(endpoint)
    await stopped.mailapi.release_queue()
    async with stopped.running():
        await ends_once(stopped)


@lines
async def test_what_was_only_acknowledged_before_a_restart_is_done_after_it(
    stopped: Mailroom, line: str, endpoint: str
) -> None:
    async with stopped.running():
        assert (await stopped.ben.types(MAIL, f"/mail {line}")).ok
    async with stopped.running():
        await ends_once(stopped)
    assert len(await stopped.asked(endpoint)) == 1


async def test_the_end_that_came_while_the_bot_was_away_is_told(stopped: Mailroom) -> None:
    await stopped.mailapi.hold_queue()
    async with stopped.running():
        await stopped.ben.types(MAIL, "/mail mailbox create john@example.com")
        await stopped.made("create_mailbox_single")
    await stopped.mailapi.release_queue()
    await stopped.exists("john@example.com")
    async with stopped.running():
        await ends_once(stopped)


async def ends_while_it_sends(stopped: Mailroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot ends while it waits for the answer to a create, which never comes."""
    monkeypatch.setattr(app, "DRAIN_SECONDS", 0.1)

    async def has_arrived() -> bool:
        return bool(await stopped.asked("create_mailbox_single"))

    async with stopped.running():
        await stopped.ben.types(MAIL, "/mail mailbox create john@example.com")
        await stopped.until(has_arrived, "the create")


async def test_nothing_more_is_created_once_the_bot_was_told_to_end(stopped: Mailroom) -> None:
    await stopped.mailapi.add_mailbox(KEY, "team2@example.com")  # so that each name of the bulk is a call
    await stopped.mailapi.fault("create_mailbox_single", "latency", seconds=1.5, times=None)

    async def has_arrived() -> bool:
        return bool(await stopped.asked("create_mailbox_single"))

    async with stopped.running():
        await stopped.ben.types(MAIL, "/mail mailbox bulk example.com team 20")
        await stopped.until(has_arrived, "the first create")
        told = stopped.clock()
    calls = left(stopped)
    assert {call.state for call in calls} == {CallState.ACCEPTED, CallState.QUEUED}
    assert all(call.sent_at is None or call.sent_at <= told for call in calls)
    await stopped.mailapi.clear_faults()
    async with stopped.running():
        await stopped.completed(stopped.ben)
    assert await stopped.mailapi.mailboxes() == {f"team{number}@example.com": 1 for number in range(1, 21)}


async def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_promised(stopped: Mailroom) -> None:
    await stopped.mailapi.fault("create_mailbox_single", "drop")

    async def has_arrived() -> bool:
        return bool(await stopped.asked("create_mailbox_single"))

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(stopped.running())
        await stopped.ben.types(MAIL, "/mail mailbox create john@example.com")
        await stopped.until(has_arrived, "the create")
        async with asyncio.timeout(10):
            await stack.aclose()
    (call,) = left(stopped)
    assert call.state is CallState.SENDING


async def test_a_create_that_was_being_sent_when_the_bot_ended_is_found_when_its_lease_is_over(
    stopped: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stopped.mailapi.fault("create_mailbox_single", "drop")
    await ends_while_it_sends(stopped, monkeypatch)
    async with stopped.running():
        await stopped.clock_ahead(seconds=31)
        await stopped.completed(stopped.ben, seconds=10)
        await ends_once(stopped)


async def test_one_that_did_not_arrive_is_asked_about_a_minute_after_it_was_sent(
    stopped: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stopped.mailapi.fault("create_mailbox_single", "drop", applied=False)
    await ends_while_it_sends(stopped, monkeypatch)
    async with stopped.running():
        await stopped.clock_ahead(seconds=31)
        root = await stopped.root(stopped.ana, "john@example.com")
        await stopped.clock_ahead(seconds=30)
        await stopped.reply(stopped.ana, root, "was lost", "nothing of it has appeared")


async def test_what_a_killed_process_had_only_taken_up_goes_on_at_once_where_no_other_runs(stopped: Mailroom) -> None:
    await stopped.mailapi.hold_queue()
    async with stopped.running():
        await stopped.ben.types(MAIL, "/mail mailbox create john@example.com")
        await stopped.made("create_mailbox_single")
    engine = engine_for(stopped.settings.database_url)
    with Session(writing(engine)) as session, session.begin():
        now = datetime.now(UTC)
        session.execute(update(Call).values(due_at=now, leased_until=now + moves.LEASE))
    engine.dispose()
    await stopped.mailapi.release_queue()
    async with stopped.running():
        await stopped.completed(stopped.ben, seconds=10)


async def test_a_window_is_kept_over_a_restart(stopped: Mailroom) -> None:
    async with stopped.running():
        await stopped.ben.types(MAIL, "/mail subdomain create example.com team")
        await stopped.completed(stopped.ben)
    async with stopped.running():
        await stopped.ana.types(MAIL, "/mail subdomain create example.com support")
        root = await stopped.waiting(stopped.ana)
        told = await stopped.reply(stopped.ana, root, "one sub-domain request an hour")
        assert "not sent from here" not in told.visible
    await stopped.mailapi.advance_clock(3600)
    stopped.clock.ahead += timedelta(hours=1, minutes=1)
    async with stopped.running():
        await stopped.root(stopped.ana, "Done", "support.example.com")
    assert len(await stopped.asked("create_subdomain")) == 2


async def test_a_key_that_was_being_checked_is_checked_after_the_restart(outside: Mailroom) -> None:
    await outside.mailapi.fault("list_domain", "status", times=2, status=503)
    async with outside.running():
        await outside.connect(outside.ana)
        await outside.made("list_domain")
    outside.clock.ahead += timedelta(hours=1, minutes=1)
    async with outside.running():
        for _ in range(3):
            await outside.passes(seconds=5)
        await outside.direct(outside.ana, "Connected", KEY[-4:])


async def test_nothing_is_said_again_after_a_restart(stopped: Mailroom) -> None:
    async with stopped.running():
        await stopped.ben.types(MAIL, "/mail mailbox create john@example.com")
        await stopped.completed(stopped.ben)
        await stopped.at_rest()
    said = len(await stopped.slack.calls("chat.postMessage"))
    async with stopped.running():
        await stopped.passes(minutes=5)
        await stopped.at_rest()
    assert len(await stopped.slack.calls("chat.postMessage")) == said
