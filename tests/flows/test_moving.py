"""The card is refused in the moment in which its request ends: what the thread has to say is said once, somewhere."""

from collections.abc import Collection
from typing import Any

import pytest

from sandbox.slack import MAIL, Message
from storage.states import NoticeState
from storage.tables import Notice
from tests.flows.breaking import rows
from tests.flows.stage import Mailroom

SINGLE = "mailbox create john@example.com"
BULK = "mailbox bulk example.com team 120"
"""With a file behind its completion."""
BULK_NAMES = [f"team{number}@example.com" for number in range(1, 121)]
LEFT = f"can no longer post in <#{MAIL}>"
SETTLED = (NoticeState.TOLD, NoticeState.DROPPED)


async def in_progress(mailroom: Mailroom, line: str = SINGLE) -> Message:
    """The card of a request that waits for a sign to end, and of which nothing else is owed."""
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, f"/mail {line}")
    card = await mailroom.root(mailroom.ana, "In progress")
    await mailroom.passes(seconds=5)
    await mailroom.at_rest()
    return card


async def ends(mailroom: Mailroom) -> None:
    """The request ends, and all that is owed of it is settled, whatever has to be looked for or to wait."""
    await mailroom.mailapi.release_queue()

    async def is_settled() -> bool:
        await mailroom.passes(seconds=6)
        all_ = await rows(mailroom, Notice)
        return all(each.state in SETTLED for each in all_) and "thread" in [each.kind for each in all_]

    await mailroom.until(is_settled, "all that is owed settled")


async def works_off_unseen(mailroom: Mailroom, names: Collection[str]) -> None:
    """MailAPI makes these names and says nothing meanwhile."""
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    await mailroom.mailapi.fault("any", "status", status=503, times=1_000)
    await mailroom.mailapi.release_queue()
    await mailroom.exists(*names)
    await mailroom.mailapi.clear_faults()


async def said(mailroom: Mailroom, card: Message) -> dict[str, list[str]]:
    """What stands in the thread, and what in the thread of a direct message: the completion, and a file's name."""
    directs = await mailroom.ben.direct_messages()
    there = [each for direct in directs for each in await mailroom.ben.reads_thread(direct.channel, direct.ts)]
    here = await mailroom.ana.reads_thread(MAIL, card.ts)
    return {"thread": [_what(each) for each in here], "direct": [_what(each) for each in there]}


def _what(message: Message) -> str:
    return message.files[0].name if message.files else "completion" if "created" in message.visible else message.visible


@pytest.mark.parametrize("error", ["edit_window_closed", "cant_update_message"])
async def test_a_card_that_may_not_be_edited_stays_and_its_thread_goes_on(mailroom: Mailroom, error: str) -> None:
    card = await in_progress(mailroom)
    await mailroom.slack.fault("chat.update", "error", error=error, times=1_000)
    await ends(mailroom)
    assert await said(mailroom, card) == {"thread": ["completion"], "direct": []}
    assert await mailroom.ben.direct_messages() == []


MAYBE_SAID: dict[str, dict[str, Any]] = {
    "slowly": {"kind": "latency", "seconds": 0.5},
    "and the answer is lost": {"kind": "drop_after"},
}
NOT_SAID: dict[str, dict[str, Any]] = {
    "for which it asks for a pause": {"kind": "ratelimited", "retry_after": 5},
    "which never reaches it": {"kind": "drop_before"},
    "which it refuses as well": {"kind": "error", "error": "channel_not_found"},
}


@pytest.mark.parametrize("fault", MAYBE_SAID.values(), ids=MAYBE_SAID)
async def test_a_completion_that_slack_takes_meanwhile_is_not_told_again(
    mailroom: Mailroom, fault: dict[str, Any]
) -> None:
    card = await in_progress(mailroom)
    await mailroom.slack.fault("chat.update", "error", error="message_not_found")
    await mailroom.slack.fault("chat.postMessage", where={"channel": MAIL}, **fault)
    await ends(mailroom)
    assert await said(mailroom, card) == {"thread": ["completion"], "direct": []}
    await mailroom.direct(mailroom.ben, LEFT, "Done")


@pytest.mark.parametrize("fault", NOT_SAID.values(), ids=NOT_SAID)
async def test_a_completion_that_slack_does_not_take_follows_the_card(
    mailroom: Mailroom, fault: dict[str, Any]
) -> None:
    card = await in_progress(mailroom)
    await mailroom.slack.fault("chat.update", "error", error="message_not_found")
    await mailroom.slack.fault("chat.postMessage", where={"thread_ts": card.ts}, **fault)
    await ends(mailroom)
    assert await said(mailroom, card) == {"thread": [], "direct": ["completion"]}
    await mailroom.direct(mailroom.ben, LEFT, "Done")


@pytest.mark.parametrize(
    ("fault", "place"), [("drop_before", "direct"), ("drop_after", "thread")], ids=["not taken", "taken"]
)
async def test_a_file_comes_once_and_behind_its_completion(mailroom: Mailroom, fault: Any, place: str) -> None:
    card = await in_progress(mailroom, BULK)
    await works_off_unseen(mailroom, BULK_NAMES)  # so that the only edit is that of the end
    await mailroom.slack.fault("chat.update", "error", error="message_not_found")
    await mailroom.slack.fault("chat.postMessage", fault, where={"thread_ts": card.ts})
    await ends(mailroom)
    told = await said(mailroom, card)
    assert told[place][0] == "completion"
    assert (told["thread"] + told["direct"]).count("completion") == 1
    assert told["direct"][-1].endswith(".csv")
    assert len(told["thread"] + told["direct"]) == 2


async def test_a_completion_in_the_thread_of_a_card_that_was_deleted_is_found_there(mailroom: Mailroom) -> None:
    card = await in_progress(mailroom)
    await mailroom.slack.fault("chat.update", "ratelimited", retry_after=5)
    await mailroom.slack.fault("chat.postMessage", "drop_after", where={"thread_ts": card.ts})
    await mailroom.mailapi.release_queue()
    await mailroom.reply(mailroom.ana, card, "created")
    await mailroom.deletes(card)
    await ends(mailroom)
    assert await said(mailroom, card) == {"thread": ["completion"], "direct": []}
    await mailroom.direct(mailroom.ben, LEFT, "Done")
