"""A process that stood still while its leases ran out wakes up, and neither sends nor says what another one has."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from sqlmodel import Session, select
from structlog.testing import capture_logs

from bot.app import TIMEOUTS, vault_for
from bot.mailapi import MailAPI
from bot.notices import owing
from bot.slack import Slack
from bot.texts.message import Message as TextMessage
from bot.worker import planning, sending, settling, watching
from bot.worker.machine import Looks, Machine
from sandbox.mailapi.faults import FaultKind
from sandbox.slack import MAIL
from storage import calls, requests
from storage.database import Database
from storage.states import CallState, NoticeState, RequestState
from storage.tables import Call, Notice, Request
from tests.flows.stage import FAST, Mailroom

AWAITING = RequestState.AWAITING_DECISION
OVER = timedelta(seconds=31)


@dataclass
class Hands:
    """The worker's steps, one by one, as two processes take them; each process has its own tools."""

    mailroom: Mailroom
    database: Database
    mailapi: MailAPI
    frozen: Machine = field(init=False)
    other: Machine = field(init=False)

    def __post_init__(self) -> None:
        self.frozen, self.other = self._machine(), self._machine()

    def _machine(self) -> Machine:
        clock = self.mailroom.clock
        vault, looks = vault_for(self.mailroom.settings), Looks(clock, FAST)
        return Machine(self.database, self.mailapi, vault, clock, FAST, looks)

    async def planned(self) -> None:
        """Write the calls of the request that waits for its plan."""
        claim = partial(requests.claim_planning, now=self.mailroom.clock(), most=1)
        (request,) = await self.database.write(claim)
        await planning.plan(self.other, request)

    async def claimed(self) -> Call:
        (call,) = await self.database.write(partial(calls.claim, now=self.mailroom.clock(), most=1))
        return call

    async def taken_over(self) -> Call:
        """The same call, claimed by the other process once the lease is over."""
        self.mailroom.clock.ahead += OVER
        return await self.claimed()

    async def row(self) -> Call:
        return await self.database.read(lambda session: session.exec(select(Call)).one())

    async def creates(self) -> int:
        return len(await self.mailroom.mailapi.creates())


async def asks_in_vain(mailroom: Mailroom, line: str) -> None:
    """Ben asks for something that the running bot cannot plan, until it is left to `hands_of`."""
    await mailroom.at_rest()
    await mailroom.mailapi.fault("list_mailbox", "status", times=None, status=503)
    await mailroom.ben.types(MAIL, line)
    await mailroom.made("list_mailbox")


@asynccontextmanager
async def hands_of(mailroom: Mailroom) -> AsyncIterator[Hands]:
    """The steps of two processes, MailAPI as it is when nothing is wrong, and what was put off due."""
    await mailroom.mailapi.clear_faults()
    mailroom.clock.ahead += timedelta(minutes=1)
    database = Database.open(mailroom.settings.database_url)
    try:
        async with MailAPI.open(mailroom.settings.mailapi_url, timeouts=TIMEOUTS) as mailapi:
            yield Hands(mailroom, database, mailapi)
    finally:
        database.close()


@pytest_asyncio.fixture
async def hands(outside: Mailroom) -> AsyncIterator[Hands]:
    """One call that waits to be sent, and no running bot."""
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await asks_in_vain(outside, "/mail mailbox create john@example.com")
    async with hands_of(outside) as hands:
        await hands.planned()
        yield hands


async def test_what_another_has_sent_is_not_sent_again(hands: Hands) -> None:
    late = await hands.claimed()
    await sending.send(hands.other, await hands.taken_over())
    await sending.send(hands.frozen, late)
    row = await hands.row()
    assert (await hands.creates(), row.state, row.task_id) == (1, CallState.ACCEPTED, 1)


async def test_what_nobody_took_over_yet_is_not_sent_once_its_lease_is_over(hands: Hands) -> None:
    late = await hands.claimed()
    hands.mailroom.clock.ahead += OVER
    await sending.send(hands.frozen, late)
    assert (await hands.creates(), (await hands.row()).state) == (0, CallState.QUEUED)
    await sending.send(hands.other, await hands.claimed())
    assert await hands.creates() == 1


async def test_a_claim_is_looked_at_again_right_before_the_bytes_leave(
    hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands still between the note that it sends and the sending."""
    move = calls.move

    def and_then_stands_still(session: Session, call: Call, before: CallState, after: CallState, **values: Any) -> bool:
        moved = move(session, call, before, after, **values)
        hands.mailroom.clock.ahead += OVER if after is CallState.SENDING else timedelta()
        return moved

    with monkeypatch.context() as patched:
        patched.setattr(calls, "move", and_then_stands_still)
        await sending.send(hands.frozen, await hands.claimed())
    assert (await hands.creates(), (await hands.row()).state) == (0, CallState.QUEUED)


@asynccontextmanager
async def answered_late(hands: Hands, fault: FaultKind, **options: Any) -> AsyncIterator[Call]:
    """The frozen process sends, and its answer comes after the block, in which its sending is found as lost."""
    await hands.mailroom.mailapi.fault("create_mailbox_single", fault, seconds=0.5, **options)
    frozen = asyncio.create_task(sending.send(hands.frozen, await hands.claimed()))

    async def is_out() -> bool:
        return bool(await hands.mailroom.asked("create_mailbox_single"))

    await hands.mailroom.until(is_out, "the create")
    hands.mailroom.clock.ahead += OVER
    await hands.database.write(partial(settling.recover, hands.other))
    yield await hands.row()
    await frozen


async def sent_again(hands: Hands, unknown: Call) -> Call:
    """A person said so, and the other process is about to: the call as it is being sent."""
    again: dict[str, Any] = {"due_at": hands.mailroom.clock(), "leased_until": None}
    move = partial(calls.move, call=unknown, before=CallState.UNKNOWN, after=CallState.QUEUED, **again)
    await hands.database.write(move)
    queued = await hands.claimed()
    move = partial(calls.move, call=queued, before=CallState.QUEUED, after=CallState.SENDING)
    await hands.database.write(move)
    return queued


async def test_an_answer_that_comes_late_still_counts(hands: Hands) -> None:
    async with answered_late(hands, "latency") as unknown:
        assert unknown.state is CallState.UNKNOWN
    row = await hands.row()
    assert (await hands.creates(), row.state, row.task_id) == (1, CallState.ACCEPTED, 1)


@pytest.mark.parametrize("fault", [{"fault": "rate_limited", "retry_after": 1}, {"fault": "status", "status": 503}])
async def test_a_late_no_takes_nothing_from_the_process_that_sends_it_now(hands: Hands, fault: dict[str, Any]) -> None:
    async with answered_late(hands, **fault) as unknown:
        sending_now = await sent_again(hands, unknown)
    row = await hands.row()
    assert (row.state, row.leased_until) == (CallState.SENDING, sending_now.leased_until)


async def test_a_look_in_vain_puts_off_nothing_that_another_has_begun(hands: Hands) -> None:
    await hands.mailroom.mailapi.fault("list_mailbox", "status", status=503)
    late = await hands.claimed()
    taken = await hands.taken_over()
    await sending.send(hands.frozen, late)
    row = await hands.row()
    assert (row.leased_until, row.attempts) == (taken.leased_until, taken.attempts)


async def test_a_late_look_at_a_task_leaves_the_watch_with_the_other(hands: Hands) -> None:
    await hands.mailroom.mailapi.hold_queue()
    await sending.send(hands.other, await hands.claimed())
    hands.mailroom.clock.ahead += timedelta(seconds=2)
    late = await hands.claimed()
    taken = await hands.taken_over()
    await watching.watch(hands.frozen, late)
    assert (await hands.row()).leased_until == taken.leased_until
    await hands.mailroom.mailapi.release_queue()


async def test_a_question_to_a_person_is_not_asked_about_what_was_found_meanwhile(hands: Hands) -> None:
    async with answered_late(hands, "latency"):
        hands.mailroom.clock.ahead += timedelta(minutes=2)
        late = await hands.claimed()
    await settling.settle(hands.frozen, late)
    row = await hands.row()
    assert row.state is CallState.ACCEPTED
    assert row.due_at is not None


async def test_a_plan_that_comes_late_changes_nothing_of_what_was_decided_meanwhile(outside: Mailroom) -> None:
    """What was seen before the approval is no second look after it."""
    async with outside.running():
        await outside.connected(outside.ana)
        await asks_in_vain(outside, "/mail mailbox bulk example.com team 12")
    async with hands_of(outside) as hands:
        claim = partial(requests.claim_planning, now=outside.clock(), most=1)
        (late,) = await hands.database.write(claim)
        outside.clock.ahead += OVER
        await hands.planned()
        decided = partial(requests.move, request=late, before=AWAITING, after=RequestState.APPROVED)
        assert await hands.database.write(decided)
        await planning.plan(hands.frozen, late)
        assert await hands.database.read(lambda session: calls.of_request(session, late)) == []


async def test_a_message_is_looked_at_again_right_before_it_is_posted(outside: Mailroom) -> None:
    """What opens the direct message takes longer than the lease."""
    async with outside.running() as bot:
        await outside.slack.fault("conversations.open", "latency", seconds=1.0)
        await outside.connect(outside.ana)
        await outside.until(partial(in_state, bot.database, NoticeState.SENDING), "the message being sent")
        outside.clock.ahead += OVER
        await outside.until(partial(in_state, bot.database, NoticeState.UNKNOWN), "the message found again")
        outside.clock.ahead += timedelta(seconds=11)
        await outside.direct(outside.ana, "Connected")
    assert len(await outside.slack.calls("conversations.open")) > 1
    assert await posted(outside, "Connected") == 1


async def test_a_message_that_slack_took_late_is_not_posted_again(outside: Mailroom) -> None:
    await outside.slack.fault("conversations.history", "error", times=9, error="missing_scope")
    async with outside.running() as bot:
        await outside.slack.fault("chat.postMessage", "latency", seconds=1.0)
        await outside.connect(outside.ana)
        await outside.until(partial(in_state, bot.database, NoticeState.SENDING), "the message being sent")
        outside.clock.ahead += OVER
        await outside.until(partial(in_state, bot.database, NoticeState.UNKNOWN), "the message found again")
        await outside.until(partial(in_state, bot.database, NoticeState.TOLD), "the late answer")
        await outside.passes(minutes=1)
        await outside.at_rest()
    assert await posted(outside, "Connected") == 1


@pytest.mark.parametrize("step", ["files.getUploadURLExternal", "files.upload"], ids=["the name", "the bytes"])
async def test_a_file_is_looked_at_again_right_before_it_is_shared(outside: Mailroom, step: str) -> None:
    """Slack takes longer for a step before that than the lease."""
    await outside.slack.fault(step, "latency", seconds=2.0)
    await outside.mailapi.set_speed(mailbox_seconds=0)
    async with outside.running() as bot:
        await outside.connected(outside.ana)
        await outside.without_gates()
        with capture_logs() as lines:
            await outside.ben.types(MAIL, "/mail mailbox bulk example.com team 120")
            await outside.until(partial(in_state, bot.database, NoticeState.SENDING, "file"), "the file being sent")
            outside.clock.ahead += OVER
            await outside.until(partial(in_state, bot.database, NoticeState.UNKNOWN, "file"), "the file found again")
            outside.clock.ahead += timedelta(seconds=11)
            await outside.until(partial(in_state, bot.database, NoticeState.TOLD, "file"), "the file shared")

            async def wakes_up() -> bool:
                shared = len(await outside.slack.calls("files.completeUploadExternal"))
                return shared > 1 or "a lease ran out before a notice was told" in [line["event"] for line in lines]

            await outside.until(wakes_up, "the end of the one that stood still")
    assert len(await outside.slack.calls("files.completeUploadExternal")) == 1


async def posted(outside: Mailroom, said: str) -> int:
    calls = await outside.slack.calls("chat.postMessage")
    return sum(said in call["arguments"]["text"] for call in calls)


async def in_state(database: Database, state: NoticeState, kind: str = "direct") -> bool:
    """Whether the direct message, or what else is of this kind, is there now."""
    its = select(Notice.id).where(Notice.kind == kind, Notice.state == state)
    return bool(await database.read(lambda session: session.exec(its).all()))


@pytest_asyncio.fixture
async def in_progress(outside: Mailroom) -> AsyncIterator[Mailroom]:
    """A request whose card says that it is in progress, and MailAPI that waits for a sign to end it."""
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.mailapi.hold_queue()
        await outside.ben.types(MAIL, "/mail mailbox create john@example.com")
        await outside.root(outside.ana, "In progress")
        await outside.passes(seconds=5)
        await outside.at_rest()
        yield outside


async def test_an_edit_is_looked_at_again_right_before_it_is_sent(
    in_progress: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands still once it has put together what the card shows."""
    shown = owing.shown
    frozen: list[TextMessage] = []

    def and_then_stands_still(session: Session, request: Request) -> TextMessage:
        message = shown(session, request)
        if not frozen:
            in_progress.clock.ahead += OVER
        frozen.append(message)
        return message

    before = len(await in_progress.slack.calls("chat.update"))
    monkeypatch.setattr(owing, "shown", and_then_stands_still)
    await in_progress.mailapi.release_queue()

    async def is_taken_over() -> bool:
        await in_progress.clock_ahead(seconds=1)
        return len(frozen) > 1

    await in_progress.until(is_taken_over, "another try")
    await in_progress.root(in_progress.ana, "Done")
    await in_progress.at_rest()
    assert len(await in_progress.slack.calls("chat.update")) - before == len(frozen) - 1


async def test_an_edit_that_slack_took_late_is_followed_by_one_of_what_is_true_then(
    in_progress: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stands still right before the first byte, with a card that is old when it wakes up."""
    edit, wakes = Slack.edit, asyncio.Event()
    stale: list[dict[str, Any]] = []

    async def stands_still_first(slack: Slack, channel: str, ts: str, content: dict[str, Any]) -> None:
        if not stale:
            stale.append({"text": "In progress.", "blocks": []})
            await wakes.wait()
            content = stale[0]
        await edit(slack, channel, ts, content)

    monkeypatch.setattr(Slack, "edit", stands_still_first)
    await in_progress.mailapi.release_queue()

    async def is_taken_over() -> bool:
        await in_progress.clock_ahead(seconds=11)
        return "Done" in (await in_progress.roots(in_progress.ana))[-1].visible

    await in_progress.until(is_taken_over, "an edit by another process")
    await in_progress.passes(seconds=60)
    before = len(await in_progress.slack.calls("chat.update"))
    wakes.set()

    async def is_edited_twice() -> bool:
        await in_progress.clock_ahead(seconds=1)
        return len(await in_progress.slack.calls("chat.update")) >= before + 2

    await in_progress.until(is_edited_twice, "the late edit and another one")
    await in_progress.root(in_progress.ana, "Done")
