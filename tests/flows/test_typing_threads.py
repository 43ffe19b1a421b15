"""Commands in threads: by mentioning the bot, and by the shortcut of a message."""

from typing import Any

import pytest

from bot.listeners.register import CREATE_HERE
from sandbox.slack import BEN, BOT, EVE, GENERAL, GUS, MAIL, Message
from sandbox.slack.person import Person
from tests.flows.stage import KEY, Mailroom

both_ways = pytest.mark.parametrize("mode", ["socket", "http"])

HELP = "/mail mailbox bulk"


async def written(person: Person, text: str = "We need mailboxes for the new team.") -> Message:
    """A message that somebody wrote in the channel."""
    ts = (await person.says(MAIL, text)).ts
    return next(m for m in await person.sees(MAIL) if m.ts == ts)


async def seen(person: Person, thread: Message) -> list[Message]:
    """The bot's messages in a thread that everybody sees."""
    return [m for m in await person.reads_thread(MAIL, thread.ts) if m.user == BOT and not m.ephemeral]


async def root_in(mailroom: Mailroom, thread: Message, *said: str) -> Message:
    """The request's root message, which is a reply in the thread."""

    async def find() -> Message | None:
        found = [m for m in await seen(mailroom.ana, thread) if "Asked for by" in m.visible]
        assert len(found) < 2, found
        return next((m for m in found if all(word in m.visible for word in said)), None)

    return await mailroom.slack.until(find, what=f"a root in the thread saying {said}")


async def completion_in(mailroom: Mailroom, thread: Message, asker: str = BEN) -> Message:
    """The message in the thread that tells the end, of which there is one."""

    async def find() -> Message | None:
        replies = [m for m in await seen(mailroom.ana, thread) if "Asked for by" not in m.visible]
        found = [m for m in replies if m.text.startswith(f"<@{asker}> ")]
        assert len(found) < 2, found
        return found[0] if found else None

    return await mailroom.slack.until(find, what="a completion in the thread")


async def whispered(mailroom: Mailroom, person: Person, thread: Message, *said: str) -> Message:
    """The newest reply in the thread that only this person sees and that says all of `said`."""

    async def find() -> Message | None:
        replies = [m for m in await person.reads_thread(MAIL, thread.ts) if m.ephemeral]
        return next((m for m in reversed(replies) if all(word in m.visible for word in said)), None)

    return await mailroom.slack.until(find, what=f"a private reply saying {said}")


async def outside_threads(mailroom: Mailroom) -> list[Message]:
    """What the bot has said in the channel for everybody."""
    return [m for m in await mailroom.roots(mailroom.ana) if m.user == BOT]


@both_ways
async def test_a_mention_in_a_thread_is_a_command_whose_request_lives_there(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ana)
    await mailroom.mailapi.hold_queue()
    ack = await mailroom.ben.mentions(MAIL, "mailbox bulk example.com team 3", thread.ts)
    assert ack.ok
    await whispered(mailroom, mailroom.ben, thread, "Asked for 3 mailboxes", "in this thread")
    before = await root_in(mailroom, thread, "In progress", f"<@{BEN}>")
    await mailroom.mailapi.release_queue()
    after = await root_in(mailroom, thread, "Done", "3 of 3")
    assert (after.ts, after.thread_ts) == (before.ts, thread.ts)
    assert after.edited
    completion = await completion_in(mailroom, thread)
    assert "team3@example.com | Created successfully." in completion.visible
    await mailroom.at_rest()
    assert len(await seen(mailroom.ana, thread)) == 2
    assert await outside_threads(mailroom) == []
    assert await mailroom.mailapi.mailboxes() == {f"team{n}@example.com": 1 for n in (1, 2, 3)}


async def test_a_mention_that_begins_a_thread_is_a_command_whose_request_lives_below_it(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ben, f"<@{BOT}> mailbox create john@example.com")
    root = await root_in(mailroom, thread, "Done", "john@example.com")
    assert root.thread_ts == thread.ts
    assert "created" in (await completion_in(mailroom, thread)).visible
    await mailroom.private(mailroom.ben, "Asked for mailbox", "in this thread")
    assert await outside_threads(mailroom) == []


async def test_typed_text_is_undone_in_a_mention_as_well(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ana)
    line = "Mailbox Create <mailto:John@Example.com|John@Example.com> —name “John Doe” —quota 1GB"
    await mailroom.ben.mentions(MAIL, line, thread.ts)
    await root_in(mailroom, thread, "Done", "John Doe")
    (create,) = await mailroom.asked("create_mailbox_single")
    assert create["Params"] == {"display_name": "John Doe", "quota_mb": 1024}


MANNERS = {
    "colon": f"<@{BOT}>: mailbox create john@example.com",
    "comma": f"<@{BOT}>, Mailbox create john@example.com",
    "slash": f"<@{BOT}> /mail mailbox create john@example.com",
    "line": f"<@{BOT}>\nmailbox create john@example.com",
    "name at the end": f"mailbox create john@example.com <@{BOT}>",
}


@pytest.mark.parametrize("text", MANNERS.values(), ids=MANNERS.keys())
async def test_a_mention_may_stand_as_people_write_to_each_other(mailroom: Mailroom, text: str) -> None:
    thread = await written(mailroom.ana)
    await mailroom.ben.says(MAIL, text, thread.ts)
    await root_in(mailroom, thread, "Done", "john@example.com")


async def test_two_requests_may_live_in_one_thread(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ana)
    for name in ("john", "jane"):
        await mailroom.ben.mentions(MAIL, f"mailbox create {name}@example.com", thread.ts)

    async def both() -> bool:
        replies = await seen(mailroom.ana, thread)
        return len(replies) == 4 and sum("Done" in m.visible for m in replies) == 2

    await mailroom.until(both, "two roots and two ends")


async def test_a_thread_that_is_gone_gives_way_to_a_direct_message(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ana)
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.mentions(MAIL, "mailbox create john@example.com", thread.ts)
    await root_in(mailroom, thread, "In progress")
    await mailroom.slack.remove_bot(MAIL)
    await mailroom.mailapi.release_queue()
    moved = await mailroom.direct(mailroom.ben, "Done", f"can no longer post in <#{MAIL}>")
    await mailroom.completion(mailroom.ben, moved)


async def test_one_whose_answer_was_lost_on_the_way_there_is_not_posted_a_second_time(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ana)
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.mentions(MAIL, "mailbox create john@example.com", thread.ts)
    await root_in(mailroom, thread, "In progress")
    await mailroom.slack.fault("chat.postMessage", "drop_after", where={"channel": mailroom.ben.dm})
    await mailroom.slack.remove_bot(MAIL)
    await mailroom.mailapi.release_queue()
    await mailroom.exists("john@example.com")
    for _ in range(3):
        await mailroom.passes(seconds=15)
    moved = await mailroom.direct(mailroom.ben, "Done", f"can no longer post in <#{MAIL}>")
    await mailroom.completion(mailroom.ben, moved)
    await mailroom.at_rest()
    assert len(await mailroom.ben.direct_messages()) == 1


LISTS = {
    "domains": ("domain list", ("1 domain", "example.com | verified")),
    "mailboxes": ("mailbox list example.com", ("1 mailbox", "kim@example.com")),
    "status": ("status", ("Connected with the key ending",)),
    "tasks": ("tasks", ("Nobody has asked for anything yet that you may see",)),
    "help": ("help mailbox", ("/mail mailbox bulk",)),
}


@pytest.mark.parametrize(("line", "said"), LISTS.values(), ids=LISTS.keys())
async def test_a_question_by_mention_is_answered_privately_in_the_thread(
    mailroom: Mailroom, line: str, said: tuple[str, ...]
) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "kim@example.com")
    thread = await written(mailroom.ana)
    await mailroom.ben.mentions(MAIL, line, thread.ts)
    await whispered(mailroom, mailroom.ben, thread, *said)
    assert await seen(mailroom.ana, thread) == []
    assert [m for m in await mailroom.ana.reads_thread(MAIL, thread.ts) if m.ephemeral] == []
    assert await outside_threads(mailroom) == []


async def test_what_is_wrong_with_a_mention_is_said_privately_in_the_thread(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ana)
    await mailroom.ben.mentions(MAIL, "mailbox bulk example.com team many", thread.ts)
    answer = await whispered(mailroom, mailroom.ben, thread, "`many` is not a number", "Example")
    assert answer.buttons == ["Open Form"]
    assert await seen(mailroom.ana, thread) == []


BEGINNINGS = {"in a thread": True, "beginning a thread": False}


@pytest.mark.parametrize("in_thread", BEGINNINGS.values(), ids=BEGINNINGS.keys())
@pytest.mark.parametrize("line", ["mailbox bulk example.com team", "mailbox bulk example.com team many"])
async def test_a_form_that_a_mention_offers_makes_a_request_that_lives_in_the_mentions_thread(
    mailroom: Mailroom, line: str, *, in_thread: bool
) -> None:
    if in_thread:
        thread = await written(mailroom.ana)
        await mailroom.ben.mentions(MAIL, line, thread.ts)
        offered = await whispered(mailroom, mailroom.ben, thread)
    else:
        thread = await written(mailroom.ben, f"<@{BOT}> {line}")
        offered = await mailroom.private(mailroom.ben)
    await mailroom.ben.clicks(offered, "Open Form")
    form = await mailroom.form(mailroom.ben)
    assert form.values == {"Domain": "example.com", "Prefix": "team", "How many": None, "Quota of each": None}
    await mailroom.ben.fills(**{"How many": "2"})
    assert await mailroom.ben.submits() == {}
    await root_in(mailroom, thread, "Done", "2 of 2")
    await completion_in(mailroom, thread)
    assert await outside_threads(mailroom) == []


async def test_a_repeated_mention_asks_first_and_then_lives_in_the_same_thread(mailroom: Mailroom) -> None:
    line = f"<@{BOT}> mailbox create john@example.com"
    await written(mailroom.ben, line)
    thread = await written(mailroom.ben, line)
    again = await mailroom.private(mailroom.ben, "Run it again?")
    assert await seen(mailroom.ana, thread) == []
    await mailroom.ben.clicks(again, "Run It Again")
    await root_in(mailroom, thread, "john@example.com")


@both_ways
async def test_the_shortcut_of_a_message_opens_the_form_for_its_thread(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ana)
    await mailroom.ben.shortcut(thread, CREATE_HERE)
    form = await mailroom.form(mailroom.ben)
    assert form.title == "Create mailboxes"
    await mailroom.ben.fills(**{"Domain": "example.com", "Prefix": "team", "How many": "2"})
    assert await mailroom.ben.submits() == {}
    await root_in(mailroom, thread, "Done", "2 of 2", f"<@{BEN}>")
    assert "2 mailboxes" in (await completion_in(mailroom, thread)).visible
    assert await outside_threads(mailroom) == []


async def test_the_shortcut_of_a_reply_means_the_thread_that_it_stands_in(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ana)
    ts = (await mailroom.ana.says(MAIL, "Two will do.", thread.ts)).ts
    reply = next(m for m in await mailroom.ben.reads_thread(MAIL, thread.ts) if m.ts == ts)
    await mailroom.ben.shortcut(reply, CREATE_HERE)
    await mailroom.ben.fills(**{"Domain": "example.com", "Prefix": "team", "How many": "2"})
    assert await mailroom.ben.submits() == {}
    root = await root_in(mailroom, thread, "Done", "2 of 2")
    assert root.thread_ts == thread.ts


async def test_the_shortcut_where_the_bot_is_not_goes_on_in_a_direct_message(mailroom: Mailroom) -> None:
    ts = (await mailroom.ana.says(GENERAL, "We need mailboxes.")).ts
    message = next(m for m in await mailroom.ben.sees(GENERAL) if m.ts == ts)
    await mailroom.ben.shortcut(message, CREATE_HERE)
    await mailroom.ben.fills(**{"Domain": "example.com", "Prefix": "team", "How many": "2"})
    assert await mailroom.ben.submits() == {}
    root = await mailroom.direct(mailroom.ben, "Done", f"cannot post in <#{GENERAL}>")
    await mailroom.completion(mailroom.ben, root)


async def test_the_shortcut_says_how_to_connect_before_anybody_has(unconnected: Mailroom) -> None:
    thread = await written(unconnected.ana)
    await unconnected.ben.shortcut(thread, CREATE_HERE)
    answer = await unconnected.private(unconnected.ben, "/mail connect")
    await unconnected.ben.clicks(answer, "Connect MailAPI")
    assert (await unconnected.form(unconnected.ben)).inputs == ["API key", "Caller id"]


async def test_a_mention_says_how_to_connect_before_anybody_has(unconnected: Mailroom) -> None:
    thread = await written(unconnected.ana)
    await unconnected.ben.mentions(MAIL, "mailbox create john@example.com", thread.ts)
    answer = await whispered(unconnected, unconnected.ben, thread, "/mail connect")
    await unconnected.ben.clicks(answer, "Connect MailAPI")
    assert (await unconnected.form(unconnected.ben)).inputs == ["API key", "Caller id"]


TALK = {
    "thanks": "thank you!",
    "nothing": "",
    "a question": "can you make me a mailbox?",
    "the command in mid-sentence": "please run mailbox bulk example.com team 3",
}


@pytest.mark.parametrize("text", TALK.values(), ids=TALK.keys())
@pytest.mark.parametrize("at_once", [None, False, True], ids=["once", "twice", "twice at once"])
async def test_a_mention_that_is_not_a_command_is_answered_once_with_help(
    mailroom: Mailroom, text: str, *, at_once: bool | None
) -> None:
    thread = await written(mailroom.ana)
    if at_once is not None:
        await mailroom.slack.deliver_twice("events_api", at_once=at_once)
    await mailroom.ben.mentions(MAIL, text, thread.ts)
    await whispered(mailroom, mailroom.ben, thread, HELP)
    await mailroom.at_rest()
    assert len([m for m in await mailroom.ben.reads_thread(MAIL, thread.ts) if m.ephemeral]) == 1
    assert await seen(mailroom.ana, thread) == []


@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])
async def test_a_mention_that_comes_twice_is_one_request(mailroom: Mailroom, *, at_once: bool) -> None:
    thread = await written(mailroom.ana)
    await mailroom.slack.deliver_twice("events_api", at_once=at_once)
    await mailroom.ben.mentions(MAIL, "mailbox create john@example.com", thread.ts)
    await root_in(mailroom, thread, "Done")
    await completion_in(mailroom, thread)
    await mailroom.at_rest()
    assert len(await seen(mailroom.ana, thread)) == 2
    assert len(await mailroom.mailapi.creates()) == 1


@both_ways
async def test_an_event_that_slack_delivers_again_is_answered_by_the_first_answer(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ana)
    await mailroom.ben.mentions(MAIL, "thank you!", thread.ts)
    await whispered(mailroom, mailroom.ben, thread, "/mail mailbox bulk")
    event = (await mailroom.slack.envelopes("events_api"))[-1]["payload"]
    assert (await mailroom.slack.request(event)).ok
    await mailroom.at_rest()
    assert len([m for m in await mailroom.ben.reads_thread(MAIL, thread.ts) if m.ephemeral]) == 1


ROBOTS: dict[str, dict[str, Any]] = {
    "with an author": {"bot_id": "B0OTHER001", "user": "U0ROBOT001"},
    "without an author": {"bot_id": "B0OTHER001", "user": None},
    "of the old kind": {"subtype": "bot_message", "user": None},
}


@pytest.mark.parametrize("change", ROBOTS.values(), ids=ROBOTS.keys())
async def test_what_other_bots_say_is_acknowledged_and_left_alone(mailroom: Mailroom, change: dict[str, Any]) -> None:
    await mailroom.ben.mentions(MAIL, "thank you!")
    await mailroom.private(mailroom.ben, "/mail mailbox bulk")
    await mailroom.at_rest()
    payload = (await mailroom.slack.envelopes("events_api"))[-1]["payload"]
    calls = len(await mailroom.slack.calls())
    for number, text in enumerate(("mailbox create john@example.com", "hello")):
        event = {**payload["event"], "text": f"<@{BOT}> {text}", **change}
        event = {name: value for name, value in event.items() if value is not None}
        assert (await mailroom.slack.request({**payload, "event": event, "event_id": f"Ev0ROBOT{number}"})).ok
    await mailroom.at_rest()
    assert len(await mailroom.slack.calls()) == calls
    assert await mailroom.mailapi.creates() == []


OTHERS = {"guest": GUS, "outsider": EVE}


@pytest.mark.parametrize("user", OTHERS.values(), ids=OTHERS.keys())
async def test_a_mention_by_somebody_who_may_do_nothing_is_refused_privately(mailroom: Mailroom, user: str) -> None:
    thread = await written(mailroom.ana)
    person = mailroom.slack.person(user)
    asked = await mailroom.mailapi.requests()
    for line in ("mailbox create john@example.com", "mailbox bulk example.com team", "domain list", "status"):
        before = len([m for m in await person.reads_thread(MAIL, thread.ts) if m.ephemeral])
        await person.mentions(MAIL, line, thread.ts)

        async def told(before: int = before) -> bool:
            replies = [m for m in await person.reads_thread(MAIL, thread.ts) if m.ephemeral]
            return len(replies) > before and "cannot use Mailroom" in replies[-1].visible

        await mailroom.until(told, f"a refusal of {line}")
    await mailroom.at_rest()
    assert await mailroom.mailapi.requests() == asked
    assert await seen(mailroom.ana, thread) == []


async def test_the_shortcut_of_a_guest_is_refused_privately(mailroom: Mailroom) -> None:
    thread = await written(mailroom.ana)
    gus = mailroom.slack.person(GUS)
    await gus.shortcut(thread, CREATE_HERE)
    await mailroom.private(gus, "cannot use Mailroom")
    assert await gus.view() is None
