"""Credentials: fetched when somebody who may looks, shown to him alone, written into the audit and nowhere else."""

from pathlib import Path

import pytest
from sqlmodel import Session, select

from sandbox.slack import ANA, BEN, GUS, MAIL, Message
from storage.tables import AuditEntry
from tests.flows.stage import KEY, OTHER_KEY, Mailroom

PASSWORD = "hunter2-hunter2"
GIVEN = {"username": "john@example.com", "password": PASSWORD, "host": "imap.example.com", "port": 993}


async def looked(mailroom: Mailroom) -> list[tuple[str, str, str]]:
    """Who looked at credentials or tried to: person, outcome, of what."""

    def read(session: Session) -> list[AuditEntry]:
        return list(session.exec(select(AuditEntry).where(AuditEntry.action == "credentials")))

    assert mailroom.bot is not None
    return [(entry.actor, entry.outcome, entry.subject) for entry in await mailroom.bot.database.read(read)]


def stored(mailroom: Mailroom) -> bytes:
    """All bytes of the database's files."""
    database = mailroom.settings.sqlite_file
    assert database is not None
    return b"".join(file.read_bytes() for file in Path(database.parent).iterdir() if file.is_file())


async def made(mailroom: Mailroom, line: str = "mailbox create john@example.com") -> Message:
    """The completion, with its button, of what Ben asked for."""
    await mailroom.ben.types(MAIL, f"/mail {line}")
    completion = await mailroom.completed(mailroom.ben)
    assert completion.buttons == ["Show Credentials"]
    return completion


@pytest.mark.parametrize("who", [BEN, ANA], ids=["the asker", "an admin"])
async def test_the_asker_and_admins_see_what_mailapi_gives(mailroom: Mailroom, who: str) -> None:
    person = mailroom.slack.person(who)
    completion = await made(mailroom)
    await mailroom.mailapi.set_credentials("john@example.com", GIVEN)
    await person.clicks(completion, "Show Credentials")
    view = await mailroom.form(person, "john@example.com", PASSWORD, "imap.example.com", "993")
    assert view.title == "Credentials"
    assert "in the audit" in view.text
    assert view.inputs == []
    assert await looked(mailroom) == [(who, "shown", "request:1")]


async def test_what_was_seen_is_kept_nowhere(mailroom: Mailroom) -> None:
    completion = await made(mailroom)
    await mailroom.mailapi.set_credentials("john@example.com", GIVEN)
    await mailroom.ben.clicks(completion, "Show Credentials")
    await mailroom.form(mailroom.ben, PASSWORD)
    await mailroom.ben.closes()
    await mailroom.at_rest()
    assert b"john@example.com" in stored(mailroom)
    assert PASSWORD.encode() not in stored(mailroom)
    told = [call["arguments"] for call in await mailroom.slack.calls() if not call["method"].startswith("views.")]
    assert PASSWORD not in str(told)
    assert PASSWORD not in str([envelope["ack"] for envelope in await mailroom.slack.envelopes()])
    for channel in (MAIL, mailroom.ben.dm):
        assert all(PASSWORD not in str(message.raw) for message in await mailroom.ben.sees(channel))


async def test_they_are_fetched_anew_at_each_look(mailroom: Mailroom) -> None:
    completion = await made(mailroom)
    for password in ("first-password", "second-password"):
        await mailroom.mailapi.set_credentials("john@example.com", {"password": password})
        await mailroom.ben.clicks(completion, "Show Credentials")
        view = await mailroom.form(mailroom.ben, password)
        assert view.text.count("password:") == 1
        await mailroom.ben.closes()
    assert await looked(mailroom) == [(BEN, "shown", "request:1")] * 2


async def test_somebody_else_is_refused_and_this_is_in_the_audit(mailroom: Mailroom) -> None:
    cat = await mailroom.slack.add_user("U0CAT00001", "cat")
    completion = await made(mailroom)
    await mailroom.mailapi.set_credentials("john@example.com", GIVEN)
    asked = len(await mailroom.asked("list_mailbox"))
    await cat.clicks(completion, "Show Credentials")
    await mailroom.reply(cat, (await mailroom.roots(cat))[-1], "Only the person who asked", "admins")
    assert await cat.view() is None
    assert len(await mailroom.asked("list_mailbox")) == asked
    assert await looked(mailroom) == [("U0CAT00001", "refused", "request:1")]


async def test_a_guest_is_refused_and_this_is_in_the_audit(mailroom: Mailroom) -> None:
    gus = mailroom.slack.person(GUS)
    completion = await made(mailroom)
    await gus.clicks(completion, "Show Credentials")
    await mailroom.reply(gus, (await mailroom.roots(gus))[-1], "Guests")
    assert await gus.view() is None
    assert [(who, outcome) for who, outcome, _ in await looked(mailroom)] == [(GUS, "refused")]


async def test_where_mailapi_gives_nothing_it_says_where_a_password_comes_from(mailroom: Mailroom) -> None:
    completion = await made(mailroom)
    await mailroom.mailapi.set_credentials("john@example.com", None)
    await mailroom.ben.clicks(completion, "Show Credentials")
    await mailroom.form(mailroom.ben, "no credentials from MailAPI", "set the mailbox's password in your MailAPI")


async def test_of_many_all_are_shown_and_no_others(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "kim@example.com")
    completion = await made(mailroom, "mailbox bulk example.com team 25")
    for n in range(1, 26):
        await mailroom.mailapi.set_credentials(f"team{n}@example.com", {"password": f"secret-{n}."})
    await mailroom.mailapi.set_credentials("kim@example.com", {"password": "of-somebody-else"})
    await mailroom.ben.clicks(completion, "Show Credentials")
    view = await mailroom.form(mailroom.ben, *(f"secret-{n}." for n in range(1, 26)))
    assert "of-somebody-else" not in view.text


async def test_mailboxes_that_were_there_before_are_not_shown(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "team1@example.com")
    await mailroom.mailapi.set_credentials("team1@example.com", {"password": "of-somebody-else"})
    completion = await made(mailroom, "mailbox bulk example.com team 2")
    await mailroom.mailapi.set_credentials("team2@example.com", {"password": "of-the-new-one"})
    await mailroom.ben.clicks(completion, "Show Credentials")
    view = await mailroom.form(mailroom.ben, "of-the-new-one")
    assert "of-somebody-else" not in view.text


async def test_a_thousand_mailboxes_are_shown_as_far_as_a_form_takes_them(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(mailbox_seconds=0)
    completion = await made(mailroom, "mailbox bulk example.com team 1000")
    await mailroom.mailapi.set_credentials("team1@example.com", {"password": PASSWORD})
    await mailroom.ben.clicks(completion, "Show Credentials")
    await mailroom.form(mailroom.ben, "more, which MailAPI shows")


async def test_long_credentials_of_many_mailboxes_do_not_keep_the_form_from_filling(mailroom: Mailroom) -> None:
    completion = await made(mailroom, "mailbox bulk example.com team 25")
    for n in range(1, 26):
        await mailroom.mailapi.set_credentials(f"team{n}@example.com", {"password": f"secret-{n}." + "<&>" * 90})
    await mailroom.ben.clicks(completion, "Show Credentials")
    await mailroom.form(mailroom.ben, *(f"secret-{n}." for n in range(1, 26)))


async def test_a_password_is_shown_as_it_is(mailroom: Mailroom) -> None:
    password = "a<b>&amp;c*d_e~f  g'h`i"
    completion = await made(mailroom)
    await mailroom.mailapi.set_credentials("john@example.com", {"password": password})
    await mailroom.ben.clicks(completion, "Show Credentials")
    view = await mailroom.form(mailroom.ben, password)
    # Rich text is shown as it is, while `&amp;` in mrkdwn would be read as a sign.
    assert [block["type"] for block in view.blocks] == ["rich_text", "context"]


async def test_the_form_opens_at_once_and_fills_when_mailapi_answers(mailroom: Mailroom) -> None:
    completion = await made(mailroom)
    await mailroom.mailapi.set_credentials("john@example.com", GIVEN)
    await mailroom.mailapi.fault("list_mailbox", "latency", seconds=0.5)
    ack = await mailroom.ben.clicks(completion, "Show Credentials")
    assert ack.ok
    assert ack.seconds < 0.5
    await mailroom.form(mailroom.ben, "Asking MailAPI")
    await mailroom.form(mailroom.ben, PASSWORD)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 503}, "Nothing to show"),
        ({"status": 401, "reason": "Invalid API key."}, "key does not work any more"),
    ],
    ids=["down", "key refused"],
)
async def test_where_mailapi_does_not_answer_the_form_says_why(
    mailroom: Mailroom, fault: dict[str, str | int], said: str
) -> None:
    completion = await made(mailroom)
    await mailroom.mailapi.fault("list_mailbox", "status", times=None, **fault)
    await mailroom.ben.clicks(completion, "Show Credentials")
    await mailroom.form(mailroom.ben, said)


async def test_a_form_that_slack_does_not_open_in_time_is_told(mailroom: Mailroom) -> None:
    completion = await made(mailroom)
    await mailroom.slack.fault("views.open", "error", error="expired_trigger_id")
    await mailroom.ben.clicks(completion, "Show Credentials")
    await mailroom.reply(mailroom.ben, (await mailroom.roots(mailroom.ben))[-1], "took too long", "Click once more")


async def test_a_key_of_another_account_shows_nothing_of_it(mailroom: Mailroom) -> None:
    completion = await made(mailroom)
    await mailroom.mailapi.add_account(OTHER_KEY, 456)
    await mailroom.connected(mailroom.ana, OTHER_KEY, 456)
    await mailroom.ana.closes()
    await mailroom.ben.clicks(completion, "Show Credentials")
    await mailroom.form(mailroom.ben, "Nothing to show")


@pytest.mark.parametrize("line", ["domain create new.example", "subdomain create example.com team"])
async def test_what_has_no_credentials_has_no_button(mailroom: Mailroom, line: str) -> None:
    await mailroom.ben.types(MAIL, f"/mail {line}")
    assert (await mailroom.completed(mailroom.ben)).buttons == []


async def test_what_was_not_created_has_no_button(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fail_next_task("Full.")
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    assert (await mailroom.completed(mailroom.ben)).buttons == []
