"""Who may what, and when to look again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import access
from bot.access import Actor
from bot.pace import DEFAULT_PACE, Pace, retry_after

MEMBER = Actor("U1")
ADMIN = Actor("U2", admin=True)
PEOPLE = {
    "member": MEMBER,
    "admin": ADMIN,
    "guest": Actor("U3", guest=True),
    "outsider": Actor("U4", outsider=True),
    "deactivated": Actor("U5", deactivated=True),
    "guest admin": Actor("U6", admin=True, guest=True),
    "outside admin": Actor("U7", admin=True, outsider=True),
    "gone admin": Actor("U8", admin=True, deactivated=True),
}
NOBODY = {name for name in PEOPLE if name not in {"member", "admin"}}
second = timedelta(seconds=1)


def those_who(may: object) -> set[str]:
    return {name for name, person in PEOPLE.items() if callable(may) and may(person)}


def test_full_members_may_ask() -> None:
    assert those_who(access.may_ask) == {"member", "admin"}


@pytest.mark.parametrize(
    ("connected_by", "allowed"),
    [
        (None, {"member", "admin"}),
        ("U1", {"member", "admin"}),
        ("U2", {"admin"}),
        ("U9", {"admin"}),
        *((PEOPLE[name].id, {"admin"}) for name in sorted(NOBODY)),
    ],
)
def test_the_first_key_is_any_members_and_later_ones_are_the_connectors_and_the_admins(
    connected_by: str | None, allowed: set[str]
) -> None:
    assert those_who(lambda person: access.may_connect(person, connected_by=connected_by)) == allowed


@pytest.mark.parametrize(
    ("asker", "allowed"), [("U1", {"member", "admin"}), ("U2", {"admin"}), ("U9", {"admin"}), ("U3", {"admin"})]
)
def test_a_request_is_steered_by_its_asker_and_by_admins(asker: str, allowed: set[str]) -> None:
    assert those_who(lambda person: access.may_steer(person, asker=asker)) == allowed


ages = st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=3650))
paces = st.builds(
    lambda first, more: Pace(first_poll=first, longest_poll=first + more),
    st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(minutes=1)),
    st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=1)),
)


@given(ages)
def test_a_task_is_looked_at_after_a_tenth_of_its_age_but_within_one_second_and_thirty(age: timedelta) -> None:
    promised = min(max(second, age / 10), 30 * second)
    assert promised * 0.89999 <= DEFAULT_PACE.next_poll(age) <= promised


@given(paces, ages)
def test_the_next_look_stays_within_the_bounds_of_any_pace(pace: Pace, age: timedelta) -> None:
    assert pace.first_poll * 0.89 - timedelta.resolution <= pace.next_poll(age) <= pace.longest_poll


def test_looks_at_tasks_of_one_age_are_spread() -> None:
    assert len({DEFAULT_PACE.next_poll(100 * second) for _ in range(20)}) > 1


@given(st.integers(min_value=1, max_value=10**9))
def test_a_wait_doubles_with_each_attempt_from_a_second_to_a_minute(attempts: int) -> None:
    promised = timedelta(seconds=min(2 ** (min(attempts, 20) - 1), 60))
    assert promised * 0.74999 <= retry_after(attempts) <= promised


@given(st.integers(min_value=0, max_value=100), st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=1)))
def test_a_wait_is_never_longer_than_the_pace_says(attempts: int, longest: timedelta) -> None:
    assert timedelta() <= retry_after(attempts, Pace(longest_retry=longest)) <= longest


@given(st.integers(min_value=0, max_value=100), st.timedeltas(min_value=timedelta(), max_value=timedelta(hours=1)))
def test_a_pause_that_was_asked_for_is_kept_and_a_shorter_one_changes_nothing(attempts: int, pause: timedelta) -> None:
    assert pause <= retry_after(attempts, at_least=pause) <= max(pause, DEFAULT_PACE.longest_retry)
