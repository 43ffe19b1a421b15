"""The root message while a request runs, and the one message that says what came of it."""

import csv
import io
import json
import re
from typing import Any

import pytest

from sandbox.slack import MAIL, Message
from sandbox.slack.seen import SharedFile
from tests.flows.stage import KEY, Mailroom

BAR = re.compile("`(█*)(░*)` ([0-9]+) of ([0-9]+)")


def shown(text: str) -> tuple[int, int, int]:
    """How many signs of the bar are filled, how many there are, and the count beside it."""
    found = BAR.search(text)
    assert found, text
    filled, empty, count, _ = found.groups()
    return len(filled), len(filled) + len(empty), int(count)


async def versions(mailroom: Mailroom) -> list[str]:
    """All that the root message ever showed, oldest first."""
    calls = [call for call in await mailroom.slack.calls() if call["method"] in ("chat.postMessage", "chat.update")]
    shown = [call["arguments"] for call in calls if not call["arguments"].get("thread_ts")]
    return [_text(arguments["blocks"]) for arguments in shown if arguments["channel"] == MAIL]


def _text(blocks: Any) -> str:
    return json.dumps(json.loads(blocks) if isinstance(blocks, str) else blocks, ensure_ascii=False)


async def in_thread(mailroom: Mailroom, root: Message) -> list[SharedFile]:
    """The files in the thread, of which there is one at last."""

    async def find() -> list[SharedFile]:
        replies = await mailroom.ana.reads_thread(root.channel, root.ts)
        return [file for reply in replies for file in reply.files]

    return await mailroom.slack.until(find, what="a file in the thread")


async def test_the_root_message_shows_state_bar_and_count_and_never_goes_back(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0.06)
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 25")

    async def has_ended() -> bool:
        await mailroom.clock_ahead(seconds=1)
        return "Done" in (await mailroom.root(mailroom.ana)).visible

    await mailroom.until(has_ended, "the end")
    bars = [shown(text) for text in await versions(mailroom) if "░" in text or "█" in text]
    counts = [count for *_, count in bars]
    assert len(counts) >= 3
    assert counts == sorted(counts)
    assert any(0 < count < 25 for count in counts)
    assert all((filled, length) == (20 * count // 25, 20) for filled, length, count in bars)
    root = await mailroom.root(mailroom.ana, "Done", "25 of 25")
    assert "░" not in root.visible


async def test_the_bar_says_in_words_how_many_are_finished(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "team1@example.com")
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 4")
    await mailroom.root(mailroom.ana, "In progress", "1 of 4 finished")


async def test_while_a_request_runs_its_root_message_is_edited_at_most_every_three_seconds(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 25")
    await mailroom.made("create_mailbox_bulk")
    for _ in range(3):
        await mailroom.passes(seconds=3)
    await mailroom.at_rest()
    await mailroom.mailapi.set_speed(mailbox_seconds=0.02)
    before = (await mailroom.root(mailroom.ana, "In progress")).edited
    looks = len(await mailroom.asked("get_mailbox_bulk"))
    await mailroom.mailapi.release_queue()

    async def was_looked_at_often() -> bool:
        # Each look finds more, and only less than three seconds pass by the bot's clock.
        return len(await mailroom.asked("get_mailbox_bulk")) > looks + 2 or await done()

    async def done() -> bool:
        return "Done" in (await mailroom.root(mailroom.ana)).visible

    await mailroom.clock_ahead(seconds=2)
    await mailroom.until(was_looked_at_often, "some looks")
    await mailroom.until(done, "the end")
    # One edit for the progress of these few seconds at most, and one for the end, which is shown at once.
    assert (await mailroom.root(mailroom.ana)).edited <= before + 2


async def test_each_mailbox_stands_in_the_one_completion_with_its_outcome(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 25")
    root = await mailroom.root(mailroom.ana, "Done", "25 of 25")
    completion = await mailroom.completion(mailroom.ben, root)
    lines = completion.visible.splitlines()
    for n in range(1, 26):
        assert f"team{n}@example.com | Created successfully." in lines
    await mailroom.at_rest()
    (only,) = await mailroom.ana.reads_thread(MAIL, root.ts)
    assert (only.ts, only.files) == (completion.ts, [])


async def test_an_outcome_that_does_not_fit_into_a_table_is_counted_and_all_of_it_is_a_file(
    mailroom: Mailroom,
) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 120")
    root = await mailroom.root(mailroom.ana, "Done", "120 of 120")
    completion = await mailroom.completion(mailroom.ben, root)
    assert "120 mailboxes at `example.com`: created." in completion.visible
    assert "The file below has all of them." in completion.visible
    assert "team7@example.com" not in completion.visible
    (file,) = await in_thread(mailroom, root)
    assert file.name == "mailroom-request-1.csv"
    head, *body = csv.reader(io.StringIO(file.text))
    assert head == ["Mailbox", "Result"]
    assert body == [[f"team{n}@example.com", "Created successfully."] for n in range(1, 121)]
    await mailroom.at_rest()
    replies = await mailroom.ana.reads_thread(MAIL, root.ts)
    assert [bool(reply.files) for reply in replies] == [False, True]
    assert replies[1].text == "What became of each of the 120 mailboxes at `example.com`"


async def test_of_many_that_failed_in_part_the_failures_are_told_and_the_file_has_all(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    for n in (7, 99):
        await mailroom.mailapi.fail_mailbox(f"team{n}@example.com", "Mailbox name is reserved.")
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 120")
    root = await mailroom.root(mailroom.ana, "Partly done", "118 of 120", "The thread says which were not, and why")
    completion = await mailroom.completion(mailroom.ben, root)
    assert "118 created, 2 not" in completion.visible
    assert [line for line in completion.visible.splitlines() if "team" in line] == [
        f"team{n}@example.com | Mailbox name is reserved." for n in (7, 99)
    ]
    (file,) = await in_thread(mailroom, root)
    results = dict(csv.reader(io.StringIO(file.text)))
    assert len(results) == 121
    assert results["team99@example.com"] == "Mailbox name is reserved."
    assert results["team100@example.com"] == "Created successfully."


async def test_more_failures_than_can_be_read_are_counted(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    for n in range(1, 31):
        await mailroom.mailapi.fail_mailbox(f"team{n}@example.com", "Mailbox name is reserved.")
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 120")
    root = await mailroom.root(mailroom.ana, "Partly done", "90 of 120")
    completion = await mailroom.completion(mailroom.ben, root)
    assert "90 created, 30 not" in completion.visible
    assert "20 of 30 that were not created" in completion.visible


async def test_a_file_has_no_cell_that_is_run_as_a_formula(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    await mailroom.mailapi.fail_mailbox("team7@example.com", "=1+1")
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 120")
    root = await mailroom.root(mailroom.ana, "Partly done")
    (file,) = await in_thread(mailroom, root)
    assert dict(csv.reader(io.StringIO(file.text)))["team7@example.com"] == "'=1+1"


async def test_a_file_of_a_request_in_a_direct_message_goes_there(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    await mailroom.ben.types(mailroom.ben.dm, "/mail mailbox bulk example.com team 120")
    root = await mailroom.direct(mailroom.ben, "Done")

    async def find() -> list[SharedFile]:
        return [file for reply in await mailroom.ben.reads_thread(root.channel, root.ts) for file in reply.files]

    (file,) = await mailroom.slack.until(find, what="a file")
    assert file.name == "mailroom-request-1.csv"


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.upload", "files.completeUploadExternal"])
async def test_a_file_that_slack_does_not_take_at_first_is_sent_once(mailroom: Mailroom, method: str) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    await mailroom.slack.fault(method, "ratelimited" if method != "files.upload" else "status", retry_after=2)
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 120")
    root = await mailroom.root(mailroom.ana, "Done")
    await mailroom.completion(mailroom.ben, root)
    for _ in range(3):
        await mailroom.passes(seconds=4)
    assert len(await in_thread(mailroom, root)) == 1


async def test_a_file_whose_answer_was_lost_is_found_by_its_name_and_not_sent_again(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    await mailroom.slack.fault("files.completeUploadExternal", "drop_after")
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 120")
    root = await mailroom.root(mailroom.ana, "Done")
    await in_thread(mailroom, root)
    for _ in range(3):
        await mailroom.passes(seconds=15)
    await mailroom.at_rest()
    assert len(await in_thread(mailroom, root)) == 1


async def test_a_file_whose_sending_was_lost_is_sent_again(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    await mailroom.slack.fault("files.completeUploadExternal", "drop_before")
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 120")
    root = await mailroom.root(mailroom.ana, "Done")
    await mailroom.completion(mailroom.ben, root)
    for _ in range(3):
        await mailroom.passes(seconds=15)
    assert len(await in_thread(mailroom, root)) == 1
