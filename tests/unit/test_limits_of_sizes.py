"""Everything that comes in has a largest size, beyond which it is refused in words or taken for nothing.

What a button or a form carries was ours once; it is looked at as if somebody had typed it.
"""

import json
from contextlib import suppress
from typing import Any

import pytest

from bot import words
from bot.commands import COMMANDS, operation_from, understand
from bot.commands.command import AuditQuery
from bot.drafting import drafted
from bot.errors import UsageError, UserError
from bot.listeners.doors import ClickDoor, CommandDoor, FormDoor, MentionDoor
from bot.listeners.whereabouts import Whereabouts
from bot.policy import LONGEST_HOURS, MOST_NAMED, Part, Policy
from bot.texts import policy_forms

HUGE = "x" * 1_000_000
MAILBOX = {"domain": "example.com", "local_part": "john"}


@pytest.mark.parametrize("line", [HUGE, "mailbox list " + HUGE, '"' * 5_000, "domain create " + "a." * 2_000])
def test_a_line_beyond_all_commands_is_refused_before_it_is_taken_apart(line: str) -> None:
    with pytest.raises(UsageError, match=r"at most 2,000 characters"):
        understand(line)


TOO_MUCH, LONGER_IN_SMALL_LETTERS = "x" * (words.LONGEST_FILTER + 1), "\u0130" * (words.LONGEST_FILTER // 2 + 1)


@pytest.mark.parametrize(
    "line",
    [
        f"audit {TOO_MUCH}",
        f"domain list {TOO_MUCH}",
        f"domain list {LONGER_IN_SMALL_LETTERS}",
        f"mailbox list example.com {TOO_MUCH}",
        f"mailbox list example.com {LONGER_IN_SMALL_LETTERS}",
    ],
)
def test_what_is_looked_for_has_a_largest_size(line: str) -> None:
    with pytest.raises(UsageError, match="at most 100 characters"):
        understand(line)


@pytest.mark.parametrize(
    "word", ["x" * 300, "9" * 300, "\u0130" * 99, "a." * 150, "a@" * 150, f"{'x' * 64}@example.com"]
)
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command.path))
def test_each_word_of_each_command_is_refused_in_words_where_it_is_too_long(command: Any, word: str) -> None:
    for before in (
        [],
        ["example.com"],
        ["example.com", "team"],
        ["kim@example.com", "--name"],
        ["a@example.com", "--quota"],
    ):
        with suppress(UserError):  # anything else would be ours
            understand(" ".join([*command.path, *before, word]))


def test_the_longest_command_that_makes_sense_fits_into_a_line() -> None:
    labels = " ".join("l" * 63 for _ in range(words.MOST_LABELS))
    parent = ".".join(["d" * 63] * 4)[: words.LONGEST_DOMAIN]
    assert len(f"subdomain create {parent} {labels}") < words.LONGEST_LINE


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("mailbox_create", {**MAILBOX, "display_name": "x" * (words.LONGEST_NAME + 1)}),
        ("mailbox_create", {**MAILBOX, "local_part": "x" * (words.LONGEST_LOCAL_PART + 1)}),
        ("mailbox_create", {**MAILBOX, "domain": f"{'d' * 64}.example"}),
        ("mailbox_create", {**MAILBOX, "domain": ".".join(["d" * 60] * 5)}),
        ("mailbox_create", {**MAILBOX, "quota_mb": words.MOST_QUOTA_MB + 1}),
        ("mailbox_bulk", {"domain": "example.com", "prefix": "p", "count": words.MOST_MAILBOXES + 1}),
        ("mailbox_bulk", {"domain": "example.com", "prefix": "p" * 65, "count": 1}),
        ("subdomain_create", {"parent": "example.com", "labels": ["l"] * (words.MOST_LABELS + 1)}),
        ("subdomain_create", {"parent": "example.com", "labels": ["l" * 64]}),
        ("domain_create", {"domain": HUGE}),
    ],
)
def test_an_operation_from_a_button_has_the_sizes_of_a_typed_one(kind: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        operation_from(kind, parameters)


@pytest.mark.parametrize("query", [{"words": ["x" * (words.LONGEST_FILTER + 1)]}, {"page": 1_000_001}, {"page": 0}])
def test_a_question_from_a_button_has_the_sizes_of_a_typed_one(query: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        AuditQuery.model_validate_json(json.dumps(query))


@pytest.mark.parametrize("name", ["people", "groups", "askers", "asker_groups", "channels"])
def test_a_list_of_the_policy_has_a_hundred_at_most(name: str) -> None:
    Policy(**{name: ("U1",) * MOST_NAMED})
    with pytest.raises(ValueError, match="at most 100"):
        Policy(**{name: ("U1",) * (MOST_NAMED + 1)})
    with pytest.raises(ValueError, match="at most 32"):
        Policy(**{name: ("U" * 33,)})


@pytest.mark.parametrize(
    ("part", "filled"),
    [
        (Part.GATES, {"threshold": ("9" * 1_000,)}),
        (Part.ASKERS, {"expires_after_hours": (str(LONGEST_HOURS + 1),)}),
        (Part.APPROVERS, {"people": ("U1",) * (MOST_NAMED + 1)}),
    ],
    ids=["a threshold", "hours", "people"],
)
def test_a_form_of_the_policy_refuses_what_is_too_much(part: Part, filled: Any) -> None:
    assert not isinstance(drafted(part, filled, Policy(), connected_by="U1"), Policy)


@pytest.mark.parametrize("version", [-1, 2**31, 10**30, 1e400])
def test_a_version_that_no_policy_can_have_is_none(version: float) -> None:
    assert policy_forms.version_of(json.dumps({"version": version})) is None


@pytest.mark.parametrize("kept", [{"channel": HUGE, "thread": None}, {"channel": "C1", "thread": HUGE}])
def test_a_place_that_is_too_long_is_nowhere(kept: dict[str, Any]) -> None:
    assert Whereabouts.read(json.dumps(kept)) == Whereabouts("")


def test_the_key_of_a_delivery_is_short_whatever_slack_says_and_differs_between_workspaces() -> None:
    nobody: Any = None
    view = {"view": {"id": HUGE, "hash": HUGE}}
    event = {"event_id": HUGE, "event": {"user": "U1", "channel": "C1", "ts": "1.1"}}
    keys = set()
    for team in ("T1", "T2"):
        body = {"team_id": team, "user": {"id": "U1"}, "trigger_id": HUGE, **view, **event}
        keys |= {
            door(body, nobody, nobody, nobody).origin.deduplication_key
            for door in (CommandDoor, ClickDoor, FormDoor, MentionDoor)
        }
    assert len(keys) == 6
    assert max(map(len, keys)) <= 200
