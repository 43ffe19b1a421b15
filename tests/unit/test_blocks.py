"""Every message and form is one that Slack takes, however much there is to say."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest

from bot.case import Case
from bot.commands import help_message
from bot.commands.domain import CreateDomain
from bot.commands.mailbox import CreateBulk, CreateMailbox
from bot.commands.subdomain import CreateSubdomains
from bot.errors import UsageError
from bot.findings import Findings
from bot.mailapi import Domain, Mailbox, MailboxResult, Task, TaskState
from bot.operation import Operation
from bot.policy import Gate, Ruling
from bot.progress import Plan, Progress
from bot.texts import answers, card, forms, lists, thread
from bot.texts.message import Message, first_rows, fits, section, table
from sandbox.slack.blocks import check_message, check_view
from storage.states import CallState, RequestState
from storage.tables import Call, Decision, Request

LABEL = "d" * 63
LONGEST_DOMAIN = ".".join([LABEL, LABEL, LABEL, "e" * 61])
LONGEST_LOCAL = "l" * 64
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REASONS = {
    "nothing": "",
    "a word": "No",
    "3,000 letters": "r" * 3000,
    "3,000 signs of formatting": "*" * 3000,
    "3,000 signs that are escaped": "&" * 3000,
    "pings": "<!channel> <@U1> <https://evil.example|bank> " * 60,
    "lines": "line\n" * 600,
}
OPERATIONS: dict[str, Operation] = {
    "domain": CreateDomain(domain=LONGEST_DOMAIN),
    "sub-domains": CreateSubdomains(
        parent=".".join([LABEL] * 2 + ["e" * 61]), labels=tuple(f"{'s' * 61}{n}" for n in range(10))
    ),
    "mailbox": CreateMailbox(
        domain=LONGEST_DOMAIN, local_part=LONGEST_LOCAL, display_name="*" * 200, quota_mb=1_048_576
    ),
    "one in bulk": CreateBulk(domain="example.com", prefix="t", count=1),
    "1,000 in bulk": CreateBulk(domain="example.com", prefix="t", count=1000),
    "1,000 long ones in bulk": CreateBulk(domain=LONGEST_DOMAIN, prefix="p" * 60, count=1000, quota_mb=1_048_576),
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
every_reason = pytest.mark.parametrize("reason", REASONS.values(), ids=REASONS)
STRANGE = "<!channel> `*_~` & <https://evil.example|bank> \u202e"
Row = TypeVar("Row", Call, Decision, Request)
LONGEST_TEXT = 40_000
"""Beyond this Slack cuts the text of a message."""


def unsaved(table: type[Row], **values: Any) -> Row:
    """A row that holds only what the test at hand cares about."""
    return table(**values)


YES = [unsaved(Decision, person=f"U9{number}", verdict="approved", decided_at=NOW) for number in range(10)]
NAMED = tuple(f"U{number:010}" for number in range(100))
CASES = (
    Case(),
    Case(Ruling(Gate.CONFIRM)),
    Case(Ruling(Gate.APPROVE, needed=10, own=True, counted=10**6, threshold=11), YES, NAMED, NAMED, admins=True),
    Case(Ruling(Gate.APPROVE), [], (), ("S1",)),
)


def check(message: Message) -> None:
    content = message.content()
    check_message(content["blocks"])
    assert 0 < len(content["text"]) <= LONGEST_TEXT
    assert not pinged(content)


def pinged(content: Any) -> list[str]:
    """What in a message would ping or link, other than the people whom we name."""
    return [text for text in texts(content) if "<!channel" in text or "<http" in text or "<@U1>" in text]


def texts(part: Any) -> Iterator[str]:
    """All that Slack reads as mrkdwn."""
    if isinstance(part, list):
        for each in part:
            yield from texts(each)
    elif isinstance(part, dict):
        if part.get("type") not in ("raw_text", "plain_text") and isinstance(part.get("text"), str):
            yield part["text"]
        for each in part.values():
            yield from texts(each)


def progress(
    operation: Operation,
    *,
    state: RequestState = RequestState.RUNNING,
    call_state: CallState = CallState.ACCEPTED,
    plan: Plan | None = None,
    result: dict[str, Any] | None = None,
    reason: str | None = None,
) -> Progress:
    """How far a request is whose one call has the same result for each name but the first."""
    request = unsaved(
        Request,
        id=1,
        workspace_id="T1",
        kind=operation.kind,
        state=state,
        asker="U7",
        asked_in="C1",
        home_channel="C1",
        round=1,
        plan_hash="0" * 16,
        plan=plan.stored() if plan else None,
    )
    names = list(operation.names())
    results = dict.fromkeys(names[1:], result) if result else None
    call = unsaved(
        Call, id=1, request_id=1, state=call_state, names=names, results=results, reason=reason, task_id=10**18
    )
    return Progress.of(request, operation, [call])


@every_operation
@pytest.mark.parametrize("moved", [None, "asked", "midway"])
def test_the_root_message_can_be_posted_in_every_state(operation: Operation, moved: str | None) -> None:
    impossible = {RequestState.PARTLY_DONE} if len(operation.names()) == 1 else set()
    for state in sorted(set(RequestState) - impossible):
        check(card.card(progress(operation, state=state), moved=moved))


@every_operation
@pytest.mark.parametrize("call_state", CallState)
def test_the_root_message_can_be_posted_whatever_its_calls_do(operation: Operation, call_state: CallState) -> None:
    check(card.card(progress(operation, call_state=call_state)))


@every_operation
@every_reason
def test_the_card_can_be_posted_whatever_is_to_be_decided(operation: Operation, reason: str) -> None:
    names = operation.names()
    findings = Findings(reason, True, 10**12, 10**12, 10**12, NOW)  # noqa: FBT003 - a table of values
    for plan in (Plan(existing=dict.fromkeys(names[1:], reason), findings=findings), Plan(in_flight=names[1:])):
        for case in CASES:
            for state in (RequestState.AWAITING_DECISION, RequestState.RUNNING, RequestState.REJECTED):
                shown = progress(operation, state=state, plan=plan)
                shown.request.reason, shown.request.ended_by, shown.request.expires_at = reason, "U8", NOW
                check(card.card(shown, case))
                check(card.copy(shown, case))


@every_operation
@every_reason
def test_the_root_message_can_be_posted_whatever_the_plan_says(operation: Operation, reason: str) -> None:
    names = operation.names()
    for plan in (
        Plan(existing=dict.fromkeys(names, reason)),
        Plan(in_flight=names),
        Plan(failure=reason),
        Plan(unplanned=card.LATE),
        Plan(unplanned=card.PAUSED),
    ):
        for state in (RequestState.PLANNING, RequestState.RUNNING, RequestState.FAILED):
            check(card.card(progress(operation, state=state, plan=plan)))


@every_operation
@every_reason
@pytest.mark.parametrize("made", [True, False])
def test_the_completion_can_be_posted_whatever_became_of_each_name(
    operation: Operation, reason: str, *, made: bool
) -> None:
    ended = {"state": RequestState.DONE, "call_state": CallState.DONE}
    result = {"ok": made, "word": reason}
    for first in (True, False):
        found = progress(operation, result=result, **ended)  # type: ignore[arg-type]
        head, *_ = operation.names()
        found.calls[0].results = {**(found.calls[0].results or {}), head: {"ok": first, "word": reason}}
        check(thread.completion(Progress.of(found.request, operation, found.calls)))


@every_operation
@every_reason
def test_the_completion_can_be_posted_of_a_call_that_failed_as_a_whole(operation: Operation, reason: str) -> None:
    check(thread.completion(progress(operation, call_state=CallState.FAILED, reason=reason)))
    check(thread.completion(progress(operation, call_state=CallState.DONE, plan=Plan(failure=reason or "No"))))


def test_the_completion_mentions_who_asked() -> None:
    message = thread.completion(progress(OPERATIONS["domain"], call_state=CallState.FAILED))
    assert "<@U7>" in message.text


def test_of_more_failures_than_fit_the_first_are_told_and_how_many_there_are() -> None:
    long = OPERATIONS["1,000 long ones in bulk"]
    message = thread.completion(progress(long, call_state=CallState.FAILED, reason="No"))
    assert "20 of 1000" in str(message.blocks)


@every_operation
def test_what_a_person_has_to_decide_can_be_posted(operation: Operation) -> None:
    names = list(operation.names())
    call = unsaved(Call, id=10**18, names=names, task_id=10**18, results={names[0]: {"ok": None, "word": ""}})
    for message in (thread.lost(call, operation, ["U0BEN00001"]), thread.stalled(call, operation.title())):
        check(message)
        assert {element["value"] for element in message.blocks[-1]["elements"]} == {str(10**18)}


@every_reason
def test_what_is_said_in_a_thread_or_directly_can_be_posted(reason: str) -> None:
    for message in (
        *(thread.waits(NOW, why) for why in thread.Closed),
        thread.reduced("1,000 mailboxes", existing=1000),
        thread.unavailable(reason),
        thread.paused("4Abc", reason),
    ):
        check(message)


@every_reason
def test_private_answers_can_be_shown(reason: str) -> None:
    for message in (answers.unanswered(reason), answers.refused(reason)):
        check(message)
    for message in (
        answers.our_fault("abcd1234"),
        answers.not_written(),
        answers.still_looking(),
        answers.key_refused("4Abc"),
        answers.refusal(UsageError("It is wrong.")),
        answers.refusal(UsageError("It is wrong.", example="/mail help")),
        help_message(),
    ):
        check(message)


@pytest.mark.parametrize("count", [0, 1, 2, 25, 26, 1000])
@pytest.mark.parametrize("word", ["active", "", STRANGE * 50], ids=["a word", "nothing", "much"])
@pytest.mark.parametrize("wanted", ["", "1", "w" * 100, "<!channel>"])
def test_each_page_of_a_list_can_be_shown_however_long_it_is(count: int, word: str, wanted: str) -> None:
    domains = [Domain(name=f"{n}.{LONGEST_DOMAIN}", status=word, quota=word, mailbox_count=10**9) for n in range(count)]
    boxes = [Mailbox(address=f"{n}{LONGEST_LOCAL}@{LONGEST_DOMAIN}", status=word, quota=word) for n in range(count)]
    for listing in (lists.domains(domains, wanted), lists.mailboxes(LONGEST_DOMAIN, boxes, 10**9, wanted)):
        for number in (-1, 1, 2, listing.pages, listing.pages + 1):
            check(listing.page(number, lambda page: "v" * 1990 + str(page)))


def test_a_list_has_25_rows_to_a_page_and_every_row_once() -> None:
    listing = lists.domains([Domain(name=f"d{number:04}.example") for number in reversed(range(60))], "")
    pages = [listing.page(number, str) for number in (1, 2, 3)]
    rows = [row[0]["text"] for page in pages for row in page.blocks[1]["rows"][1:]]
    assert rows == [f"d{number:04}.example" for number in range(60)]
    assert [len(page.blocks[1]["rows"]) - 1 for page in pages] == [25, 25, 10]
    assert [[e["text"]["text"] for e in page.blocks[-1]["elements"]] for page in pages] == [
        ["Next", "Get CSV"],
        ["Previous", "Next", "Get CSV"],
        ["Previous", "Get CSV"],
    ]
    assert "60 domains" in pages[0].text
    assert "Page 2 of 3" in str(pages[1].blocks)


def test_a_csv_has_all_rows_and_no_formula() -> None:
    boxes = [Mailbox(address="=cmd()@example.com", status="active"), Mailbox(address="a@example.com", status='say "x"')]
    content = lists.mailboxes("example.com", boxes, None, "").csv()
    assert [*csv.reader(content.splitlines())] == [
        ["Mailbox", "Status", "Quota", "Created"],
        ["'=cmd()@example.com", "active", "", ""],
        ["a@example.com", 'say "x"', "", ""],
    ]


@pytest.mark.parametrize("count", [0, 1, 1000])
@pytest.mark.parametrize("state", TaskState)
@every_reason
def test_tasks_can_be_shown_however_much_they_say(count: int, state: TaskState, reason: str) -> None:
    results = tuple(MailboxResult(address=f"{n}@{LONGEST_DOMAIN}", status=reason) for n in range(count))
    check(
        answers.task(
            Task(task_id=10**18, state=state, word=reason, domain=LONGEST_DOMAIN, results=results, reason=reason)
        )
    )


@every_reason
@pytest.mark.parametrize("in_force", [None, "9Xyz"])
def test_each_state_of_the_form_can_be_opened(reason: str, in_force: str | None) -> None:
    for view in (
        forms.connect_form(last_four=in_force),
        forms.checking(),
        forms.connected("4Abc", 10**6),
        forms.refused_form(reason, in_force=in_force, caller_id=10**18),
    ):
        check_view(view)
    for message in (
        forms.connected_message("4Abc", 1),
        forms.refused_message("4Abc", reason, in_force=in_force),
        forms.first_connected("4Abc", "U7"),
    ):
        check(message)


def test_a_form_never_shows_a_key() -> None:
    fields = [block for block in forms.refused_form("No", in_force="9Xyz", caller_id=7)["blocks"] if "element" in block]
    assert [field["element"].get("initial_value") for field in fields] == [None, "7"]


def test_a_paragraph_is_cut_where_slack_would_refuse_it() -> None:
    assert len(section("x" * 3000)["text"]["text"]) == 3000
    assert section("x" * 3001)["text"]["text"] == "x" * 2999 + "…"


def test_as_many_rows_are_taken_as_fit() -> None:
    head = ("A", "B")
    assert first_rows(head, []) == []
    assert len(first_rows(head, [("a", "b")] * 200)) == 99
    assert first_rows(head, [("a" * 9_499, "b")]) == []
    with pytest.raises(ValueError, match="larger than Slack takes"):
        table(head, [("a", "b")] * 100)
    assert fits(head, [("a" * 9_497, "b")])
    assert not fits(head, [("a" * 9_498, "b")])
