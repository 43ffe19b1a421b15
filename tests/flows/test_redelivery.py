"""What Slack delivers twice is done once, and answered the same both times."""

from typing import Any

import pytest

from sandbox.slack import GUS, MAIL
from tests.flows.deciding import asks, audited
from tests.flows.stage import KEY, OTHER_KEY, Mailroom
from tests.flows.test_lost_answers import lose, question

twice = pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])

LINES = {
    "single": "mailbox create john@example.com",
    "bulk": "mailbox bulk example.com team 3",
    "domain": "domain create new.example",
    "sub-domain": "subdomain create example.com team",
}


async def answers(mailroom: Mailroom, kind: str, number: int = 2) -> list[Any]:
    """What the bot answered to the newest deliveries of a kind, once there are so many."""

    async def find() -> list[Any] | None:
        envelopes = [each for each in await mailroom.slack.envelopes(kind) if "seconds" in each]
        return envelopes if len(envelopes) >= number else None

    found = await mailroom.slack.until(find, what=f"{number} deliveries")
    return [(each["error"], each["ack"]) for each in found[-2:]]


@twice
@pytest.mark.parametrize("line", LINES.values(), ids=LINES.keys())
async def test_a_command_that_comes_twice_is_one_request(mailroom: Mailroom, line: str, *, at_once: bool) -> None:
    before = len(await mailroom.slack.envelopes("slash_commands"))
    await mailroom.slack.deliver_twice(at_once=at_once)
    await mailroom.ben.types(MAIL, f"/mail {line}")
    first, second = await answers(mailroom, "slash_commands", before + 2)
    assert first == second
    await mailroom.completed(mailroom.ben)
    await mailroom.at_rest()
    (root,) = await mailroom.roots(mailroom.ana)
    assert len(await mailroom.ana.reads_thread(MAIL, root.ts)) == 1
    assert len(await mailroom.mailapi.creates()) == 1


@twice
async def test_a_command_that_is_typed_twice_is_two_requests_once_this_is_meant(
    mailroom: Mailroom, *, at_once: bool
) -> None:
    for _ in range(2):
        await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    await mailroom.completed(mailroom.ben)
    await mailroom.at_rest()
    assert len(await mailroom.roots(mailroom.ana)) == 1
    again = await mailroom.private(mailroom.ben, "Run it again?")
    await mailroom.slack.deliver_twice("interactive", at_once=at_once)
    await mailroom.ben.clicks(again, "Run It Again")

    async def two() -> bool:
        return len(await mailroom.roots(mailroom.ana)) == 2

    await mailroom.until(two, "the second request")
    await mailroom.at_rest()
    assert len(await mailroom.roots(mailroom.ana)) == 2
    assert len(await mailroom.mailapi.creates()) == 1


@twice
async def test_a_submission_that_comes_twice_is_one_key(unconnected: Mailroom, *, at_once: bool) -> None:
    await unconnected.ana.types(MAIL, "/mail connect")
    await unconnected.ana.fills(**{"API key": KEY, "Caller id": "123"})
    await unconnected.slack.deliver_twice("interactive", at_once=at_once)
    await unconnected.ana.submits()
    first, second = await answers(unconnected, "interactive")
    assert first == second
    await unconnected.form(unconnected.ana, "Connected")
    await unconnected.at_rest()
    assert sum("Connected" in m.text for m in await unconnected.ana.direct_messages()) == 1
    assert len(await unconnected.asked("list_domain")) == 1


async def test_a_wrong_submission_that_comes_twice_shows_its_errors(unconnected: Mailroom) -> None:
    await unconnected.ana.types(MAIL, "/mail connect")
    await unconnected.ana.fills(**{"API key": "abc", "Caller id": "123"})
    await unconnected.slack.deliver_twice("interactive")
    assert await unconnected.ana.submits() != {}
    first, second = await answers(unconnected, "interactive")
    assert first == second


async def test_a_form_that_was_refused_can_be_sent_again_with_another_key(mailroom: Mailroom) -> None:
    await mailroom.connect(mailroom.ana, OTHER_KEY)
    await mailroom.form(mailroom.ana, "Not connected")
    await mailroom.mailapi.add_account(OTHER_KEY, 123)
    await mailroom.ana.fills(**{"API key": OTHER_KEY})
    await mailroom.ana.submits()
    await mailroom.form(mailroom.ana, "Connected", OTHER_KEY[-4:])


async def test_something_that_no_listener_knows_is_acknowledged(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail help")
    command = (await mailroom.slack.envelopes("slash_commands"))[-1]["payload"]
    assert (await mailroom.slack.request({**command, "command": "/else"})).ok
    assert (await mailroom.ben.mentions(MAIL, "hello")).ok
    assert (await mailroom.ben.shortcut(None, "unknown")).ok


async def test_another_workspace_is_not_served(mailroom: Mailroom) -> None:
    asked = await mailroom.mailapi.requests()
    await mailroom.ben.types(MAIL, "/mail help")
    command = (await mailroom.slack.envelopes("slash_commands"))[-1]["payload"]
    stranger = {**command, "team_id": "T0OTHER001", "text": "mailbox create john@example.com", "trigger_id": "1.other"}
    await mailroom.slack.request(stranger)
    await mailroom.at_rest()
    assert await mailroom.roots(mailroom.ana) == []
    assert await mailroom.mailapi.requests() == asked


@twice
@pytest.mark.parametrize("button", ["Send Again", "Look Again"])
async def test_a_click_that_comes_twice_counts_once(mailroom: Mailroom, button: str, *, at_once: bool) -> None:
    await lose(mailroom, "create_mailbox_single")
    asked = await question(mailroom)
    before = len(await mailroom.slack.envelopes("interactive"))
    await mailroom.slack.deliver_twice("interactive", at_once=at_once)
    await mailroom.ben.clicks(asked, button)
    await answers(mailroom, "interactive", before + 2)
    await mailroom.at_rest()
    (root,) = await mailroom.roots(mailroom.ana)
    thread = await mailroom.ben.reads_thread(MAIL, root.ts)
    assert sum("chose to" in m.visible for m in thread) == 1
    assert [m.visible for m in thread if m.ephemeral] == []
    assert len(await mailroom.mailapi.creates()) == (button == "Send Again")


async def test_a_click_that_comes_again_after_the_end_is_told_how_it_ended(gated: Mailroom) -> None:
    await gated.lays_down(needed=2)
    await gated.ben.types(MAIL, "/mail domain create new.example")
    root = await gated.root(gated.ana, "Waiting for approval")
    await gated.ana.clicks(root, "Approve")
    await gated.private(gated.ana, "1 of 2")
    (click,) = await gated.slack.envelopes("interactive", after=len(await gated.slack.envelopes()) - 1)
    await gated.ben.clicks(root, "Cancel")
    await gated.root(gated.ana, "Cancelled by")
    await gated.slack.request(click["payload"])
    await gated.private(gated.ana, "Too late", f"Cancelled by <@{gated.ben.id}>")
    assert await gated.mailapi.creates() == []


@twice
@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("domain list", "example.com"),
        ("task 1", "Task"),
        ("status", "Connected with the key"),
        ("mailbox create", "Something is missing"),
        ("mailbox create nobody@nowhere", "not a domain"),
    ],
)
async def test_a_mention_that_comes_twice_is_answered_once(
    mailroom: Mailroom, line: str, answer: str, *, at_once: bool
) -> None:
    before = len(await mailroom.slack.envelopes("events_api"))
    await mailroom.slack.deliver_twice("events_api", at_once=at_once)
    await mailroom.ben.mentions(MAIL, line)
    first, second = await answers(mailroom, "events_api", before + 2)
    assert first == second
    await mailroom.private(mailroom.ben)
    await mailroom.at_rest()
    assert len(await mailroom.slack.calls("chat.postEphemeral")) == 1, answer


@twice
async def test_a_request_by_mention_that_comes_twice_is_one_and_told_once(mailroom: Mailroom, *, at_once: bool) -> None:
    await mailroom.slack.deliver_twice("events_api", at_once=at_once)
    await mailroom.ben.mentions(MAIL, LINES["single"])
    await mailroom.until(lambda: mailroom.mailapi.mailboxes("example.com"), "the mailbox")
    await mailroom.at_rest()
    assert len(await mailroom.slack.calls("chat.postEphemeral")) == 1
    assert len(await mailroom.mailapi.creates()) == 1


async def test_a_mention_is_answered_once_also_where_another_process_gets_it_again(outside: Mailroom) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.ben.mentions(MAIL, "status")
        await outside.private(outside.ben, "Connected with the key")
        event = (await outside.slack.envelopes("events_api"))[-1]["payload"]
    async with outside.running():
        assert (await outside.slack.request(event)).ok
        await outside.at_rest()
    assert len(await outside.slack.calls("chat.postEphemeral")) == 1


@twice
async def test_a_command_that_comes_twice_counts_once_within_the_minute(outside: Mailroom, *, at_once: bool) -> None:
    outside.settings = outside.settings.model_copy(update={"mailroom_commands_a_minute": 2})
    async with outside.running():
        await outside.slack.deliver_twice(at_once=at_once)
        for expected in (True, True, False):
            before = len(await outside.slack.envelopes("slash_commands"))
            said = await outside.ben.types(MAIL, "/mail help")
            assert ("more than Mailroom takes" not in said.text) is expected
            if not before:
                first, second = await answers(outside, "slash_commands")
                assert first == second


async def test_what_was_too_much_stays_undone_when_it_comes_again(outside: Mailroom) -> None:
    outside.settings = outside.settings.model_copy(update={"mailroom_commands_a_minute": 1})
    async with outside.running():
        await outside.ben.types(MAIL, "/mail help")
        await outside.ben.types(MAIL, f"/mail {LINES['single']}")
        refused = (await outside.slack.envelopes("slash_commands"))[-1]["payload"]
        await outside.clock_ahead(seconds=61)
        again = await outside.slack.request(refused)
        assert "more than Mailroom takes" in str(again.payload)


@twice
async def test_a_click_for_a_csv_that_comes_twice_sends_one_file(mailroom: Mailroom, *, at_once: bool) -> None:
    await mailroom.ben.types(MAIL, "/mail domain list")
    listed = await mailroom.private(mailroom.ben, "example.com")
    await mailroom.slack.deliver_twice("interactive", at_once=at_once)
    await mailroom.ben.clicks(listed, "Get CSV")
    first, second = await answers(mailroom, "interactive")
    assert first == second

    async def files() -> list[str]:
        return [file.name for message in await mailroom.ben.direct_messages() for file in message.files]

    await mailroom.until(files, "the file")
    await mailroom.ben.types(MAIL, "/mail domain list")  # what came before has been answered when this is
    await mailroom.private(mailroom.ben, "example.com")
    assert await files() == ["domains.csv"]


@twice
async def test_a_command_that_opens_a_form_and_comes_twice_opens_one(unconnected: Mailroom, *, at_once: bool) -> None:
    await unconnected.slack.deliver_twice(at_once=at_once)
    await unconnected.ana.types(MAIL, "/mail connect")
    first, second = await answers(unconnected, "slash_commands")
    assert first == second
    assert "API key" in (await unconnected.form(unconnected.ana, "API key")).text
    await unconnected.ana.closes()
    assert await unconnected.ana.view() is None


@twice
async def test_a_disconnect_that_comes_twice_is_done_once_and_answered_the_same(
    mailroom: Mailroom, *, at_once: bool
) -> None:
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.slack.deliver_twice("interactive", at_once=at_once)
    await mailroom.ana.submits()
    first, second = await answers(mailroom, "interactive")
    assert first == second
    assert KEY[-4:] in str(first)


# What the audit says of it.


async def comes_again(mailroom: Mailroom, times: int = 3) -> list[Any]:
    """The newest delivery once more, as whoever recorded it might send it; what is answered to each."""
    newest = (await mailroom.slack.envelopes())[-1]["payload"]
    found = [await mailroom.slack.request(newest) for _ in range(times)]
    await mailroom.at_rest()
    return found


async def test_a_refusal_that_comes_again_is_in_the_audit_once(mailroom: Mailroom) -> None:
    gus = mailroom.slack.person(GUS)
    for line in ("domain list", "mailbox create john@example.com"):
        await gus.types(MAIL, f"/mail {line}")
        assert all("Guests" in str(each.payload) for each in await comes_again(mailroom))
    assert await audited(mailroom, "refused") == [(GUS, "query", "a guest"), (GUS, "mailbox_create", "a guest")]
    await gus.types(MAIL, "/mail domain list")
    assert len(await audited(mailroom, "refused")) == 3


async def test_a_decision_that_came_too_late_is_in_the_audit_once_however_often_it_comes(gated: Mailroom) -> None:
    card = await asks(gated)
    await gated.ben.clicks(card, "Cancel")
    await gated.root(gated.ben, "Cancelled by")
    await gated.ana.clicks(card, "Approve")
    await gated.private(gated.ana, "Too late")
    await comes_again(gated)
    assert await audited(gated, "refused") == [(gated.ana.id, "approved", "too late")]


async def test_credentials_that_were_shown_once_are_in_the_audit_once(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    done = await mailroom.completed(mailroom.ben)
    await mailroom.ben.clicks(done, "Show Credentials")
    await mailroom.form(mailroom.ben)
    await comes_again(mailroom)
    assert await audited(mailroom, "shown") == [(mailroom.ben.id, "credentials", "shown")]


async def test_what_comes_more_often_than_slack_repeats_it_counts_within_the_minute(outside: Mailroom) -> None:
    outside.settings = outside.settings.model_copy(update={"mailroom_commands_a_minute": 4})
    async with outside.running():
        await outside.ben.types(MAIL, "/mail help")
        again = ["more than Mailroom takes" in str(each.payload) for each in await comes_again(outside, 8)]
        assert again == [False] * 6 + [True] * 2
        assert "more than Mailroom takes" in (await outside.ben.types(MAIL, "/mail help")).text
