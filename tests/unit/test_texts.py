"""All that people read stands in `bot/texts`, is taken by Slack, and says the point in words."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.case import Case
from bot.commands import COMMANDS, form_of
from bot.commands.mailbox import CreateBulk
from bot.errors import Offer, UsageError
from bot.mailapi import Domain, Mailbox, MailboxResult, Task, TaskState
from bot.policy import Gate, Part, Policy, Ruling
from bot.progress import Differences, Plan, Progress
from bot.texts import (
    answers,
    audit,
    card,
    deciding,
    explaining,
    forms,
    guide,
    installing,
    lists,
    policies,
    policy_forms,
    refusals,
    secrets,
    standing,
    thread,
)
from bot.texts.explaining import Explained
from bot.texts.message import Block, Message
from sandbox.slack.blocks import check_message, check_view
from storage.states import CallState, RequestState
from storage.tables import AuditEntry, Call, Connection, Decision, Request

BOT = Path(__file__).parents[2] / "bot"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PLAIN = "Quota exceeded"
OUTSIDE = {
    "plain": PLAIN,
    "nothing": "",
    "much": "w" * 3000,
    "formatting": "*" * 3000,
    "entities": "&" * 3000,
    "pings": "<!channel> <@U1> <https://evil.example|bank> " * 60,
    "lines": "line\n" * 600,
}
"""Texts from outside that may stand in a message."""
LONGEST_EDIT = 4_000
"""Slack refuses an edit whose text is longer."""
TEAM = CreateBulk(domain="example.com", prefix="team", count=40)
Row = TypeVar("Row", AuditEntry, Call, Connection, Decision, Request)
Builder = Callable[[], Message | Block]
Built = tuple[Callable[..., Any], Builder]


def unsaved(table: type[Row], **values: Any) -> Row:
    """A row that holds only what the test at hand cares about."""
    return table(**values)


def asked(number: int, outside: str, state: RequestState) -> Request:
    where = {"asked_in": "C1", "home_channel": "C1"}
    when = {"created_at": NOW, "expires_at": NOW, "ended_at": NOW}
    request = unsaved(Request, id=number, state=state, asker="U7", round=1, plan_hash="0" * 16, **where, **when)
    request.ended_by, request.reason = "U8", outside
    return request


def case_of(gate: Gate = Gate.APPROVE) -> Case:
    yes = unsaved(Decision, person="U8", verdict="approved", decided_at=NOW)
    return Case(Ruling(gate, needed=2, counted=30, threshold=11), [yes], ("U8", "U9"), ("S1",), admins=True)


def progress(number: int, outside: str, state: RequestState = RequestState.RUNNING) -> Progress:
    request = asked(number, outside, state)
    request.plan = Plan(existing={"team1@example.com": outside}).stored()
    call = unsaved(Call, id=1, state=CallState.FAILED, names=list(TEAM.names()), reason=outside, task_id=7)
    return Progress.of(request, TEAM, [call])


def stands(outside: str, *, requests: int = 10, broken: bool = False) -> standing.Standing:
    connection = unsaved(
        Connection, last_four="4Abc", caller_id=7, connected_by="U7", created_at=NOW, broken_at=NOW if broken else None
    )
    return standing.Standing(
        connection=connection,
        open_requests=[progress(number, outside) for number in range(min(requests, 10))],
        open_count=requests,
        unsent=requests,
        windows={f"{number}{'d' * 60}.example.com": NOW for number in range(requests)},
        out=requests,
        watched=requests,
    )


def nothing_stands() -> standing.Standing:
    return standing.Standing(connection=None, open_requests=[], open_count=0, unsent=0, windows={}, out=0, watched=0)


def entries(outside: str) -> list[AuditEntry]:
    """A page of the audit with all that may stand in an entry."""
    details = {
        "channel": "C12345",
        "why": outside,
        "reason": outside,
        "parameters": {"domain": outside, "labels": [outside] * 10},
        "made": 24,
        "asked": 25,
        "tasks": list(range(1000)),
        "calls": [{"task": 1, "state": "failed", "reason": f"{n}{outside}"} for n in range(20)],
        "answers": {outside: 24},
        outside: {outside: outside},
    }
    ours = {"actor": "U1234567", "action": "mailbox_bulk", "outcome": "asked", "subject": "request:7"}
    other = {"actor": outside or "U1234567", "action": outside, "outcome": outside, "subject": outside}
    return [unsaved(AuditEntry, seq=n, at=NOW, details=details, **(ours if n % 2 else other)) for n in range(25)]


def call(builder: Callable[..., Any], *given: Any, **named: Any) -> Built:
    return builder, partial(builder, *given, **named)


def answered(outside: str) -> Iterator[Built]:
    wrong = UsageError("It is wrong.", example="/mail help", offer=Offer("mailbox_bulk", {"domain": outside}))
    results = tuple(MailboxResult(address=name, status=outside) for name in TEAM.names())
    task = {"task_id": 7, "word": outside, "domain": "example.com", "results": results, "reason": outside}
    yield call(answers.refusal, wrong, nearest="`example.com`")
    yield call(answers.refusal, UsageError("It is wrong.", connect=True))
    yield call(answers.asked, TEAM.title(), in_thread=True)
    yield call(answers.asked, TEAM.title(), in_thread=False)
    yield call(answers.run_again, "You asked for that already. Run it again?", TEAM)
    yield call(answers.run_again, "You asked for that already. Run it again?", _long_operation())
    yield call(answers.form_offered, Offer("mailbox_bulk", {"domain": outside}))
    yield call(answers.unanswered, outside)
    yield call(answers.refused, outside)
    yield call(answers.key_refused, "4Abc")
    yield call(answers.key_unreadable, "4Abc")
    for url in (None, "https://mail.example.org/slack/install"):
        yield call(answers.not_installed, url)
        yield call(answers.token_unreadable, url)
    yield call(answers.our_fault, "abcd1234")
    for state in TaskState:
        yield call(answers.task, Task(state=state, **task))
    for builder in (
        answers.too_fast,
        answers.csv_sent,
        answers.csv_not_sent,
        answers.not_written,
        answers.not_read,
        answers.still_looking,
    ):
        yield call(builder)


def said_of_a_request(outside: str) -> Iterator[Built]:
    lost = unsaved(Call, id=1, names=list(TEAM.names()), task_id=7, results={})
    for state in RequestState:
        yield call(card.card, progress(1, outside, state), moved="asked")
        yield call(card.card, progress(1, outside, state), case_of(Gate.CONFIRM))
        yield call(card.copy, progress(1, outside, state), case_of())
    yield call(thread.completion, progress(1, outside, RequestState.FAILED))
    for why in thread.Closed:
        yield call(thread.waits, NOW, why)
    yield call(thread.reduced, "39 mailboxes", existing=1)
    yield call(thread.unavailable, outside)
    yield call(thread.lost, lost, TEAM, ["U0BEN00001"])
    yield call(thread.stalled, lost, TEAM.title())
    yield call(thread.paused, "4Abc", outside)
    yield call(thread.never_sent, "U7", "U8")
    yield call(thread.key_lost, "4Abc")
    yield call(thread.set_aside, "U7")
    yield call(installing.ended, "U7")
    yield call(installing.ended_in_team, "U7")
    for connected in (True, False):
        for whole in (True, False):
            yield call(installing.welcome, connected=connected, whole_organisation=whole)
    yield call(thread.request_set_aside, 7)
    yield call(thread.left_out, 7)
    yield call(thread.left_out, None)
    yield call(card.unreadable, asked(1, outside, RequestState.RUNNING))


def said_of_a_decision(outside: str) -> Iterator[Built]:
    waiting = asked(1, outside, RequestState.AWAITING_DECISION)
    yield call(deciding.approved, "U7", case_of())
    yield call(deciding.rejected, asked(1, outside, RequestState.REJECTED))
    yield call(deciding.cancelled, asked(1, outside, RequestState.CANCELLED))
    yield call(deciding.expired, asked(1, outside, RequestState.EXPIRED))
    found = Differences(TEAM.names(), TEAM.names(), outside, 7)
    yield call(deciding.looked_again, "U7", TEAM, found)
    yield call(deciding.call, TEAM.title(), ["<@U8>", "<@U9>"])
    yield call(deciding.reminder, waiting, TEAM.title(), ["<@U8>", "<@U9>"])
    yield call(deciding.reminder_directly, waiting, TEAM.title())
    yield call(deciding.only_the_asker, "U7", "<@U8>")
    yield call(deciding.nobody, "U7", deciding.ADMINS)
    yield call(deciding.too_few, "U7", 2, ["U8"], deciding.ADMINS)
    yield call(deciding.nobody_directly, waiting, TEAM.title())
    yield call(deciding.rejection_form, TEAM.title(), "m" * 3000)
    yield call(deciding.told, deciding.late(asked(1, outside, RequestState.REJECTED), case_of()))


def explained(outside: str) -> Iterator[Built]:
    plans = (Plan({"team1@example.com": outside}), Plan(dict.fromkeys(TEAM.names(), outside)))
    limits = Policy(channels=("C1",), askers=("U7",), asker_groups=("S1",))
    for plan in plans:
        for gate in Gate:
            yield call(explaining.explanation, Explained(TEAM, plan, case_of(gate), Policy()))
    yield call(explaining.explanation, Explained(TEAM, plans[0], case_of(), Policy(), failure="No such domain"))
    yield call(explaining.explanation, Explained(TEAM, plans[0], case_of(), limits, channel=False, asker=False))
    yield call(explaining.harmless, COMMANDS[0].usage, COMMANDS[0].summary)


def listed(outside: str) -> Iterator[Built]:
    domains = [Domain(name=f"d{number}.example", status=outside, quota=outside) for number in range(60)]
    boxes = [Mailbox(address=name, status=outside, quota=outside) for name in TEAM.names()]
    for wanted in ("", "d1", "nothing"):
        for number in (1, 2):
            yield call(lists.Listing.page, lists.domains(domains, wanted), number, str)
            yield call(lists.Listing.page, lists.mailboxes("example.com", boxes, 10_240, wanted), number, str)
    yield call(lists.Listing.page, lists.domains([], ""), 1, str)
    yield call(lists.Listing.page, lists.mailboxes("example.com", [], None, ""), 1, str)
    for number in (1, 2):
        yield call(audit.page, entries(outside), total=60, number=number, words=[outside[:100], "U7"], value=str)
    yield call(audit.page, entries(outside)[:1], total=1, number=1, words=[], value=str)
    yield call(audit.page, [], total=0, number=1, words=[], value=str)
    yield call(audit.page, [], total=0, number=1, words=[outside[:100]], value=str)
    yield call(audit.not_read)
    yield call(secrets.loading)
    yield call(secrets.unavailable, outside)
    yield call(secrets.shown, [])
    yield call(secrets.shown, [(name, outside) for name in TEAM.names()])


def how_things_stand(outside: str) -> Iterator[Built]:
    yield call(guide.message, COMMANDS)
    yield call(guide.message, COMMANDS[1:2])
    yield call(standing.not_connected)
    yield call(standing.to_disconnect)
    yield call(standing.before_connecting, guide.message(COMMANDS))
    yield call(standing.disconnected, standing.given_up("4Abc"))
    for stand in (stands(outside), stands(outside, requests=0), stands(outside, broken=True), nothing_stands()):
        yield call(standing.overview, stand)
        yield call(standing.status, stand)
        yield call(standing.disconnect_question, stand)
    for mine in (True, False):
        shown = [progress(number, outside) for number in range(20)]
        links = {number: f"https://mail.slack.example/archives/C1/p{number}" for number in range(20)}
        yield call(standing.tasks, shown, links, mine=mine)
        yield call(standing.tasks, [], {}, mine=mine)


def filled_in(outside: str) -> Iterator[Built]:
    for kind in ("domain_create", "subdomain_create", "mailbox_create", "mailbox_bulk"):
        form = form_of(kind)
        yield call(forms.operation_form, form, {}, "{}")
        yield call(forms.operation_form, form, {field.name: "7" for field in form.fields}, "m" * 3000)
    yield call(forms.connect_form)
    yield call(forms.connect_form, last_four="4Abc", error=outside or "No", caller_id=7)
    yield call(forms.refused_form, outside, in_force=None, caller_id=7)
    yield call(forms.refused_message, "4Abc", outside, in_force="9Xyz")
    yield call(forms.refused_message, "4Abc", outside, in_force=None)
    yield call(forms.checking)
    yield call(forms.connected, "4Abc", 1)
    yield call(forms.connected_message, "4Abc", 300)
    for why in (refusals.GUESTS, refusals.overtaken("9Xyz", "U7")):
        yield call(forms.forbidden, "4Abc", why)
        yield call(forms.forbidden_message, "4Abc", why)
    yield call(forms.first_connected, "4Abc", "U7")


def laid_down() -> Iterator[Built]:
    """What is said of policies, of which the names are Slack's to show: the fullest and the emptiest."""
    many = tuple(f"U{number:031}" for number in range(100))
    fullest = Policy(people=many, groups=many, askers=many, asker_groups=many, channels=many, own=True, needed=10)
    emptiest = Policy(domains=Gate.NONE, threshold=None, admins=False, connector=False, remind_after_hours=0)
    for policy in (Policy(), Policy(mailboxes=Gate.APPROVE), fullest, emptiest):
        for may_edit in (True, False):
            yield call(policies.shown, policies.Shown(policy, "U7", "U8", NOW, may_edit=may_edit))
        yield call(policies.shown, policies.Shown(policy))
        yield call(policies.told, "U7", Policy(), policy)
        yield call(policies.told, "U7", policy, emptiest)
        yield call(policy_forms.saved, fullest, policy)
        for part in Part:
            sheet = policy_forms.Sheet(part, policy, 7, {many[0]: "h" * 300})
            yield call(policy_forms.form, sheet)
            yield call(policy_forms.overtaken, sheet, "U7", NOW, policies.changes(fullest, policy))
    yield call(policies.alone)
    yield call(policies.set_aside)
    yield call(policy_forms.refused, refusals.NOT_YOUR_POLICY)


def built(outside: str) -> Iterator[Built]:
    """Each builder of `bot.texts` with what it is called with, where it says anything from outside."""
    for group in (answered, said_of_a_request, said_of_a_decision, explained, listed, how_things_stand, filled_in):
        yield from group(outside)
    yield from laid_down()


def _long_operation() -> CreateBulk:
    return CreateBulk(domain=".".join(["d" * 60] * 4), prefix="p" * 60, count=1000)


@cache
def named(outside: str) -> dict[str, Builder]:
    """The same by a name for each."""
    return {
        f"{builder.__module__.removeprefix('bot.texts.')}.{builder.__name__} {number}": build
        for number, (builder, build) in enumerate(built(outside))
    }


every_text = pytest.mark.parametrize("name", named(PLAIN))
every_outside = pytest.mark.parametrize("outside", OUTSIDE.values(), ids=OUTSIDE)


def parts(content: Any) -> Iterator[dict[str, Any]]:
    """Every object in a message or form."""
    if isinstance(content, list):
        for each in content:
            yield from parts(each)
    elif isinstance(content, dict):
        yield content
        yield from parts([*content.values()])


def content_of(made: Message | Block) -> dict[str, Any]:
    return made.content() if isinstance(made, Message) else made


@every_text
@every_outside
def test_slack_takes_each_message_and_form_whatever_comes_from_outside(name: str, outside: str) -> None:
    made = named(outside)[name]()
    if isinstance(made, Message):
        check_message(made.content()["blocks"])
        assert 0 < len(made.content()["text"]) <= LONGEST_EDIT
    else:
        check_view(made)


@every_text
def test_each_message_says_the_point_in_sentence_case_without_a_shout_or_a_picture(name: str) -> None:
    made = named(PLAIN)[name]()
    if isinstance(made, Message):
        assert re.match(r"[A-Z`*<“\d]", made.text), "begins a sentence"
        assert len(re.findall(r"[A-Za-z]{2,}", made.text)) >= 3, "in words"
    shown = [str(part["text"]) for part in parts(content_of(made)) if isinstance(part.get("text"), str)]
    assert not [text for text in shown if "!" in re.sub("<!(date|subteam)", "", text)]
    assert not [text for text in shown if re.search(r":[a-z_]+:|[\u2600-\u27bf\U0001f000-\U0001faff]", text)]


@every_text
def test_each_message_has_at_most_one_emphasised_button_and_labels_that_begin_with_a_capital(name: str) -> None:
    everything = [*parts(content_of(named(PLAIN)[name]()))]
    assert sum(part.get("style") in ("primary", "danger") for part in everything) <= 1
    labels = [part["text"]["text"] for part in everything if part.get("type") == "button"]
    assert all(label[0].isupper() and not label.endswith(".") for label in labels)


def test_each_builder_is_in_the_table() -> None:
    decisions = (card, deciding, explaining, policies, policy_forms)
    modules = (answers, audit, *decisions, forms, guide, installing, lists, secrets, standing, thread)
    builders: set[Callable[..., Any]] = {
        value
        for module in modules
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
        if inspect.signature(value).return_annotation in (Message, Block)
    }
    blocks = {forms.option, policy_forms.group_option, deciding.buttons, deciding.only_cancel, deciding.reason_block}
    assert builders - {builder for builder, _ in built(PLAIN)} == blocks


ELSEWHERE = {
    "on a terminal, to whoever runs the bot": (
        "__main__.py",
        "app.py",
        "demo/",
        "doctor/",
        "settings.py",
        "signing_on.py",
        "alongside.py",
        "key_rotation.py",
        "lock.py",
        "verification.py",
    ),
    "to Prometheus": ("metrics.py",),
    "in the log, and as reasons that are quoted as MailAPI's": ("mailapi/", "slack.py"),
}
"""What speaks otherwise than in Slack."""
SENTENCE = re.compile(r"(?=.*[a-z])([A-Z“`…].* .*[.?:]|.* .*[.?])", re.DOTALL)


def spoken(source: Path) -> list[str]:
    """The literals of a module that read as sentences, an inserted value standing as `…`."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    silent: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            silent.add(id(node.value))  # a docstring
        if isinstance(node, ast.JoinedStr):
            silent |= {id(part) for part in node.values}
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith(("log.", "re.compile")):
            silent |= {id(part) for part in ast.walk(node)}
    texts = [_text(node) for node in ast.walk(tree) if id(node) not in silent]
    return [text for text in texts if text and SENTENCE.fullmatch(text.strip())]


def _text(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(value) or "…" for value in values)
        case _:
            return ""


def test_no_sentence_for_people_stands_outside_the_texts() -> None:
    other = tuple(place for places in ELSEWHERE.values() for place in places)
    modules = {str(path.relative_to(BOT)): path for path in BOT.rglob("*.py") if path.parent.name != "texts"}
    found = {name: spoken(path) for name, path in modules.items() if not name.startswith(other)}
    assert {name: sentences for name, sentences in found.items() if sentences} == {}


def test_a_sentence_outside_the_texts_would_be_found(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    source.write_text('"""A docstring."""\nlog.info("Not this one.")\nsay(f"There is no {thing} here.")\nsay("word")\n')
    assert spoken(source) == ["There is no … here."]
