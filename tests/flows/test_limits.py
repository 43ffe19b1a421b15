"""Limits: how fast one person may be, how much one workspace may have open, and the same thing twice."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from sandbox.slack import BOT, MAIL
from tests.flows.stage import Mailroom

CREATE = "/mail mailbox create john@example.com"
BULK = "/mail mailbox bulk example.com team 3"
TOO_FAST = "more than Mailroom takes from one person in a minute"
TOO_MANY = "requests under way"
AGAIN = "Run it again?"


@pytest_asyncio.fixture
async def limited(outside: Mailroom, limits: dict[str, int]) -> AsyncIterator[Mailroom]:
    """The connected bot with other limits."""
    outside.settings = outside.settings.model_copy(update=limits)
    async with outside.running():
        await outside.connected(outside.ana)
        yield outside


a_few_a_minute = pytest.mark.parametrize("limits", [{"mailroom_commands_a_minute": 5}], ids=["5 a minute"])
two_open = pytest.mark.parametrize("limits", [{"mailroom_open_requests": 2}], ids=["2 open"])


async def privately(mailroom: Mailroom) -> list[str]:
    """What Ben was told privately in the channel, outside acknowledgements."""
    return [m.visible for m in await mailroom.ben.sees(MAIL) if m.ephemeral]


@a_few_a_minute
async def test_more_commands_than_anybody_types_are_answered_kindly_and_not_done(limited: Mailroom) -> None:
    for n in range(5):
        assert TOO_FAST not in (await limited.ben.types(MAIL, f"/mail help {n}")).text
    ack = await limited.ben.types(MAIL, CREATE)
    assert TOO_FAST in ack.text
    assert "not done" in ack.text
    assert "Wait" in ack.text
    await limited.at_rest()
    assert await limited.roots(limited.ana) == []
    assert await limited.mailapi.creates() == []


@a_few_a_minute
async def test_other_people_are_not_slowed_down(limited: Mailroom) -> None:
    for _ in range(6):
        await limited.ben.types(MAIL, "/mail help")
    assert TOO_FAST in (await limited.ben.types(MAIL, "/mail help")).text
    assert "Asked for" in (await limited.ana.types(MAIL, CREATE)).text


@a_few_a_minute
async def test_after_a_minute_a_person_may_go_on(limited: Mailroom) -> None:
    for _ in range(6):
        await limited.ben.types(MAIL, "/mail help")
    await limited.clock_ahead(seconds=59)
    assert TOO_FAST in (await limited.ben.types(MAIL, "/mail help")).text
    await limited.clock_ahead(seconds=2)
    assert TOO_FAST not in (await limited.ben.types(MAIL, "/mail help")).text


@a_few_a_minute
async def test_clicks_and_mentions_count_as_well(limited: Mailroom) -> None:
    await limited.ben.types(MAIL, "/mail domain list")
    page = await limited.private(limited.ben, "1 domain")
    for _ in range(4):
        await limited.ben.clicks(page, "Get CSV")
    await limited.ben.clicks(page, "Get CSV")
    await limited.private(limited.ben, TOO_FAST)
    await limited.ben.mentions(MAIL, "mailbox create john@example.com")
    await limited.at_rest()
    assert await limited.mailapi.creates() == []


async def test_each_of_many_clicks_at_once_is_answered(gated: Mailroom) -> None:
    await gated.ben.types(MAIL, "/mail domain create new.example")
    root = await gated.root(gated.ana, "Waiting for approval")
    await gated.slack.at_once(*[gated.ben.clicking(root, "Approve") for _ in range(40)])

    async def answers() -> bool:
        return sum("Only approvers may decide this" in text for text in await privately(gated)) == 40

    await gated.until(answers, "an answer to each click")


@pytest.mark.parametrize("limits", [{"mailroom_commands_a_minute": 5}], ids=["5 a minute"])
async def test_what_was_refused_is_not_counted(limited: Mailroom) -> None:
    for _ in range(20):
        await limited.ben.types(MAIL, "/mail help")
    await limited.clock_ahead(seconds=61)
    assert TOO_FAST not in (await limited.ben.types(MAIL, "/mail help")).text


async def test_six_hundred_commands_a_minute_and_five_thousand_requests_are_what_is_set(outside: Mailroom) -> None:
    assert outside.settings.mailroom_commands_a_minute == 600
    assert outside.settings.mailroom_open_requests == 5_000


@two_open
async def test_more_open_requests_than_a_workspace_may_have_are_answered_kindly(limited: Mailroom) -> None:
    await limited.mailapi.hold_queue()
    for n in range(2):
        assert "Asked for" in (await limited.ben.types(MAIL, f"/mail mailbox create john{n}@example.com")).text
    for person in (limited.ben, limited.ana):
        ack = await person.types(MAIL, CREATE)
        assert f"2 {TOO_MANY}" in ack.text
        assert "Ask again" in ack.text
    await limited.made("create_mailbox_single", 2)
    assert len(await limited.roots(limited.ana)) == 2
    assert len(await limited.mailapi.creates()) == 2


@two_open
async def test_lists_are_answered_however_much_is_open(limited: Mailroom) -> None:
    await limited.mailapi.hold_queue()
    for n in range(2):
        await limited.ben.types(MAIL, f"/mail mailbox create john{n}@example.com")
    await limited.ben.types(MAIL, "/mail domain list")
    await limited.private(limited.ben, "1 domain")
    assert "2 requests" in (await limited.ben.types(MAIL, "/mail status")).text


@two_open
async def test_when_one_has_ended_there_is_room_for_another(limited: Mailroom) -> None:
    await limited.mailapi.hold_queue()
    for n in range(2):
        await limited.ben.types(MAIL, f"/mail mailbox create john{n}@example.com")
    assert TOO_MANY in (await limited.ben.types(MAIL, CREATE)).text
    await limited.mailapi.release_queue()
    for n in range(2):
        await limited.root(limited.ana, "Done", f"john{n}@example.com")
    assert "Asked for" in (await limited.ben.types(MAIL, CREATE)).text


@two_open
async def test_a_form_that_is_one_too_many_says_so_and_keeps_what_was_typed(limited: Mailroom) -> None:
    await limited.mailapi.hold_queue()
    for n in range(2):
        await limited.ben.types(MAIL, f"/mail mailbox create john{n}@example.com")
    await limited.ben.types(MAIL, "/mail domain create")
    await limited.ben.fills(Domain="new.example")
    errors = await limited.ben.submits()
    assert TOO_MANY in errors["Domain"]
    assert (await limited.form(limited.ben)).values == {"Domain": "new.example"}


async def test_a_thousand_and_one_mailboxes_are_refused_with_the_advice_to_split(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 1001")
    assert "1,000" in ack.text
    assert "plit" in ack.text
    await mailroom.at_rest()
    assert await mailroom.roots(mailroom.ana) == []
    assert await mailroom.mailapi.creates() == []


async def test_a_thousand_and_one_mailboxes_are_refused_in_the_form_as_well(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team")
    await mailroom.ben.fills(**{"How many": "1001"})
    errors = await mailroom.ben.submits()
    assert "plit" in errors["How many"]
    assert await mailroom.mailapi.creates() == []


@pytest.mark.parametrize("line", [CREATE, BULK, "/mail domain create new.example"], ids=["one", "many", "domain"])
async def test_the_same_command_within_seconds_asks_and_names_the_first(mailroom: Mailroom, line: str) -> None:
    await mailroom.ben.types(MAIL, line)
    ack = await mailroom.ben.types(MAIL, line)
    assert AGAIN in ack.text
    assert "as request 1" in ack.text
    assert "<!date^" in ack.text
    await mailroom.completed(mailroom.ben)
    await mailroom.at_rest()
    assert len(await mailroom.roots(mailroom.ana)) == 1
    assert len(await mailroom.mailapi.creates()) == 1


async def test_the_button_runs_it_again(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, BULK)
    await mailroom.root(mailroom.ana, "Done", "3 of 3")
    await mailroom.ben.types(MAIL, BULK)
    asked = await mailroom.private(mailroom.ben, AGAIN)
    assert asked.buttons == ["Run It Again"]
    await mailroom.ben.clicks(asked, "Run It Again")
    again = await mailroom.root(mailroom.ana, "Failed", "3 mailboxes existed already")
    await mailroom.completion(mailroom.ben, again)
    await mailroom.private(mailroom.ben, "Asked for 3 mailboxes")
    assert len(await mailroom.roots(mailroom.ana)) == 2
    assert set((await mailroom.mailapi.mailboxes()).values()) == {1}


async def test_a_button_that_slack_delivers_twice_runs_it_once(mailroom: Mailroom) -> None:
    for _ in range(2):
        await mailroom.ben.types(MAIL, CREATE)
    asked = await mailroom.private(mailroom.ben, AGAIN)
    await mailroom.slack.deliver_twice("interactive")
    await mailroom.ben.clicks(asked, "Run It Again")
    await mailroom.private(mailroom.ben, "Asked for")
    await mailroom.at_rest()
    assert len(await mailroom.roots(mailroom.ana)) == 2


async def test_a_third_time_asks_again_and_names_the_one_before(mailroom: Mailroom) -> None:
    for _ in range(2):
        await mailroom.ben.types(MAIL, CREATE)
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, AGAIN), "Run It Again")
    await mailroom.private(mailroom.ben, "Asked for")
    ack = await mailroom.ben.types(MAIL, CREATE)
    assert AGAIN in ack.text
    assert "as request 2" in ack.text


async def test_after_ten_seconds_the_same_command_is_simply_done(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, CREATE)
    await mailroom.clock_ahead(seconds=8)
    assert AGAIN in (await mailroom.ben.types(MAIL, CREATE)).text
    await mailroom.clock_ahead(seconds=3)
    assert "Asked for" in (await mailroom.ben.types(MAIL, CREATE)).text


async def test_the_same_words_of_another_person_are_no_repetition(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, CREATE)
    assert "Asked for" in (await mailroom.ana.types(MAIL, CREATE)).text


@pytest.mark.parametrize(
    "other",
    [
        "mailbox create jane@example.com",
        "mailbox create john@example.com --quota 512",
        "mailbox bulk example.com john 1",
        "domain create new.example",
    ],
)
async def test_other_words_are_no_repetition(mailroom: Mailroom, other: str) -> None:
    await mailroom.ben.types(MAIL, CREATE)
    assert "Asked for" in (await mailroom.ben.types(MAIL, f"/mail {other}")).text


async def test_what_was_refused_the_first_time_is_no_repetition(unconnected: Mailroom) -> None:
    assert "/mail connect" in (await unconnected.ben.types(MAIL, CREATE)).text
    await unconnected.connected(unconnected.ana)
    assert "Asked for" in (await unconnected.ben.types(MAIL, CREATE)).text


@pytest.mark.parametrize("line", ["domain list", "status", "help", "tasks"])
async def test_questions_may_be_repeated(mailroom: Mailroom, line: str) -> None:
    for _ in range(2):
        assert AGAIN not in (await mailroom.ben.types(MAIL, f"/mail {line}")).text
    await mailroom.at_rest()
    assert not any(AGAIN in text for text in await privately(mailroom))


@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])
async def test_what_slack_delivers_twice_is_no_repetition(mailroom: Mailroom, *, at_once: bool) -> None:
    await mailroom.slack.deliver_twice(at_once=at_once)
    await mailroom.ben.types(MAIL, CREATE)
    await mailroom.completed(mailroom.ben)
    await mailroom.at_rest()

    async def both() -> list[Any] | None:
        commands = [each for each in await mailroom.slack.envelopes("slash_commands") if "seconds" in each]
        mine = [each for each in commands if "create john" in each["payload"]["text"]]
        return mine if len(mine) == 2 else None

    for delivery in await mailroom.slack.until(both, what="two deliveries"):
        assert AGAIN not in str(delivery["ack"])
        assert "Asked for" in str(delivery["ack"])
    assert len(await mailroom.roots(mailroom.ana)) == 1


async def test_the_same_mention_in_another_thread_within_seconds_asks_too(mailroom: Mailroom) -> None:
    line = CREATE.removeprefix("/mail ")
    first = await mailroom.ben.says(MAIL, "what about john?")
    assert first.ts is not None
    await mailroom.ben.says(MAIL, f"<@{BOT}> {line}", first.ts)

    async def is_asked() -> bool:
        return len(await mailroom.ana.reads_thread(MAIL, first.ts or "")) > 1

    await mailroom.until(is_asked, "the request")
    await mailroom.ben.says(MAIL, f"<@{BOT}> {line}", first.ts)

    async def asks() -> bool:
        replies = await mailroom.ben.reads_thread(MAIL, first.ts or "")
        return any(AGAIN in reply.visible for reply in replies if reply.ephemeral)

    await mailroom.until(asks, "the question")
