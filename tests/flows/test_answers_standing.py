"""`/mail status` and `/mail tasks`: how the workspace stands, told to one person."""

import re

import pytest

from sandbox.slack import ANA, BEN, GUS, MAIL
from tests.flows.stage import CALLER_ID, KEY, Mailroom

MOMENT = r"<!date\^[0-9]+\^[^|>]+\|[0-9-]+ [0-9:]+ UTC>"


async def status(mailroom: Mailroom) -> str:
    return (await mailroom.ben.types(MAIL, "/mail status")).text


async def test_status_tells_the_connection(mailroom: Mailroom) -> None:
    text = await status(mailroom)
    assert f"key ending `{KEY[-4:]}`, caller id {CALLER_ID}." in text
    assert re.search(rf"Connected by <@{ANA}> {MOMENT}", text)
    assert re.search(rf"MailAPI last answered {MOMENT}", text)
    assert KEY not in text
    assert "0 requests" in text


async def test_status_tells_when_mailapi_was_polled_last(mailroom: Mailroom) -> None:
    assert "Nothing has been polled yet" in await status(mailroom)
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    await mailroom.completed(mailroom.ben)
    assert re.search(rf"Last poll {MOMENT}", await status(mailroom))


async def test_a_key_that_mailapi_refuses_stands_in_the_status(mailroom: Mailroom) -> None:
    await mailroom.mailapi.forget_key(KEY)
    await mailroom.ben.types(MAIL, "/mail domain list")
    await mailroom.private(mailroom.ben, "refuses the key")
    assert f"MailAPI refuses the key ending `{KEY[-4:]}`" in await status(mailroom)


async def test_status_tells_what_is_under_way(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3")
    await mailroom.ana.types(MAIL, "/mail mailbox create john@example.com")
    await mailroom.made("create_mailbox_bulk")
    await mailroom.made("create_mailbox_single")
    text = await status(mailroom)
    assert "2 requests, 2 of their calls with MailAPI" in text
    assert "3 mailboxes at `example.com`: in progress, 0 of 3" in text
    assert "mailbox `john@example.com`: in progress" in text
    await mailroom.mailapi.release_queue()
    for said in ("3 of 3", "john@example.com"):
        await mailroom.root(mailroom.ana, "Done", said)
    assert "0 requests" in await status(mailroom)


async def test_more_than_can_be_read_is_counted_in_the_status(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    for n in range(12):
        await mailroom.ben.types(MAIL, f"/mail mailbox create john{n}@example.com")
    text = await status(mailroom)
    assert "12 requests" in text
    assert "and 2 more" in text


async def test_status_tells_a_window_of_sub_domains_with_its_time(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail subdomain create example.com team")
    await mailroom.root(mailroom.ana, "Done", "team.example.com")
    assert re.search(rf"Sub-domains of `example\.com`.* {MOMENT}", await status(mailroom))
    await mailroom.ben.types(MAIL, "/mail subdomain create example.com support")
    await mailroom.clock_ahead(seconds=3)
    await mailroom.root(mailroom.ana, "Waiting", "support.example.com")
    assert len(re.findall(rf"Sub-domains of `example\.com`.* {MOMENT}", await status(mailroom))) == 1
    await mailroom.mailapi.advance_clock(3700)
    await mailroom.passes(minutes=61)
    await mailroom.root(mailroom.ana, "Done", "support.example.com")
    await mailroom.passes(minutes=61)
    assert "Sub-domains of" not in await status(mailroom)


@pytest.mark.parametrize("line", ["status", "tasks"])
async def test_a_guest_is_told_nothing(mailroom: Mailroom, line: str) -> None:
    ack = await mailroom.slack.person(GUS).types(MAIL, f"/mail {line}")
    assert "Guests" in ack.text
    assert KEY[-4:] not in ack.text


async def test_status_before_anybody_has_connected_says_how_to(unconnected: Mailroom) -> None:
    assert "`/mail connect`" in await status(unconnected)


async def test_tasks_are_the_recent_requests_with_state_age_and_a_link_to_the_thread(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3")
    done = await mailroom.root(mailroom.ana, "Done")
    await mailroom.mailapi.hold_queue()
    await mailroom.ana.types(MAIL, "/mail mailbox create john@example.com")
    running = await mailroom.root(mailroom.ana, "In progress")
    await mailroom.at_rest()
    await mailroom.ben.types(MAIL, "/mail tasks")
    told = await mailroom.private(mailroom.ben, "Recent requests")
    newest, oldest = [line for line in told.visible.splitlines() if line.startswith("•")]
    assert "mailbox `john@example.com`: in progress" in newest
    assert "3 mailboxes at `example.com`: done, 3 of 3" in oldest
    for line, asker, root in ((newest, ANA, running), (oldest, BEN, done)):
        assert f"asked by <@{asker}>" in line
        assert re.search(r"<!date\^[0-9]+\^\{ago\}\|", line)
        assert re.search(rf"<https?://[^|]*/{root.channel}/p{root.ts.replace('.', '')}[^|]*\|thread>", line), line


async def test_tasks_mine_are_those_of_the_person_who_asks(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox create ben@example.com")
    await mailroom.ana.types(MAIL, "/mail mailbox create ana@example.com")
    for name in ("ben", "ana"):
        await mailroom.root(mailroom.ana, "Done", f"{name}@example.com")
    await mailroom.ben.types(MAIL, "/mail tasks mine")
    told = await mailroom.private(mailroom.ben, "Your recent requests", "ben@example.com")
    assert "ana@example.com" not in told.visible


async def test_twenty_tasks_are_shown_whole(mailroom: Mailroom) -> None:
    names = [f"somebody-with-a-rather-long-name-{n:02}" for n in range(21)]
    for name in names:
        await mailroom.ben.types(MAIL, f"/mail mailbox create {name}@example.com")
    for name in names:
        await mailroom.root(mailroom.ana, "Done", name)
    await mailroom.at_rest()  # where a message stands is known a moment later than it stands there
    await mailroom.ben.types(MAIL, "/mail tasks")
    told = await mailroom.private(mailroom.ben, "Recent requests")
    lines = [line for line in told.visible.splitlines() if line.startswith("•")]
    assert len(lines) == 20
    assert all(line.endswith("|thread>") for line in lines)
    assert names[0] not in told.visible


async def test_a_request_whose_thread_is_gone_is_listed_without_a_link(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    root = await mailroom.root(mailroom.ana, "Done")
    await mailroom.completion(mailroom.ben, root)
    await mailroom.at_rest()
    await mailroom.slack.fault("chat.getPermalink", "error", error="message_not_found")
    await mailroom.ben.types(MAIL, "/mail tasks")
    told = await mailroom.private(mailroom.ben, "mailbox `john@example.com`: done")
    assert "|thread>" not in told.visible


@pytest.mark.parametrize(("line", "said"), [("tasks", "Nobody has asked"), ("tasks mine", "You have not asked")])
async def test_where_nothing_was_asked_for_it_says_how_to_begin(mailroom: Mailroom, line: str, said: str) -> None:
    await mailroom.ben.types(MAIL, f"/mail {line}")
    await mailroom.private(mailroom.ben, said, "`/mail`")


async def test_requests_of_other_channels_are_shown_to_their_askers_and_to_admins_alone(mailroom: Mailroom) -> None:
    await mailroom.slack.add_channel("C0SECRET01", "secret", kind="private", members=(ANA, BEN), bot=True)
    cleo = await mailroom.slack.add_user("U0CLEO0001", "cleo")
    await mailroom.ben.types("C0SECRET01", "/mail mailbox create hidden@example.com")
    await mailroom.root(mailroom.ben, "Done", "hidden@example.com", channel="C0SECRET01")
    for line in ("/mail tasks", "/mail status"):
        ack = await cleo.types(MAIL, line)
        told = ack.text or (await mailroom.private(cleo, "asked for anything")).visible
        assert "hidden" not in told
    await mailroom.ana.types(MAIL, "/mail tasks")
    await mailroom.private(mailroom.ana, "Recent requests", "hidden@example.com")
    await mailroom.ben.types(MAIL, "/mail tasks")
    await mailroom.private(mailroom.ben, "Recent requests", "hidden@example.com")
