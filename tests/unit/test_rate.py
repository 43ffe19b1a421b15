"""How much one person may do in a minute, where several processes take what he does."""

from datetime import UTC, datetime

from bot.limits import Rate

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def allowed(rate: Rate, person: str, times: int) -> int:
    return sum(rate.allows("T1", person, f"{person}:{number}") for number in range(times))


def test_all_of_it_is_allowed_by_a_process_that_runs_alone() -> None:
    assert allowed(Rate(lambda: NOW, 6, lambda: 1), "U1", 9) == 6


def test_each_process_allows_its_share() -> None:
    assert allowed(Rate(lambda: NOW, 6, lambda: 3), "U1", 9) == 2


def test_a_process_that_came_later_counts_at_once() -> None:
    living = [1]
    rate = Rate(lambda: NOW, 6, lambda: living[0])
    assert allowed(rate, "U1", 3) == 3
    living[0] = 2
    assert not rate.allows("T1", "U1", "one more")
    assert allowed(rate, "U2", 9) == 3


def test_with_more_processes_than_is_allowed_each_allows_one() -> None:
    assert allowed(Rate(lambda: NOW, 2, lambda: 5), "U1", 3) == 1
