"""What the audit of dependencies makes of what it is told."""

import json
from typing import Any

import pytest

from tests.dependencies import verdict


def report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


SOUND = {"name": "aiohttp", "version": "3", "vulns": []}
BROKEN = {"name": "idna", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
UNHEARD_OF = {"name": "slack-bolt", "skip_reason": "not found"}


def test_a_finding_fails_and_says_what_to_install() -> None:
    lines, fine = verdict(report(SOUND, BROKEN), "")
    assert not fine
    assert lines[0] == "idna 1: PYSEC-1, mended in 2"


def test_nothing_found_is_fine_and_counted() -> None:
    assert verdict(report(SOUND, UNHEARD_OF), "") == (
        ["1 dependencies audited, 1 are unknown there: 0 known vulnerabilities."],
        True,
    )


@pytest.mark.parametrize(
    ("said", "trouble"),
    [("", "a warning\nno route to host"), (report(UNHEARD_OF), "")],
    ids=["out of reach", "unaware"],
)
def test_where_nobody_knows_it_says_so_in_a_line_and_does_not_fail(said: str, trouble: str) -> None:
    (line,), fine = verdict(said, trouble)
    assert fine
    assert line.startswith("Dependencies were not audited: ")
