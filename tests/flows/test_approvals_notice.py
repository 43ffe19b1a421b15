"""Who hears of a request that waits: called once where it is seen, directly elsewhere, reminded less and less."""

import pytest

from sandbox.slack import ANA, BEN, EVE, GENERAL, GUS, MAIL, Message, Person
from tests.flows.deciding import BULK, CAT, DAN, asks, joins, nothing_sent, refused, rejects, thread_of
from tests.flows.stage import Mailroom

GROUP = "S0CATS0001"
CALL = "waits for your decision"


async def stays_out(mailroom: Mailroom, user: str = CAT, name: str = "cat", **fields: bool) -> Person:
    """One more person, who is not in the channel."""
    return await mailroom.slack.add_user(user, name, **fields)


async def cards(person: Person) -> list[Message]:
    return [m for m in await person.direct_messages() if "Asked for by" in m.visible]


async def card(mailroom: Mailroom, person: Person, *said: str) -> Message:
    """The one card of a person who is not in the channel, once it says all of `said`."""
    await mailroom.direct(person, "Asked for by", *said)
    (found,) = await cards(person)
    return found


async def test_the_card_mentions_whom_the_policy_names_and_who_connected_and_not_every_admin(gated: Mailroom) -> None:
    await joins(gated, DAN, "dan", is_admin=True)
    await joins(gated)
    await gated.slack.add_group(GROUP, "cats", [CAT])
    await gated.lays_down(people=(CAT,), groups=(GROUP,))
    root = await asks(gated)
    asked = f"Asked: <@{CAT}>, <@{ANA}> or <!subteam^{GROUP}>. Slack's admins may also decide."
    assert asked in root.visible
    assert asked in root.text
    assert DAN not in root.text + root.visible
    await gated.at_rest()
    assert await thread_of(gated, root) == [], "the card has called them"
    assert await cards(gated.slack.person(DAN)) == []


async def test_the_card_asks_nobody_who_may_not_decide(gated: Mailroom) -> None:
    await joins(gated)
    await joins(gated, DAN, "dan")
    await gated.lays_down(people=(GUS, EVE, CAT, DAN))
    root = await asks(gated)
    await gated.at_rest()
    assert f"Asked: <@{CAT}>, <@{DAN}> or <@{ANA}>." in (await gated.root(gated.ben)).visible
    assert await thread_of(gated, root) == [], "the card has called them"
    await gated.slack.set_user(DAN, is_restricted=True)
    await gated.passes(hours=4, minutes=1)
    await gated.reply(gated.ben, root, f"<@{CAT}> <@{ANA}> Still waiting")
    await gated.at_rest()
    now = await gated.root(gated.ben)
    assert f"Asked: <@{CAT}> or <@{ANA}>." in now.visible
    assert DAN not in now.text


async def test_admins_are_named_as_deciders_only_where_they_are(gated: Mailroom) -> None:
    await gated.lays_down(admins=False)
    root = await asks(gated)
    assert "admins" not in root.visible


async def test_where_the_policy_names_nobody_but_the_asker_admins_are_called_in_the_thread(gated: Mailroom) -> None:
    await joins(gated, DAN, "dan", is_admin=True)
    root = await asks(gated, by=gated.ana)
    assert "Slack's admins may decide." in root.visible
    await gated.reply(gated.ana, root, f"<@{DAN}> This {CALL}: 25 mailboxes")
    await gated.passes(hours=1)
    assert len(await thread_of(gated, root)) == 1


async def test_an_approver_who_is_not_in_the_channel_gets_a_card_and_approves_there(gated: Mailroom) -> None:
    cat = await stays_out(gated)
    await gated.lays_down(people=(CAT,))
    root = await asks(gated)
    copy = await card(gated, cat, "Waiting for approval", "None of the 25")
    assert f"Asked for by <@{BEN}> in <#{MAIL}>, where you are not" in copy.visible
    assert copy.buttons == ["Approve", "Reject", "Cancel"]
    await cat.clicks(copy, "Approve")
    await gated.private(cat, "Approved. It is carried out now", channel=cat.dm)
    await gated.root(gated.ben, "Done", f"Approved by <@{CAT}>")
    done = await card(gated, cat, "Done", f"Approved by <@{CAT}>")
    assert (done.ts, done.buttons) == (copy.ts, [])
    await gated.reply(gated.ben, root, f"<@{BEN}> Approved by <@{CAT}>")
    assert len(await cards(cat)) == 1


async def test_all_copies_change_together_and_an_old_one_is_too_late(gated: Mailroom) -> None:
    cat, dan = await stays_out(gated), await stays_out(gated, DAN, "dan")
    await gated.lays_down(people=(CAT, DAN))
    root = await asks(gated)
    copies = [await card(gated, person, "Waiting") for person in (cat, dan)]
    await rejects(gated, gated.ana, root)
    for person, copy in zip((cat, dan), copies, strict=True):
        changed = await card(gated, person, f"Rejected by <@{ANA}>", "Not ours")
        assert (changed.ts, changed.buttons) == (copy.ts, [])
    await cat.clicks(copies[0], "Approve")
    await gated.private(cat, f"Too late. Rejected by <@{ANA}>", channel=cat.dm)
    assert (CAT, "approved", "too late") in await refused(gated)
    await nothing_sent(gated)


async def test_a_rejection_from_a_copy_is_told_where_the_copy_is_and_in_the_thread(gated: Mailroom) -> None:
    cat = await stays_out(gated)
    await gated.lays_down(people=(CAT,))
    root = await asks(gated)
    copy = await card(gated, cat, "Waiting")
    await cat.clicks(copy, "Reject")
    await gated.form(cat, "Nothing will be created")
    await cat.closes()
    await gated.private(cat, "you have not rejected 25 mailboxes", "still waits", channel=cat.dm)
    await rejects(gated, cat, copy)
    await gated.root(gated.ben, f"Rejected by <@{CAT}>", "Not ours")
    await gated.reply(gated.ben, root, f"<@{BEN}> Rejected by <@{CAT}>")


async def test_the_people_of_a_group_who_are_not_in_the_channel_get_cards(gated: Mailroom) -> None:
    cat = await stays_out(gated)
    dan = await joins(gated, DAN, "dan")
    await gated.slack.add_group(GROUP, "cats", [CAT, DAN])
    await gated.lays_down(groups=(GROUP,))
    await asks(gated)
    await card(gated, cat, "Waiting")
    await gated.at_rest()
    assert await cards(dan) == []


async def test_progress_is_shown_in_the_channel_alone(gated: Mailroom) -> None:
    cat = await stays_out(gated)
    await gated.lays_down(people=(CAT,))
    await asks(gated)
    copy = await card(gated, cat, "Waiting")
    await gated.mailapi.hold_queue()
    await cat.clicks(copy, "Approve")
    await gated.root(gated.ben, "Approved by")
    await gated.made("create_mailbox_bulk")
    before = (await cards(cat))[0]
    assert "of 25" not in before.text
    assert before.buttons == []
    await gated.mailapi.release_queue()
    await card(gated, cat, "Done", "25 of 25")


@pytest.mark.parametrize("place", ["a channel without the bot", "the direct message with the bot"])
async def test_where_only_the_asker_sees_the_request_approvers_get_cards(gated: Mailroom, place: str) -> None:
    cat = await stays_out(gated)
    await gated.lays_down(people=(CAT,))
    channel = GENERAL if place.startswith("a channel") else gated.ben.dm
    assert (await gated.ben.types(channel, BULK)).ok
    root = await gated.direct(gated.ben, "Waiting for approval")
    where = f"<#{GENERAL}>, where Mailroom cannot post" if channel == GENERAL else "a direct message"
    said = f"Asked for by <@{BEN}> in {where}"
    for person in (cat, gated.ana):
        copy = await card(gated, person, "Waiting for approval", said)
        assert copy.buttons == ["Approve", "Reject", "Cancel"]
    await gated.ana.clicks((await cards(gated.ana))[0], "Approve")
    await gated.reply(gated.ben, root, f"<@{BEN}> Approved by <@{ANA}>")
    await card(gated, cat, "Done", f"Approved by <@{ANA}>")
    await gated.direct(gated.ben, "Done")


async def test_where_the_channel_is_archived_meanwhile_approvers_get_cards(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT,), needed=2)
    await joins(gated)
    root = await asks(gated)
    await gated.at_rest()
    await gated.slack.archive(MAIL)
    await gated.ana.clicks(root, "Approve")
    cat = gated.slack.person(CAT)
    copy = await card(gated, cat, "1 of 2")
    await cat.clicks(copy, "Approve")
    await gated.direct(gated.ben, "Done", f"Approved by <@{ANA}> and <@{CAT}>")


async def test_reminders_come_less_and_less_often_and_only_to_those_who_have_not_decided(gated: Mailroom) -> None:
    await gated.lays_down(people=(CAT, DAN), needed=2, expires_after_hours=48)
    await joins(gated)
    dan = await stays_out(gated, DAN, "dan")
    root = await asks(gated)
    await card(gated, dan, "Waiting")
    await gated.ana.clicks(root, "Approve")
    await gated.root(gated.ben, "1 of 2")
    reminders = []
    for _ in range(47):
        await gated.passes(hours=1)
        await gated.at_rest()
        in_thread = [said for said in await thread_of(gated, root) if "Still waiting" in said]
        directly = [m for m in await dan.direct_messages() if CALL in m.visible]
        reminders.append((len(in_thread), len(directly)))
    assert [hour for hour in range(1, 48) if reminders[hour - 1] != ([(0, 0), *reminders])[hour - 1]] == [4, 12, 28]
    assert reminders[-1] == (3, 3)
    last = await gated.reply(
        gated.ben, root, f"<@{CAT}> Still waiting for a decision: 25 mailboxes", "It expires <!date"
    )
    assert not {ANA, BEN} & {user for user in (ANA, BEN) if user in last.visible}


async def test_reminders_can_be_switched_off(gated: Mailroom) -> None:
    await gated.lays_down(remind_after_hours=0)
    root = await asks(gated)
    for _ in range(4):
        await gated.passes(hours=5)
    assert await thread_of(gated, root) == []
    await gated.passes(hours=5)
    await gated.root(gated.ben, "Expired")


async def test_nobody_is_reminded_of_what_has_ended(gated: Mailroom) -> None:
    root = await asks(gated)
    await gated.ben.clicks(root, "Cancel")
    await gated.root(gated.ben, "Cancelled")
    await gated.passes(hours=25)
    assert len(await thread_of(gated, root)) == 1


async def test_after_a_second_look_those_with_a_card_are_told_below_it(gated: Mailroom) -> None:
    cat = await stays_out(gated)
    await gated.lays_down(people=(CAT,))
    root = await asks(gated)
    copy = await card(gated, cat, "Waiting")
    await gated.mailapi.add_mailbox("Q7f3Kp9Zx2Lm5Nv8Rt1Wy4Bc6Dg0Hj3S", "team3@example.com")
    await gated.ana.clicks(root, "Approve")
    await gated.direct(cat, f"This {CALL}", "25 mailboxes")
    changed = await card(gated, cat, "Waiting for approval", "1 of 25 mailboxes exist already")
    await cat.clicks(copy, "Approve")
    await gated.private(cat, "so nothing was decided", "`team3@example.com`", channel=cat.dm)
    await cat.clicks(changed, "Approve")
    await gated.root(gated.ben, "24 of 25", f"Approved by <@{CAT}>")


async def test_slack_that_does_not_say_who_is_to_be_called_is_asked_again(gated: Mailroom) -> None:
    cat = await stays_out(gated)
    await gated.lays_down(people=(CAT,))
    await gated.slack.fault("conversations.members", "ratelimited", retry_after=1)
    await gated.slack.fault("users.info", "error", where={"user": CAT})
    await gated.ben.types(MAIL, BULK)
    await gated.root(gated.ben, "Waiting")
    for _ in range(3):
        await gated.passes(seconds=3)
    await card(gated, cat, "Waiting")
    await gated.at_rest()
    assert len(await cards(cat)) == 1


async def test_a_card_whose_answer_was_lost_is_not_posted_a_second_time(gated: Mailroom) -> None:
    cat = await stays_out(gated)
    await gated.lays_down(people=(CAT,))
    await gated.slack.fault("chat.postMessage", "drop_after", where={"channel": cat.dm})
    root = await asks(gated)
    await gated.direct(cat, "Asked for by")
    await gated.passes(seconds=11)
    await gated.ana.clicks(root, "Approve")
    await card(gated, cat, "Done")


async def test_a_request_asked_in_a_thread_is_decided_and_talked_about_there(gated: Mailroom) -> None:
    question = await gated.ben.says(MAIL, "Who sets up the new team?")
    await gated.ben.mentions(MAIL, BULK.removeprefix("/mail "), question.ts)

    async def find() -> Message | None:
        thread = await gated.ana.reads_thread(MAIL, str(question.ts))
        return next((m for m in thread if "Waiting for approval" in m.visible and not m.ephemeral), None)

    root = await gated.slack.until(find, what="the card in the thread")
    await gated.passes(hours=5)
    await gated.at_rest()
    await gated.ana.clicks(root, "Approve")

    async def done() -> bool:
        said = [m.visible for m in await gated.ben.reads_thread(MAIL, str(question.ts))]
        wanted = (f"<@{ANA}> Still waiting", f"<@{BEN}> Approved by <@{ANA}>", f"<@{BEN}> 25 mailboxes")
        return all(any(text.startswith(each) for text in said) for each in wanted)

    await gated.until(done, "the reminder, the approval and the completion in the thread")
