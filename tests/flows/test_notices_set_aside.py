"""Messages that cannot be told: left out after a few tries, and what comes after them is told."""

from collections.abc import MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.notices.telling import MOST_TRIES
from sandbox.slack import MAIL
from storage.states import NoticeState
from storage.tables import AuditEntry, Notice
from tests.flows.breaking import GARBLED, WRONG, execute, rows, set_aside
from tests.flows.stage import Mailroom

LINE = "/mail mailbox create john@example.com"
LEFT_OUT = "was left out because of an error on our side"
CONTENTS = {"wrong content": WRONG, "garbled content": GARBLED}


async def told_once_and_left_out(mailroom: Mailroom, times: int = 1) -> list[MutableMapping[str, Any]]:
    """Let the tries happen; each has one traceback with the row's id. Gives what was logged."""
    with capture_logs() as lines:
        for _ in range(8):
            await mailroom.passes(seconds=15)
        await mailroom.at_rest()
    broken = [line for line in lines if line.get("exc_info")]
    assert len(broken) <= 3 * times
    assert all(line["notice"] for line in broken)
    assert len(await set_aside(mailroom)) == times
    assert [n for n in await rows(mailroom, Notice) if n.state not in (NoticeState.TOLD, NoticeState.DROPPED)] == []
    return lines


async def a_completion_that_waits(mailroom: Mailroom) -> None:
    """The request has ended, and Slack asks for a pause before the completion."""
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    root = await mailroom.root(mailroom.ana, "In progress")
    where = {"thread_ts": root.ts}
    await mailroom.slack.fault("chat.postMessage", "ratelimited", retry_after=20, where=where)
    await mailroom.mailapi.release_queue()
    await mailroom.root(mailroom.ana, "Done")
    await mailroom.at_rest()


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
async def test_a_notice_whose_content_is_broken_is_left_out(mailroom: Mailroom, content: str) -> None:
    await a_completion_that_waits(mailroom)
    await execute(mailroom, "UPDATE notice SET content = :content WHERE kind = 'thread'", content=content)
    await told_once_and_left_out(mailroom)
    await mailroom.root(mailroom.ana, "Done")
    assert [m.visible for m in await mailroom.ben.direct_messages() if LEFT_OUT in m.visible] != []
    await mailroom.ana.types(MAIL, "/mail mailbox create healthy@example.com")
    await mailroom.passes(seconds=5)
    await mailroom.root(mailroom.ana, "Done", "healthy@example.com")


async def test_what_comes_after_it_in_its_thread_is_told(mailroom: Mailroom) -> None:
    await a_completion_that_waits(mailroom)
    await execute(mailroom, "UPDATE notice SET content = :content WHERE kind = 'thread'", content=WRONG)
    copied = (
        "INSERT INTO notice (workspace_id, request_id, kind, key, lane, content, state, created_at, due_at, attempts)"
        " SELECT workspace_id, request_id, kind, 'later', lane, :content, 'owed', created_at, created_at, 0"
        " FROM notice WHERE kind = 'thread'"
    )
    await execute(mailroom, copied, content='{"text": "It comes later.", "blocks": []}')
    await told_once_and_left_out(mailroom)
    await mailroom.reply(mailroom.ana, await mailroom.root(mailroom.ana, "Done"), "It comes later.")


async def test_a_notice_of_an_unknown_kind_is_left_out(mailroom: Mailroom) -> None:
    await a_completion_that_waits(mailroom)
    await execute(mailroom, "UPDATE notice SET kind = 'pigeon' WHERE kind = 'thread'")
    await told_once_and_left_out(mailroom)


async def test_a_direct_message_that_is_broken_is_left_out_and_its_reader_hears_that(mailroom: Mailroom) -> None:
    await mailroom.slack.fault("chat.postMessage", "ratelimited", retry_after=20, times=1)
    await mailroom.mailapi.add_account("A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6", 123)
    await mailroom.connect(mailroom.ana, "A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6")
    await mailroom.form(mailroom.ana, "Connected", "Q5r6")
    await mailroom.at_rest()
    await execute(mailroom, "UPDATE notice SET content = :content WHERE state = 'owed'", content=WRONG)
    await execute(mailroom, "UPDATE notice SET state = 'told' WHERE kind = 'direct' AND state = 'owed' AND id > 3")
    await told_once_and_left_out(mailroom)
    await mailroom.direct(mailroom.ana, LEFT_OUT)


async def test_a_notice_whose_request_is_gone_is_dropped(mailroom: Mailroom) -> None:
    await a_completion_that_waits(mailroom)
    await execute(mailroom, "UPDATE notice SET request_id = NULL WHERE kind = 'thread'")
    await told_once_and_left_out(mailroom, times=0)


@pytest.mark.parametrize("parameters", [WRONG, GARBLED], ids=["wrong", "garbled"])
async def test_the_card_of_a_request_that_cannot_be_read_says_so(mailroom: Mailroom, parameters: str) -> None:
    await a_completion_that_waits(mailroom)
    await execute(mailroom, "UPDATE request SET parameters = :parameters", parameters=parameters)
    await execute(mailroom, "UPDATE notice SET state = 'owed', due_at = created_at WHERE kind = 'edit'")
    await told_once_and_left_out(mailroom, times=0)
    await mailroom.root(mailroom.ana, "cannot be read any more", f"<@{mailroom.ben.id}>")
    for line in ("status", "tasks", "audit", "tasks mine"):
        assert (await mailroom.ana.types(MAIL, f"/mail {line}")).ok
    await mailroom.private(mailroom.ana, "Recent requests", "Request 1: cannot be read")


async def test_a_card_is_brought_up_to_date_however_long_slack_did_not_take_it(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, LINE)
    await mailroom.root(mailroom.ana, "In progress")
    await mailroom.slack.fault("chat.update", "ratelimited", retry_after=1, times=12)
    await mailroom.mailapi.release_queue()
    await mailroom.exists("john@example.com")
    for _ in range(14):
        await mailroom.passes(seconds=5)
    await mailroom.root(mailroom.ana, "Done")


@pytest.mark.parametrize("error", ["invalid_blocks", "msg_too_long"])
async def test_a_message_that_slack_refuses_for_good_is_left_out_and_its_reader_hears_that(
    mailroom: Mailroom, error: str
) -> None:
    await a_completion_that_waits(mailroom)
    await mailroom.slack.fault("chat.postMessage", "error", error=error)
    lines = await told_once_and_left_out(mailroom)
    said = [m.visible for m in await mailroom.ben.direct_messages()]
    assert [LEFT_OUT in text and "your request 1" in text for text in said] == [True]
    (entry,) = [entry for entry in await rows(mailroom, AuditEntry) if entry.action == "set aside"]
    assert (entry.details["reason"], entry.details["kind"]) == (error, "thread")
    assert [line["reason"] for line in lines if line["event"] == "set aside"] == [error]


async def test_nobody_hears_of_a_message_where_slack_refuses_that_as_well(mailroom: Mailroom) -> None:
    await a_completion_that_waits(mailroom)
    await mailroom.slack.fault("chat.postMessage", "error", error="invalid_blocks", times=100)
    before = len(await mailroom.slack.calls("chat.postMessage"))
    await told_once_and_left_out(mailroom)
    assert len(await mailroom.slack.calls("chat.postMessage")) - before == 2
    assert await mailroom.ben.direct_messages() == []


async def test_a_form_that_was_closed_is_not_told_to_anybody(mailroom: Mailroom) -> None:
    await mailroom.slack.fault("views.update", "error", error="not_found")
    await mailroom.connect(mailroom.ana, "A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6")
    await mailroom.direct(mailroom.ana, "Q5r6")
    await told_once_and_left_out(mailroom, times=0)


async def test_a_file_whose_upload_is_always_refused_is_left_out_at_last(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    await mailroom.slack.fault("files.upload", "status", times=1_000, status=403)
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 120")
    await mailroom.root(mailroom.ana, "Done")
    for _ in range(MOST_TRIES):
        await mailroom.passes(minutes=1)
    await mailroom.direct(mailroom.ben, LEFT_OUT, "your request 1")
    await told_once_and_left_out(mailroom)
    assert len(await mailroom.slack.calls("files.upload")) == MOST_TRIES
