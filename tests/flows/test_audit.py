"""The audit: what is in it, who may look at it and how, and that what was changed in it is found."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Engine
from sqlmodel import Session, col, delete, select, update
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from bot.__main__ import cli
from sandbox.slack import ANA, BEN, GUS, MAIL, TEAM, Message
from sandbox.slack.person import Person
from storage import audit
from storage.audit import Head
from storage.engines import engine_for
from storage.tables import AuditEntry, Workspace
from tests.flows.stage import KEY, Mailroom

CREATE = "/mail mailbox create john@example.com"
CAT = "U0CAT00001"
NOT_YOURS = "Only approvers, and those who may change the policy"
Told = tuple[str, str, str]


async def entries(mailroom: Mailroom) -> list[AuditEntry]:
    """All entries, oldest first."""
    assert mailroom.bot is not None
    return await mailroom.bot.database.read(
        lambda session: list(session.exec(select(AuditEntry).order_by(col(AuditEntry.seq))).all())
    )


async def told(mailroom: Mailroom) -> list[Told]:
    return [(entry.actor, entry.action, entry.outcome) for entry in await entries(mailroom)]


async def last(mailroom: Mailroom) -> AuditEntry:
    return (await entries(mailroom))[-1]


async def ended(mailroom: Mailroom) -> AuditEntry:
    """The entry of the only request that has ended."""

    async def find() -> AuditEntry | None:
        found = [e for e in await entries(mailroom) if e.actor == "mailroom" and e.subject.startswith("request:")]
        return found[0] if found else None

    return await mailroom.slack.until(find, what="an end in the audit")


async def with_entries(mailroom: Mailroom, number: int, **values: Any) -> None:
    """Let so many things have happened, which are told apart by their requests."""
    assert mailroom.bot is not None

    def append(session: Session) -> None:
        for n in range(1, number + 1):
            entry = {"actor": BEN, "action": "mailbox_create", "outcome": "asked", "subject": f"request:{n}", **values}
            audit.append(session, TEAM, at=mailroom.clock(), **entry)

    await mailroom.bot.database.write(append)


async def page(mailroom: Mailroom, person: Person, *said: str, words: str = "") -> Message:
    """What somebody is shown who types the command."""
    await person.types(MAIL, f"/mail audit {words}".strip())
    return await mailroom.private(person, *said)


def rows(shown: Message) -> list[str]:
    """The lines of a page, one for each entry."""
    return [line for line in shown.visible.splitlines() if line.startswith("<!date")]


async def test_a_request_and_its_end_are_in_the_audit_with_mailapis_task_and_words(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fail_mailbox("team2@example.com", "Mailbox name is reserved.")
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3 --quota 512")
    end = await ended(mailroom)
    asked = (await entries(mailroom))[-2]
    assert (asked.actor, asked.action, asked.outcome, asked.subject) == (BEN, "mailbox_bulk", "asked", "request:1")
    parameters = {"domain": "example.com", "prefix": "team", "count": 3, "quota_mb": 512}
    assert asked.details == {"channel": MAIL, "parameters": parameters}
    assert (end.action, end.outcome, end.subject) == ("mailbox_bulk", "partly_done", "request:1")
    assert end.details == {
        "made": 2,
        "asked": 3,
        "tasks": [1],
        "calls": [{"task": 1, "state": "partly_done", "reason": "Mailbox name is reserved."}],
        "answers": {"Created successfully.": 2, "Mailbox name is reserved.": 1},
    }


async def test_what_mailapi_says_to_a_call_that_it_refuses_is_in_the_audit(mailroom: Mailroom) -> None:
    reason = f"The quota is {'far ' * 100}too large."
    await mailroom.mailapi.fault("create_mailbox_single", "status", status=422, reason=reason)
    await mailroom.ben.types(MAIL, CREATE)
    end = await ended(mailroom)
    assert (end.outcome, end.details["tasks"]) == ("failed", [])
    assert end.details["calls"] == [{"state": "failed", "reason": f"{reason[:299]}…"}]


async def test_of_many_calls_some_are_told_one_by_one_and_the_others_counted(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "team1@example.com")
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 26")
    end = await ended(mailroom)
    assert (end.details["made"], end.details["existing"], len(end.details["tasks"])) == (25, 1, 25)
    assert [call["state"] for call in end.details["calls"]] == ["done"] * 20
    assert end.details["other_calls"] == {"done": 5}


async def test_a_request_that_mailapi_knows_no_domain_for_is_in_the_audit_with_why(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.org")
    end = await ended(mailroom)
    assert (end.outcome, end.details["made"], end.details["tasks"]) == ("failed", 0, [])
    assert "example.org" in end.details["failure"]


async def test_a_request_without_a_key_is_in_the_audit_as_refused(unconnected: Mailroom) -> None:
    await unconnected.ben.types(MAIL, CREATE)
    (entry,) = await entries(unconnected)
    assert (entry.actor, entry.action, entry.outcome) == (BEN, "mailbox_create", "refused")
    parameters = {"domain": "example.com", "local_part": "john"}
    assert entry.details == {"channel": MAIL, "why": "no key", "parameters": parameters}


@pytest_asyncio.fixture
async def narrow(outside: Mailroom) -> AsyncIterator[Mailroom]:
    """The connected bot, which takes one request at a time."""
    outside.settings = outside.settings.model_copy(update={"mailroom_open_requests": 1})
    async with outside.running():
        await outside.connected(outside.ana)
        yield outside


async def test_one_request_too_many_is_in_the_audit_as_refused(narrow: Mailroom) -> None:
    await narrow.mailapi.hold_queue()
    await narrow.ben.types(MAIL, CREATE)
    await narrow.ben.types(MAIL, "/mail mailbox create jane@example.com")
    entry = await last(narrow)
    assert (entry.actor, entry.action, entry.outcome) == (BEN, "mailbox_create", "refused")
    parameters = {"domain": "example.com", "local_part": "jane"}
    assert entry.details == {"channel": MAIL, "why": "too many under way", "parameters": parameters}


async def test_a_guests_request_is_in_the_audit_as_refused(mailroom: Mailroom) -> None:
    await mailroom.slack.person(GUS).types(MAIL, CREATE)
    entry = await last(mailroom)
    assert (entry.actor, entry.action, entry.outcome) == (GUS, "mailbox_create", "refused")
    assert entry.details["why"] == "a guest"
    assert entry.details["parameters"] == {"domain": "example.com", "local_part": "john"}


async def test_a_question_whether_it_is_meant_again_is_no_refusal(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, CREATE)
    assert "Run it again?" in (await mailroom.ben.types(MAIL, CREATE)).text
    await ended(mailroom)
    assert [outcome for _, _, outcome in await told(mailroom)] == ["asked", "connected", "asked", "done"]


async def test_a_choice_about_somebody_elses_request_is_in_the_audit_as_refused(mailroom: Mailroom) -> None:
    cat = await mailroom.slack.add_user(CAT, "cat")
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, CREATE)
    await mailroom.made("create_mailbox_single")
    root = await mailroom.root(mailroom.ana, "In progress")
    await mailroom.passes(hours=25)
    stalled = await mailroom.reply(mailroom.ben, root, "24 hours")
    await cat.clicks(stalled, "Keep Watching")
    await mailroom.reply(cat, root, "Only the person who asked for this")
    entry = await last(mailroom)
    assert (entry.actor, entry.outcome, entry.details["why"]) == (CAT, "refused", "not an approver")


async def test_an_approver_is_shown_what_happened_the_newest_first(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, CREATE)
    await ended(mailroom)
    await mailroom.slack.person(GUS).types(MAIL, CREATE)
    shown = await page(mailroom, mailroom.ana, "5 entries of the audit, the newest first.")
    refused, end, asked, connected, wanted = rows(shown)
    assert f"<@{GUS}> was refused a mailbox: a guest, domain `example.com`" in refused
    assert "Mailroom ended a mailbox: done: 1 of 1 made, task 1, “Created successfully.” (1) · request 1" in end
    assert f"<@{BEN}> asked for a mailbox: domain `example.com`, local part `john` · <#{MAIL}> · request 1" in asked
    assert f"<@{ANA}> connected a key: last four `{KEY[-4:]}`, caller id `123` · connection 1" in connected
    assert f"<@{ANA}> asked to connect a key · connection 1" in wanted
    assert shown.buttons == ["Get CSV"]
    assert KEY not in shown.visible


async def test_looking_is_a_question_and_is_not_in_the_audit(mailroom: Mailroom) -> None:
    before = await told(mailroom)
    await mailroom.ana.clicks(await page(mailroom, mailroom.ana, "2 entries"), "Get CSV")
    await mailroom.private(mailroom.ana, "in your direct messages with Mailroom")
    assert await told(mailroom) == before


async def test_sixty_entries_are_three_pages_that_turn_in_place(mailroom: Mailroom) -> None:
    await with_entries(mailroom, 60)
    shown = first = await page(mailroom, mailroom.ana, "60 entries", "Page 1 of 3", words="mailbox_create")
    assert shown.buttons == ["Next", "Get CSV"]
    seen = rows(shown)
    for number in (2, 3):
        await mailroom.ana.clicks(shown, "Next")
        shown = await mailroom.private(mailroom.ana, f"Page {number} of 3")
        seen += rows(shown)
    assert shown.buttons == ["Previous", "Get CSV"]
    assert [row.split(" · ")[-1] for row in seen] == [f"request {n}" for n in range(60, 0, -1)]
    await mailroom.ana.clicks(shown, "Previous")
    shown = await mailroom.private(mailroom.ana, "Page 2 of 3")
    assert (shown.ts, rows(shown)) == (first.ts, seen[25:50])


@pytest.mark.parametrize("mention", [f"<@{BEN}|ben>", f"<@{BEN}>", BEN.lower()], ids=["name", "no name", "id"])
async def test_a_person_is_found_by_a_mention(mailroom: Mailroom, mention: str) -> None:
    await with_entries(mailroom, 1)
    await with_entries(mailroom, 1, actor=CAT)
    (row,) = rows(await page(mailroom, mailroom.ana, "1 entry of the audit with", words=mention))
    assert f"<@{BEN}> asked for" in row


@pytest.mark.parametrize("words", ["REJECTED", "rejected request:2", '"not this month"', f"<#{MAIL}|mail> rejected"])
async def test_entries_are_found_by_words_that_all_occur(mailroom: Mailroom, words: str) -> None:
    await with_entries(mailroom, 2)
    details = {"channel": MAIL, "reason": "Not this month, *please* <!channel>"}
    await with_entries(mailroom, 1, actor=ANA, outcome="rejected", subject="request:2", details=details)
    (row,) = rows(await page(mailroom, mailroom.ana, "1 entry of the audit with", words=words))
    assert f"<@{ANA}> rejected a mailbox: “Not this month," in row
    assert "<!channel>" not in row
    assert row.endswith(f" · <#{MAIL}> · request 2")


async def test_the_filter_stays_when_the_page_is_turned(mailroom: Mailroom) -> None:
    await with_entries(mailroom, 30, actor=CAT)
    await with_entries(mailroom, 30)
    shown = await page(mailroom, mailroom.ana, "30 entries", "Page 1 of 2", words=f"<@{CAT}|cat>")
    await mailroom.ana.clicks(shown, "Next")
    shown = await mailroom.private(mailroom.ana, f"30 entries of the audit with <@{CAT}>", "Page 2 of 2")
    assert len(rows(shown)) == 5
    assert all(f"<@{CAT}>" in row for row in rows(shown))


@pytest.mark.parametrize("words", ["zebra", "%", "100%", "mailbox_creat_", "a\\b"])
async def test_a_filter_without_a_match_says_so_and_how_to_see_all(mailroom: Mailroom, words: str) -> None:
    await with_entries(mailroom, 1)
    shown = await page(mailroom, mailroom.ana, f"No entry of the audit has `{words}` in it.", words=words)
    assert "`/mail audit` shows them all" in shown.visible
    assert shown.buttons == []


async def test_an_empty_audit_says_what_that_means(unconnected: Mailroom) -> None:
    await page(unconnected, unconnected.ana, "The audit is empty: nothing was asked for")


WRONG = {
    "too much to look for": ("x" * 101, "at most 100 characters"),
    "an option": ("--newest", "no option `--newest`"),
    "an open quote": ('"open', "A quote is open"),
}


@pytest.mark.parametrize(("words", "says"), WRONG.values(), ids=WRONG)
async def test_what_cannot_be_looked_for_is_said(mailroom: Mailroom, words: str, says: str) -> None:
    shown = await page(mailroom, mailroom.ana, says, words=words)
    assert "Example: `/mail audit @ben refused`" in shown.visible


async def test_the_file_has_every_entry_and_no_cell_that_is_run_as_a_formula(mailroom: Mailroom) -> None:
    await with_entries(mailroom, 30, details={"channel": MAIL, "reason": "Grüße, “x”"})
    await with_entries(mailroom, 1, subject='=HYPERLINK("https://evil.example")', actor="@evil", outcome="+1")
    await mailroom.ana.clicks(await page(mailroom, mailroom.ana, "31 entries", words="mailbox_create"), "Get CSV")
    await mailroom.private(mailroom.ana, "in your direct messages with Mailroom")
    (told,) = [message for message in await mailroom.ana.direct_messages() if message.files]
    (file,) = told.files
    assert file.name == "audit.csv"
    assert "31 entries of the audit with `mailbox_create`" in told.text
    head, evil, *others = csv.reader(io.StringIO(file.text))
    assert head == ["When (UTC)", "Who", "Action", "Outcome", "Subject", "Channel", "Details"]
    assert evil[1:] == ["'@evil", "mailbox_create", "'+1", '\'=HYPERLINK("https://evil.example")', "", ""]
    assert evil[0].endswith("+00:00")
    assert [row[4] for row in others] == [f"request:{n}" for n in range(30, 0, -1)]
    assert {tuple(row[5:]) for row in others} == {(MAIL, '{"reason":"Grüße, “x”"}')}
    assert not any(message.files for message in await mailroom.ben.sees(MAIL))


async def test_a_file_that_slack_does_not_take_is_told(mailroom: Mailroom) -> None:
    await mailroom.slack.fault("files.completeUploadExternal", "error", error="internal_error")
    await mailroom.ana.clicks(await page(mailroom, mailroom.ana, "2 entries"), "Get CSV")
    await mailroom.private(mailroom.ana, "Slack did not take the file")


async def test_who_may_not_see_it_is_refused_and_that_is_in_it(mailroom: Mailroom) -> None:
    shown = await page(mailroom, mailroom.ben, NOT_YOURS)
    assert rows(shown) == []
    entry = await last(mailroom)
    assert (entry.actor, entry.action, entry.outcome) == (BEN, "audit", "refused")
    assert entry.details == {"channel": MAIL, "why": "not an approver"}
    (row,) = rows(await page(mailroom, mailroom.ana, "1 entry", words="refused"))
    assert f"<@{BEN}> was refused the audit: not an approver · <#{MAIL}>" in row


async def test_a_guest_is_refused_and_that_is_in_it(mailroom: Mailroom) -> None:
    shown = await page(mailroom, mailroom.slack.person(GUS), "Guests")
    assert rows(shown) == []
    assert (await told(mailroom))[-1] == (GUS, "audit", "refused")


async def test_where_slack_cannot_say_who_somebody_is_nobody_is_shown_anything(mailroom: Mailroom) -> None:
    await mailroom.clock_ahead(minutes=2)
    await mailroom.slack.fault("users.info", "error", times=9, error="internal_error")
    shown = await page(mailroom, mailroom.ana, "did not say in time who you are")
    assert rows(shown) == []
    await mailroom.slack.no_faults()
    assert rows(await page(mailroom, mailroom.ana, "3 entries")) != []


APPROVERS: dict[str, dict[str, Any]] = {"by name": {"people": [BEN]}, "in a user group": {"groups": ["S0POSTMAST"]}}


@pytest.mark.parametrize("rules", APPROVERS.values(), ids=APPROVERS)
async def test_whom_the_policy_makes_an_approver_may_see_it(mailroom: Mailroom, rules: dict[str, Any]) -> None:
    await mailroom.lays_down(**rules)
    assert len(rows(await page(mailroom, mailroom.ben, "2 entries"))) == 2


async def test_an_admin_who_is_no_approver_may_see_it_since_he_may_change_that(mailroom: Mailroom) -> None:
    await mailroom.lays_down(admins=False, connector=False)
    assert len(rows(await page(mailroom, mailroom.ana, "2 entries"))) == 2


async def test_whoever_connected_the_key_may_see_it(unconnected: Mailroom) -> None:
    await unconnected.connected(unconnected.ben)
    assert len(rows(await page(unconnected, unconnected.ben, "2 entries"))) == 2


@pytest.mark.parametrize("button", ["Next", "Get CSV"])
async def test_who_is_no_longer_an_approver_turns_no_page(mailroom: Mailroom, button: str) -> None:
    await with_entries(mailroom, 30)
    shown = await page(mailroom, mailroom.ana, "Page 1 of 2")
    await mailroom.slack.set_user(ANA, is_admin=False)
    await mailroom.ben.types(MAIL, "/mail status")
    await mailroom.mailapi.add_account("A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6", 123)
    await mailroom.slack.set_user(BEN, is_admin=True)
    await mailroom.clock_ahead(minutes=2)
    await mailroom.connected(mailroom.ben, "A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6")
    await mailroom.ana.clicks(shown, button)
    await mailroom.private(mailroom.ana, NOT_YOURS)
    assert (await told(mailroom))[-1] == (ANA, "audit", "refused")
    assert not any(message.files for message in await mailroom.ana.direct_messages())


BENT = {
    "no JSON": "page 2",
    "another shape": "[]",
    "a page that is no number": '{"words": [], "page": "2"}',
    "a page before the first": '{"words": [], "page": 0}',
    "a page beyond any": '{"words": [], "page": 99999999999999999999}',
    "words that are none": '{"words": [1], "page": 1}',
    "more words than can be typed": f'{{"words": ["{"x" * 101}"], "page": 1}}',
    "something more": '{"words": [], "page": 1, "workspace": "T2"}',
}


@pytest.mark.parametrize("value", BENT.values(), ids=BENT)
async def test_a_button_that_this_version_did_not_make_is_answered(mailroom: Mailroom, value: str) -> None:
    shown = await page(mailroom, mailroom.ana, "2 entries")
    block = next(block for block in shown.blocks if block["type"] == "actions")
    bent = Message.of({**shown.raw, "blocks": [{**block, "elements": [{**block["elements"][0], "value": value}]}]})
    await mailroom.ana.clicks(bent, "Get CSV")
    await mailroom.private(mailroom.ana, "from an older version of Mailroom")


async def test_a_page_that_is_no_longer_there_is_the_last_one(mailroom: Mailroom) -> None:
    shown = await page(mailroom, mailroom.ana, "2 entries")
    block = next(block for block in shown.blocks if block["type"] == "actions")
    turn = {**block["elements"][0], "action_id": "turn_audit:next", "value": '{"words":[],"page":7}'}
    bent = Message.of({**shown.raw, "blocks": [{**block, "elements": [turn]}]})
    await mailroom.ana.clicks(bent, "Get CSV")
    await mailroom.at_rest()
    assert len(rows(await mailroom.private(mailroom.ana, "2 entries"))) == 2


async def test_in_a_thread_it_is_shown_to_whoever_mentions_the_bot_alone(mailroom: Mailroom) -> None:
    thread = (await mailroom.ana.says(MAIL, "Who did that?")).ts
    assert thread is not None
    await mailroom.ana.mentions(MAIL, f"audit <@{ANA}>", thread)

    async def find() -> Message | None:
        replies = await mailroom.ana.reads_thread(MAIL, thread)
        return next((reply for reply in replies if "of the audit with" in reply.visible), None)

    shown = await mailroom.slack.until(find, what="a private reply")
    assert shown.ephemeral
    assert len(rows(shown)) == 2
    assert not any(
        "audit" in reply.text for reply in await mailroom.ben.reads_thread(MAIL, thread) if reply.user != ANA
    )


async def test_where_the_audit_ends_is_logged_at_the_start(outside: Mailroom) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        end = await last(outside)
    with capture_logs() as lines:
        async with outside.running():

            async def is_logged() -> list[Any]:
                return [line for line in lines if line["event"] == "audit head"]

            (line,) = await outside.slack.until(is_logged, what="a head in the log")
    assert (line["log_level"], line["workspace"], line["seq"], line["hash"]) == ("info", TEAM, 2, end.hash)


def verify(monkeypatch: pytest.MonkeyPatch, mailroom: Mailroom, *options: str) -> Result:
    with monkeypatch.context() as variables:
        variables.setenv("DATABASE_URL", mailroom.settings.database_url)
        return CliRunner().invoke(cli, ["audit", "verify", *options])


@pytest_asyncio.fixture
async def audited(mailroom: Mailroom) -> Mailroom:
    """The running bot, with four entries in its audit."""
    await mailroom.ben.types(MAIL, CREATE)
    await ended(mailroom)
    return mailroom


@pytest.fixture
def engine(audited: Mailroom) -> Any:
    """For those who write into the database past the bot."""
    engine = engine_for(audited.settings.database_url)
    yield engine
    engine.dispose()


async def test_beside_the_running_bot_a_whole_audit_is_found_to_be_whole(
    audited: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await asyncio.to_thread(verify, monkeypatch, audited)
    end = await last(audited)
    assert (found.exit_code, found.stdout) == (0, f"{TEAM}: 4 entries, whole, head 4:{end.hash}\n")
    before = (await entries(audited))[1]
    known = await asyncio.to_thread(verify, monkeypatch, audited, "--workspace", TEAM, "--head", f"2:{before.hash}")
    assert (known.exit_code, known.stdout) == (0, found.stdout)
    assert "Asked for" in (await audited.ben.types(MAIL, "/mail mailbox create jane@example.com")).text


def tampered(engine: Engine, statement: Any) -> None:
    with Session(engine) as session, session.begin():
        session.exec(statement)


TAMPERING: dict[str, tuple[Any, str]] = {
    "changed": (
        update(AuditEntry).where(col(AuditEntry.seq) == 3).values(actor=ANA),
        "4 entries, entry 3 is the first that is not as it was written",
    ),
    "removed": (
        delete(AuditEntry).where(col(AuditEntry.seq) == 2),
        "3 entries, entry 2 is the first that is not as it was written",
    ),
    "cut": (delete(AuditEntry).where(col(AuditEntry.seq) > 1), "1 entry, 3 missing at the end"),
    "emptied": (delete(AuditEntry), "0 entries, 4 missing at the end"),
}


@pytest.mark.parametrize(("statement", "says"), TAMPERING.values(), ids=TAMPERING)
async def test_what_was_done_to_the_audit_past_the_bot_is_found(
    audited: Mailroom, engine: Engine, monkeypatch: pytest.MonkeyPatch, statement: Any, says: str
) -> None:
    tampered(engine, statement)
    found = await asyncio.to_thread(verify, monkeypatch, audited)
    assert (found.exit_code, found.stdout) == (1, f"{TEAM}: {says}\n")


async def test_an_audit_that_was_cut_with_its_kept_end_is_found_by_a_logged_head(
    audited: Mailroom, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged = Head(4, (await last(audited)).hash)
    tampered(engine, delete(AuditEntry).where(col(AuditEntry.seq) > 2))
    tampered(engine, update(Workspace).values(audit_seq=2, audit_hash=(await last(audited)).hash))
    assert (await asyncio.to_thread(verify, monkeypatch, audited)).exit_code == 0
    found = await asyncio.to_thread(verify, monkeypatch, audited, "--head", f"{logged.seq}:{logged.hash}")
    assert (found.exit_code, found.stdout) == (1, f"{TEAM}: 2 entries, 2 missing at the end\n")


async def test_of_several_workspaces_each_has_its_line_and_a_head_needs_one(
    audited: Mailroom, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session(engine) as session, session.begin():
        session.add(Workspace(id="T9", created_at=audited.clock()))
    found = await asyncio.to_thread(verify, monkeypatch, audited)
    assert found.exit_code == 0
    assert found.stdout.splitlines()[1] == "T9: 0 entries, whole"
    refused = await asyncio.to_thread(verify, monkeypatch, audited, "--head", f"1:{'0' * 64}")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--head needs --workspace, since there are 2 workspaces." in refused.stderr


UNUSABLE = {
    "unknown workspace": (["--workspace", "T404"], f"There is no workspace T404 in this database. It has {TEAM}."),
    "a head that is none": (["--head", "12"], "--head is wrong: it is SEQ:HASH"),
}


@pytest.mark.parametrize(("options", "says"), UNUSABLE.values(), ids=UNUSABLE)
async def test_what_cannot_be_verified_is_said_in_one_sentence(
    audited: Mailroom, monkeypatch: pytest.MonkeyPatch, options: list[str], says: str
) -> None:
    found = await asyncio.to_thread(verify, monkeypatch, audited, *options)
    assert (found.exit_code, found.stdout) == (2, "")
    assert says in found.stderr
    assert len(found.stderr.splitlines()) == 1


DATABASES = {
    "no file": (
        "sqlite:////nowhere/mailroom.db",
        "DATABASE_URL names /nowhere/mailroom.db, and there is no such file.",
    ),
    "no server": ("postgresql+psycopg://127.0.0.1:9/x", "DATABASE_URL cannot be used"),
    "no database": ("mysql://x", "DATABASE_URL is wrong"),
}


@pytest.mark.parametrize(("url", "says"), DATABASES.values(), ids=DATABASES)
def test_a_database_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch, url: str, says: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    found = CliRunner().invoke(cli, ["audit", "verify"])
    assert (found.exit_code, found.stdout) == (2, "")
    assert says in found.stderr


def test_a_database_of_another_version_is_not_touched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    found = CliRunner().invoke(cli, ["audit", "verify"])
    assert (found.exit_code, found.stdout) == (2, "")
    assert "run `mailroom db upgrade`" in found.stderr
