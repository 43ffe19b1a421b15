import gc
import time
from collections.abc import Iterator

import pytest

from tests.browser.chromium import MISSING

NEVER = 1_000_000
COLLECTED_EVERY = 30.0
"""Seconds; it takes one."""

LONGEST = ("flows/test_storm", "flows/test_demo", "processes", "browser", "flows/test_process", "flows/test_outage")
"""The files and folders whose few tests take longest, so that no process is left with one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    items.sort(key=lambda item: not item.nodeid.removeprefix("tests/").startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Let no full garbage collection interrupt a test.

    Towards the end of a run each takes a second or two, in which everything stands still and the bot's patience with
    Slack and the database runs out. What was collected for the whole run is not looked at again.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)


@pytest.fixture(scope="session")
def last_collected() -> list[float]:
    """When garbage was collected last, as its only item."""
    return [time.monotonic()]


@pytest.fixture(scope="module", autouse=True)
def _garbage_collected(last_collected: list[float]) -> Iterator[None]:
    yield
    if time.monotonic() - last_collected[0] > COLLECTED_EVERY:
        gc.collect()
        last_collected[0] = time.monotonic()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that the page was not tried; here, where it is said once for all processes of a parallel run."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if MISSING in str(report.longrepr)]
    if skipped:
        terminalreporter.section("NOT TESTED", red=True, bold=True)
        terminalreporter.line(f"{MISSING} {len(skipped)} tests were left out.", red=True, bold=True)
