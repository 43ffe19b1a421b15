"""A short crash storm; `benchmarks/crash_storm.py` has the long ones, with nothing shortened."""

import secrets
from pathlib import Path

import pytest

from benchmarks import setting
from benchmarks.storm.rows import Rows
from benchmarks.storm.storm import Outcome, Plan, Storm
from benchmarks.storm.victim import Victim
from tests.flows.stage import Mailroom

SEED = secrets.randbelow(10**6)
LONGEST_LOG = 4000


async def storm(outside: Mailroom, folder: Path, **plan: bool) -> Outcome:
    """A few kills while some commands are given; what the bot logged is shown where the test fails."""
    print(f"seed {SEED}")  # noqa: T201 - pytest shows it where the test fails
    settings = outside.settings
    environment = setting.environment(outside.slack, settings.mailapi_url.removesuffix("/api"), settings.database_url)
    log, rows = folder / "mailroom.log", Rows(settings.database_url)
    victim = Victim(environment, log, module="tests.flows.hasty")
    several = Plan(seed=SEED, kills=4, commands=25, people=6, pause=0.4, rest_seconds=60, **plan)
    try:
        return await Storm(several, outside.slack, outside.mailapi, victim, rows).rage()
    finally:
        await victim.stop()
        rows.close()
        print(log.read_text()[-LONGEST_LOG:])  # noqa: T201 - as above


@pytest.mark.timeout(300)
@pytest.mark.parametrize("faults", [False, True], ids=["without faults", "with faults"])
async def test_what_was_acknowledged_ends_once_however_often_the_bot_is_killed(
    outside: Mailroom, tmp_path: Path, *, faults: bool
) -> None:
    outcome = await storm(outside, tmp_path, faults=faults, readable=True)
    truth = outcome.truth
    assert len(outcome.killed_at) >= 4
    assert outcome.people.acknowledged >= 25
    assert (truth.lost, truth.made_twice, truth.told_twice, truth.made_up) == ([], [], [], [])
    assert [unknown for unknown in outcome.unknown if unknown.settled_at is None] == []
