import gc
from collections.abc import Iterator

import pytest

from tests.browser.chromium import MISSING

NEVER = 1_000_000


def pytest_collection_finish() -> None:
    """Let no full garbage collection interrupt a test.

    Towards the end of a run each takes a second or two, in which everything stands still and the bot's patience with
    Slack and the database runs out. What was collected for the whole run is not looked at again.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, NEVER)


@pytest.fixture(scope="module", autouse=True)
def _garbage_collected() -> Iterator[None]:
    yield
    gc.collect()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly that the page was not tried; here, where it is said once for all processes of a parallel run."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if MISSING in str(report.longrepr)]
    if skipped:
        terminalreporter.section("NOT TESTED", red=True, bold=True)
        terminalreporter.line(f"{MISSING} {len(skipped)} tests were left out.", red=True, bold=True)
