"""What became of each name of a request, and how the request ends."""

from typing import Any, TypeVar

import pytest

from bot.commands.mailbox import CreateBulk
from bot.progress import Plan, Progress
from bot.texts.outcomes import worded
from storage.states import CallState, RequestState
from storage.tables import Call, Request

TEAM = CreateBulk(domain="example.com", prefix="team", count=3)
ONE, TWO, THREE = TEAM.names()
Row = TypeVar("Row", Call, Request)
CREATED = {"ok": True, "word": "Created"}
FULL = {"ok": False, "word": "Quota exceeded"}


def unsaved(table: type[Row], **values: Any) -> Row:
    """A row that holds only what the test at hand cares about."""
    return table(**values)


def call(state: CallState, *names: str, reason: str | None = None, **results: Any) -> Call:
    told = {ONE: results.get("one"), TWO: results.get("two"), THREE: results.get("three")}
    known = {name: result for name, result in told.items() if result}
    return unsaved(Call, state=state, names=list(names or TEAM.names()), reason=reason, results=known or None)


def progress(*calls: Call, plan: Plan | None = None) -> Progress:
    return Progress.of(unsaved(Request, plan=plan.stored() if plan else None), TEAM, calls)


def told(found: Progress) -> list[tuple[bool | None, str]]:
    return [(outcome.ok, worded(outcome)) for outcome in found.outcomes.values()]


def test_each_name_has_an_outcome_in_the_order_in_which_it_was_asked_for() -> None:
    assert list(progress().outcomes) == [ONE, TWO, THREE]


@pytest.mark.parametrize("state", sorted(set(CallState) - {CallState.FAILED, CallState.SET_ASIDE}))
def test_a_name_of_which_nothing_is_known_is_still_to_come(state: CallState) -> None:
    found = progress(call(state, one=CREATED))
    assert told(found) == [(True, "Created"), (None, ""), (None, "")]
    assert (found.made, found.settled, found.total) == (1, 1, 3)
    assert list(found.failures()) == []


@pytest.mark.parametrize("state", [CallState.FAILED, CallState.SET_ASIDE])
def test_a_failed_call_fails_each_name_of_which_nothing_else_was_said(state: CallState) -> None:
    found = progress(call(state, reason="Out of space", one=CREATED))
    assert told(found) == [(True, "Created"), (False, "Out of space"), (False, "Out of space")]
    assert [name for name, _ in found.failures()] == [TWO, THREE]
    assert told(progress(call(state)))[0] == (False, "MailAPI gave no reason")


def test_what_existed_or_was_asked_for_already_is_not_made_again() -> None:
    found = progress(call(CallState.ACCEPTED, THREE), plan=Plan(existing={ONE: "active"}, in_flight=(TWO,)))
    assert told(found) == [
        (False, "existed already (active), left as it is"),
        (False, "already asked for by another request"),
        (None, ""),
    ]
    assert found.settled == 2


def test_a_plan_that_failed_fails_all_that_is_not_known_otherwise() -> None:
    found = progress(plan=Plan(existing={ONE: "active"}, failure="No such domain"))
    assert [word for _, word in told(found)][1:] == ["No such domain", "No such domain"]
    assert found.end is RequestState.FAILED


@pytest.mark.parametrize("replaced", [CallState.CANCELLED, CallState.ABANDONED])
def test_a_call_that_was_replaced_leaves_its_names_to_those_after_it(replaced: CallState) -> None:
    calls = [
        call(replaced, one=FULL),
        call(CallState.DONE, ONE, one=CREATED),
        call(CallState.FAILED, TWO, reason="No"),
    ]
    assert told(progress(*calls)) == [(True, "Created"), (False, "No"), (None, "")]


def test_a_name_that_nobody_asked_for_is_not_counted() -> None:
    stray = unsaved(Call, state=CallState.DONE, names=["else@example.com"], results={"else@example.com": CREATED})
    assert (progress(stray).made, progress(stray).total) == (0, 3)


@pytest.mark.parametrize(
    ("results", "end"),
    [
        ({"one": CREATED, "two": CREATED, "three": CREATED}, RequestState.DONE),
        ({"one": CREATED, "two": CREATED, "three": FULL}, RequestState.PARTLY_DONE),
        ({"one": FULL, "two": FULL, "three": CREATED}, RequestState.PARTLY_DONE),
        ({"one": FULL, "two": FULL, "three": FULL}, RequestState.FAILED),
    ],
    ids=["all", "all but one", "one", "none"],
)
def test_a_request_ends_by_how_much_of_it_was_made(results: dict[str, Any], end: RequestState) -> None:
    assert progress(call(CallState.DONE, **results)).end is end


def test_a_request_of_what_existed_and_what_was_made_is_partly_done() -> None:
    plan = Plan(existing={ONE: "active"})
    assert progress(call(CallState.DONE, TWO, THREE, two=CREATED, three=CREATED), plan=plan).end is (
        RequestState.PARTLY_DONE
    )


def test_a_plan_is_read_as_it_was_stored() -> None:
    plan = Plan(existing={ONE: "active"}, in_flight=(TWO,), failure="No", unplanned="Slow")
    assert Plan.of(unsaved(Request, plan=plan.stored())) == plan
    assert Plan.of(unsaved(Request, plan=None)) == Plan()
