"""Creates whose answer was lost: found by the difference, never sent again blindly, put to a person after a minute."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sandbox.slack import GENERAL, MAIL, Message
from tests.flows.deciding import audited
from tests.flows.stage import CALLER_ID, FAST, IMPATIENT, KEY, OTHER_KEY, Mailroom
from tests.flows.test_answers_disconnect import ERASED, IN_FORCE, KEPT, keys

KINDS = {
    "create_domain": ("domain create new.example", "new.example"),
    "create_subdomain": ("subdomain create example.com team support", "team.example.com"),
    "create_mailbox_single": ("mailbox create john@example.com", "john@example.com"),
    "create_mailbox_bulk": ("mailbox bulk example.com team 3", "team3@example.com"),
}
kinds = pytest.mark.parametrize("endpoint", KINDS)

LOSSES: dict[str, dict[str, Any]] = {
    "reset": {"kind": "reset_after"},
    "500": {"kind": "status", "status": 500, "applied": True},
    "proxy page": {"kind": "html", "applied": True},
    "malformed": {"kind": "malformed"},
    "empty": {"kind": "empty"},
}


async def look_for_it(mailroom: Mailroom) -> None:
    """Let the first looks happen."""
    await mailroom.passes(seconds=3)
    await mailroom.passes(seconds=10)


@pytest.mark.parametrize(
    ("endpoint", "loss"),
    [*((endpoint, "reset") for endpoint in KINDS), *(("create_mailbox_single", loss) for loss in [*LOSSES][1:])],
)
async def test_what_was_applied_is_found_and_made_exactly_once(mailroom: Mailroom, endpoint: Any, loss: str) -> None:
    line, name = KINDS[endpoint]
    await mailroom.mailapi.fault(endpoint, **LOSSES[loss])
    await mailroom.ben.types(MAIL, f"/mail {line}")
    await mailroom.made(endpoint)
    await look_for_it(mailroom)
    completion = await mailroom.completed(mailroom.ben)
    assert "created" in completion.visible
    assert "not" not in completion.text.replace("`", "")
    await mailroom.root(mailroom.ana, "Done")
    assert len(await mailroom.asked(endpoint)) == 1
    assert name in {**await mailroom.mailapi.mailboxes(), **await mailroom.mailapi.domains()}
    assert set((await mailroom.mailapi.mailboxes()).values()) <= {1}


@pytest.mark.parametrize("endpoint", ["create_subdomain", "create_mailbox_bulk"])
async def test_an_answer_that_never_comes_is_looked_for_as_well(outside: Mailroom, endpoint: Any) -> None:
    outside.timeouts = IMPATIENT
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.mailapi.fault(endpoint, "drop")
        await outside.ben.types(MAIL, f"/mail {KINDS[endpoint][0]}")
        await outside.made(endpoint)
        await look_for_it(outside)
        await outside.completed(outside.ben)
        await outside.root(outside.ana, "Done")
        assert len(await outside.asked(endpoint)) == 1


async def test_while_it_is_looked_for_the_root_message_says_so(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_single")
    await mailroom.passes(seconds=4)
    await mailroom.root(mailroom.ana, "Looking for a lost answer")


async def lose(mailroom: Mailroom, endpoint: Any) -> None:
    """Let the create not be applied, and its answer be lost."""
    await mailroom.mailapi.fault(endpoint, "reset_before")
    await mailroom.ben.types(MAIL, f"/mail {KINDS[endpoint][0]}")
    await mailroom.made(endpoint)


async def a_minute(mailroom: Mailroom) -> None:
    """Let the first look happen, and the one after a minute."""
    await mailroom.passes(seconds=3)
    await mailroom.passes(seconds=62)
    await mailroom.at_rest()


async def question(mailroom: Mailroom) -> Message:
    """Let a minute pass without anything appearing; the message that asks how to go on."""
    await a_minute(mailroom)
    (root,) = await mailroom.roots(mailroom.ana)
    asked = await mailroom.reply(mailroom.ana, root, "was lost", "nothing of it has appeared")
    assert asked.buttons == ["Look Again", "Send Again"]
    assert asked.visible.startswith(f"<@{mailroom.ben.id}> ")
    assert f"<@{mailroom.ana.id}> " in asked.visible
    return asked


async def test_where_the_request_lives_in_a_direct_message_approvers_are_asked_there_too(mailroom: Mailroom) -> None:
    """Where the bot cannot post in the channel, only the asker sees the thread."""
    await mailroom.mailapi.fault("create_mailbox_single", "reset_before")
    await mailroom.ben.types(GENERAL, "/mail mailbox create john@example.com")
    await mailroom.made("create_mailbox_single")
    await a_minute(mailroom)
    asked = await mailroom.direct(mailroom.ana, f"<@{mailroom.ana.id}> MailAPI's answer", "was lost")
    await mailroom.ana.clicks(asked, "Send Again")
    await mailroom.exists("john@example.com")


async def test_nobody_is_asked_within_the_first_minute(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_single")
    await mailroom.passes(seconds=3)
    await mailroom.passes(seconds=50)
    await mailroom.at_rest()
    (root,) = await mailroom.roots(mailroom.ana)
    assert await mailroom.ana.reads_thread(MAIL, root.ts) == []


@kinds
async def test_what_does_not_appear_within_a_minute_is_put_to_a_person_and_sent_again(
    mailroom: Mailroom, endpoint: Any
) -> None:
    await lose(mailroom, endpoint)
    asked = await question(mailroom)
    sent = len(await mailroom.mailapi.creates())
    await mailroom.ben.clicks(asked, "Send Again")
    await mailroom.completed(mailroom.ben)
    await mailroom.root(mailroom.ana, "Done")
    assert sent == 0
    assert set((await mailroom.mailapi.mailboxes()).values()) <= {1}
    assert KINDS[endpoint][1] in {**await mailroom.mailapi.mailboxes(), **await mailroom.mailapi.domains()}


async def test_where_mailapi_lets_nobody_look_a_person_is_asked_as_well(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_single")
    no: dict[str, Any] = {"status": 422, "reason": "This list is not available."}
    await mailroom.mailapi.fault("list_mailbox", "status", times=None, **no)
    asked = await question(mailroom)
    await mailroom.mailapi.clear_faults()
    await mailroom.ben.clicks(asked, "Send Again")
    await mailroom.completed(mailroom.ben)
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1}


async def test_send_again_of_a_bulk_sends_singles_and_says_so(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_bulk")
    asked = await question(mailroom)
    await mailroom.ben.clicks(asked, "Send Again")
    await mailroom.completed(mailroom.ben)
    root = await mailroom.root(mailroom.ana, "Done", "3 of 3")
    await mailroom.reply(mailroom.ana, root, f"<@{mailroom.ben.id}> chose to send again what is missing", "one by one")
    assert len(await mailroom.asked("create_mailbox_bulk")) == 1
    assert len(await mailroom.asked("create_mailbox_single")) == 3


async def test_look_again_finds_what_has_come_late(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_single")
    asked = await question(mailroom)
    await mailroom.mailapi.add_mailbox(KEY, "john@example.com")
    await mailroom.passes(seconds=3)
    await mailroom.ben.clicks(asked, "Look Again")
    completion = await mailroom.completed(mailroom.ben)
    assert completion.text.endswith(": created.")
    assert await mailroom.mailapi.creates() == []


async def test_look_again_asks_again_where_there_is_still_nothing(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_single")
    asked = await question(mailroom)
    await mailroom.ben.clicks(asked, "Look Again")
    await a_minute(mailroom)
    (root,) = await mailroom.roots(mailroom.ana)
    questions = [m for m in await mailroom.ana.reads_thread(MAIL, root.ts) if m.buttons]
    assert len(questions) == 2
    await mailroom.ana.clicks(questions[-1], "Send Again")
    await mailroom.completed(mailroom.ben)
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1}


async def test_a_question_keeps_no_replaced_key_and_a_key_of_the_same_account_looks_again(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_single")
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await mailroom.connected(mailroom.ana, OTHER_KEY)
    assert await keys(mailroom) == [KEPT, IN_FORCE]
    asked = await question(mailroom)
    assert await keys(mailroom) == [ERASED, IN_FORCE]
    await mailroom.mailapi.add_mailbox(KEY, "john@example.com")
    await mailroom.passes(seconds=3)
    await mailroom.ben.clicks(asked, "Look Again")
    assert (await mailroom.completed(mailroom.ben)).text.endswith(": created.")
    assert await mailroom.mailapi.creates() == []


async def test_with_a_key_of_another_account_nobody_looks_again_and_it_can_be_sent_again(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_single")
    asked = await question(mailroom)
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID + 1)
    await mailroom.mailapi.add_domain(OTHER_KEY, "example.com")
    await mailroom.connected(mailroom.ana, OTHER_KEY, CALLER_ID + 1)
    assert await keys(mailroom) == [ERASED, IN_FORCE]
    await mailroom.ben.clicks(asked, "Look Again")
    (root,) = await mailroom.roots(mailroom.ana)
    told = await mailroom.reply(mailroom.ben, root, "no longer stored", f"caller id {CALLER_ID}", "/mail connect")
    assert told.ephemeral
    await mailroom.ben.clicks(asked, "Send Again")
    await mailroom.completed(mailroom.ben)


async def test_only_the_asker_and_approvers_can_answer_the_question(mailroom: Mailroom) -> None:
    cat = await mailroom.slack.add_user("U0CAT00001", "cat")
    await lose(mailroom, "create_mailbox_single")
    asked = await question(mailroom)
    for button in ("Send Again", "Look Again"):
        await cat.clicks(asked, button)
        (root,) = await mailroom.roots(mailroom.ana)
        told = await mailroom.reply(cat, root, "Only the person who asked for this, approvers and admins")
        assert told.ephemeral
    await mailroom.at_rest()
    assert await mailroom.mailapi.creates() == []
    await mailroom.ana.clicks(asked, "Send Again")
    await mailroom.completed(mailroom.ben)


async def test_the_second_of_two_answers_is_told_that_it_was_decided(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_single")
    asked = await question(mailroom)
    await mailroom.ben.clicks(asked, "Send Again")
    await mailroom.ana.clicks(asked, "Send Again")
    (root,) = await mailroom.roots(mailroom.ana)
    assert (await mailroom.reply(mailroom.ana, root, "decided already")).ephemeral
    assert await audited(mailroom, "refused") == [(mailroom.ana.id, "send_again", "too late")]
    await mailroom.completed(mailroom.ben)
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1}


async def test_what_was_lost_does_not_wait_behind_all_that_is_to_be_sent(outside: Mailroom) -> None:
    outside.pace = replace(FAST, ask_after=timedelta(seconds=1))
    await outside.mailapi.add_mailbox(KEY, "team2@example.com")  # so that each mailbox is a call
    await outside.mailapi.fault("create_mailbox_single", "reset_before")
    await outside.mailapi.fault("create_mailbox_single", "latency", seconds=2, times=None)
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.ben.types(MAIL, "/mail mailbox bulk example.com team 100")
        root = await outside.root(outside.ana, "In progress")
        await outside.reply(outside.ana, root, "was lost", "nothing of it has appeared")
        assert len(await outside.asked("create_mailbox_single")) < 50
        await outside.mailapi.clear_faults()


async def test_a_name_that_was_there_before_is_never_claimed_as_ours(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "team2@example.com")
    await mailroom.mailapi.fault("create_mailbox_single", "reset_before", times=2)
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3")
    await mailroom.made("create_mailbox_single", 2)
    await mailroom.root(mailroom.ana, "team1@example.com")
    await a_minute(mailroom)
    (root,) = await mailroom.roots(mailroom.ana)
    questions = [m for m in await mailroom.ana.reads_thread(MAIL, root.ts) if m.buttons]
    assert len(questions) == 2
    for asked in questions:
        await mailroom.ben.clicks(asked, "Send Again")
    completion = await mailroom.completed(mailroom.ben)
    assert "2 created, 1 not" in completion.visible
    assert "team2@example.com | existed already" in completion.visible


async def test_send_again_claims_what_came_between_the_question_and_the_click(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_single")
    asked = await question(mailroom)
    await mailroom.mailapi.add_mailbox(KEY, "john@example.com")
    # A look serves all that need it within 2 s, and a person takes longer to read.
    await mailroom.passes(seconds=3)
    await mailroom.ben.clicks(asked, "Send Again")
    completion = await mailroom.completed(mailroom.ben)
    assert completion.text.endswith(": created.")
    assert await mailroom.mailapi.creates() == []


async def test_send_again_of_a_bulk_that_came_in_part_sends_only_what_is_missing(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_bulk")
    for n in (1, 2):
        await mailroom.mailapi.add_mailbox(KEY, f"team{n}@example.com")
    await a_minute(mailroom)
    (root,) = await mailroom.roots(mailroom.ana)
    (asked,) = [m for m in await mailroom.ana.reads_thread(MAIL, root.ts) if m.buttons]
    assert "nothing of it has appeared" not in asked.visible
    await mailroom.ben.clicks(asked, "Send Again")
    completion = await mailroom.completed(mailroom.ben)
    assert "3 mailboxes at `example.com`: created" in completion.visible
    assert [single["Email_fullname"] for single in await mailroom.asked("create_mailbox_single")] == ["team3"]
    said = [m.visible for m in await mailroom.ana.reads_thread(MAIL, root.ts)]
    assert not any("0 mailboxes will be created" in text for text in said)
    assert len(said) == 3, "the question, the choice, the completion"
