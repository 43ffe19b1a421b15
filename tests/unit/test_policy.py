"""What a policy says of a request, and what somebody's form makes of a policy."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.drafting import drafted, merged
from bot.policy import PARTS, Gate, Part, Policy, Ruling, Subject, ruling

DEFAULTS = Policy()
NONE, CONFIRM, APPROVE = Gate.NONE, Gate.CONFIRM, Gate.APPROVE

RULINGS: dict[str, tuple[Policy, Subject, int, int, Gate, int | None]] = {
    "a domain": (DEFAULTS, Subject.DOMAINS, 1, 0, APPROVE, None),
    "ten sub-domains": (DEFAULTS, Subject.SUBDOMAINS, 10, 0, APPROVE, None),
    "one mailbox": (DEFAULTS, Subject.MAILBOXES, 1, 0, NONE, None),
    "ten mailboxes": (DEFAULTS, Subject.MAILBOXES, 10, 0, NONE, None),
    "eleven mailboxes": (DEFAULTS, Subject.MAILBOXES, 11, 0, APPROVE, 11),
    "the eleventh single": (DEFAULTS, Subject.MAILBOXES, 1, 10, APPROVE, 11),
    "the second bulk of ten": (DEFAULTS, Subject.MAILBOXES, 10, 10, APPROVE, 20),
    "the tenth single": (DEFAULTS, Subject.MAILBOXES, 1, 9, NONE, None),
    "many without a threshold": (Policy(threshold=None), Subject.MAILBOXES, 1000, 5000, NONE, None),
    "one with a threshold of one": (Policy(threshold=1), Subject.MAILBOXES, 1, 0, APPROVE, 1),
    "few that are confirmed": (Policy(mailboxes=CONFIRM), Subject.MAILBOXES, 2, 0, CONFIRM, None),
    "many where few are confirmed": (Policy(mailboxes=CONFIRM), Subject.MAILBOXES, 12, 0, APPROVE, 12),
    "many where all are approved": (Policy(mailboxes=APPROVE), Subject.MAILBOXES, 12, 0, APPROVE, None),
    "a domain where none is needed": (Policy(domains=NONE), Subject.DOMAINS, 1, 50, NONE, None),
    "many sub-domains beside a threshold": (Policy(subdomains=CONFIRM), Subject.SUBDOMAINS, 10, 90, CONFIRM, None),
}


@pytest.mark.parametrize(
    ("policy", "subject", "size", "earlier", "gate", "counted"), RULINGS.values(), ids=RULINGS.keys()
)
def test_what_a_request_needs(
    policy: Policy, subject: Subject, size: int, earlier: int, gate: Gate, counted: int | None
) -> None:
    found = ruling(policy, subject, size, earlier=earlier)
    assert (found.gate, found.counted) == (gate, counted)
    assert (found.threshold is None) == (counted is None)


policies = st.builds(
    Policy,
    domains=st.sampled_from(Gate),
    subdomains=st.sampled_from(Gate),
    mailboxes=st.sampled_from(Gate),
    threshold=st.none() | st.integers(min_value=1, max_value=1000),
    needed=st.integers(min_value=1, max_value=10),
    own=st.booleans(),
)
requests = st.tuples(
    st.sampled_from(Subject), st.integers(min_value=1, max_value=1000), st.integers(min_value=0, max_value=1000)
)


def of(policy: Policy, request: tuple[Subject, int, int]) -> Ruling:
    subject, size, earlier = request
    return ruling(policy, subject, size, earlier=earlier)


@given(policies, policies, requests)
def test_the_stricter_of_two_policies_counts_in_each_respect(
    planned: Policy, today: Policy, request: tuple[Subject, int, int]
) -> None:
    first, second = of(planned, request), of(today, request)
    both = first.at_least(second)
    strictness = [*Gate].index
    assert strictness(both.gate) == max(strictness(first.gate), strictness(second.gate))
    assert both.needed == max(first.needed, second.needed)
    assert both.own == (first.own and second.own)
    assert both == both.at_least(first) == both.at_least(second)
    if both.counted is not None:
        assert both.gate is APPROVE


@given(policies, requests)
def test_more_mailboxes_never_need_less(policy: Policy, request: tuple[Subject, int, int]) -> None:
    subject, size, earlier = request
    more = ruling(policy, subject, size + 1, earlier=earlier)
    assert of(policy, request).at_least(more).gate is more.gate


@given(policies, requests)
def test_policies_and_rulings_are_read_as_they_were_stored(policy: Policy, request: tuple[Subject, int, int]) -> None:
    assert Policy.read(policy.stored()) == policy
    assert Ruling.read(of(policy, request).stored()) == of(policy, request)


def test_what_nobody_has_changed_is_the_defaults() -> None:
    assert Policy.read(None) == DEFAULTS


@pytest.mark.parametrize("rules", [{"threshold": 0}, {"needed": 11}, {"colour": "red"}, {"people": ["U1"] * 101}])
def test_a_policy_that_nobody_could_have_laid_down_is_not_read(rules: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Policy.read(rules)


def test_each_field_of_the_policy_stands_in_one_form() -> None:
    fields = [name for names in PARTS.values() for name in names]
    assert sorted(fields) == sorted(Policy.model_fields)


MOST: dict[str, tuple[Policy, str | None, int | None]] = {
    "nobody": (Policy(admins=False, connector=False), "U1", 0),
    "people": (Policy(people=("U1", "U2"), admins=False, connector=False), "U3", 2),
    "people and the connector": (Policy(people=("U1", "U2"), admins=False), "U3", 3),
    "people with the connector among them": (Policy(people=("U1", "U2"), admins=False), "U1", 2),
    "people and whoever will connect": (Policy(people=("U1",), admins=False), None, 2),
    "admins": (Policy(people=("U1",)), "U1", None),
    "groups": (Policy(groups=("S1",), admins=False), "U1", None),
}


@pytest.mark.parametrize(("policy", "connected_by", "most"), MOST.values(), ids=MOST.keys())
def test_how_many_could_approve(policy: Policy, connected_by: str | None, most: int | None) -> None:
    assert policy.most_approvers(connected_by) == most


GATES = {"domains": ("approve",), "subdomains": ("confirm",), "mailboxes": ("none",), "threshold": ("11",)}
WHOLE = {
    "11": 11,
    " 11 ": 11,
    "11.0": 11,
    "1,000": 1000,
    "1000000": 1_000_000,
    "": None,
}
NOT_WHOLE = ["0", "-1", "+5", "1.5", "1e3", "1000001", "9" * 5000, "1,00", "eleven", "٣", "0x10", "1_000"]


@pytest.mark.parametrize(("text", "number"), WHOLE.items())
def test_a_threshold_is_read_as_people_type_it(text: str, number: int | None) -> None:
    draft = drafted(Part.GATES, {**GATES, "threshold": (text,)}, DEFAULTS, connected_by=None)
    assert draft == Policy(subdomains=CONFIRM, threshold=number)


@pytest.mark.parametrize("text", NOT_WHOLE)
def test_a_threshold_that_is_no_whole_number_is_wrong(text: str) -> None:
    wrong = drafted(Part.GATES, {**GATES, "threshold": (text,)}, DEFAULTS, connected_by=None)
    assert not isinstance(wrong, Policy)
    assert list(wrong) == ["threshold"]


@pytest.mark.parametrize("part", Part)
def test_a_form_that_comes_without_its_fields_is_wrong_in_them_and_never_a_policy(part: Part) -> None:
    wrong = drafted(part, {}, DEFAULTS, connected_by=None)
    assert not isinstance(wrong, Policy)
    assert set(wrong) <= {*PARTS[part]}


def test_more_people_than_slack_lets_anybody_choose_are_wrong() -> None:
    many = {"people": [f"U{number}" for number in range(101)], "needed": ("1",)}
    wrong = drafted(Part.APPROVERS, many, DEFAULTS, connected_by=None)
    assert not isinstance(wrong, Policy)
    assert list(wrong) == ["people"]


def test_a_form_changes_its_own_part_alone() -> None:
    before = Policy(needed=3, channels=("C1",))
    draft = drafted(Part.GATES, GATES, before, connected_by=None)
    assert isinstance(draft, Policy)
    assert set(before.differing(draft)) == {"subdomains"}


@given(policies, policies, policies)
def test_what_two_people_changed_is_both_and_where_both_changed_the_same_the_later_counts(
    seen: Policy, mine: Policy, newest: Policy
) -> None:
    both = merged(Part.GATES, mine, seen, newest)
    for name in Policy.model_fields:
        changed_by_me = name in PARTS[Part.GATES] and name in seen.differing(mine)
        assert getattr(both, name) == getattr(mine if changed_by_me else newest, name)
