"""The audit in words: who did, decided or was refused what, and what came of it."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from bot import mrkdwn
from bot.texts.lists import as_csv
from bot.texts.message import Message, actions, button, context, section, sections
from storage.tables import AuditEntry

PAGE = 25
MOST_IN_FILE = 50_000
TURN, GET_CSV = "turn_audit", "get_audit_csv"
HEAD = ("When (UTC)", "Who", "Action", "Outcome", "Subject", "Channel", "Details")
NOT_READ = "The audit could not be read just now. Try again in a minute."

_LONGEST_LINE = 450
"""A page stays below the 13,200 characters that Slack takes in the blocks of a message."""
_LONGEST_PART = 160
_LONGEST_NAME = 60
_MOST_TASKS = 5
_PERSON = re.compile(r"[UW][A-Z0-9]{4,}")
_CHANNEL = re.compile(r"[CG][A-Z0-9]{4,}")
_NUMBERED = re.compile(r"([a-z]+):([0-9]+)")

_NOBODY = {"mailroom": "Mailroom", "operator": "Whoever runs Mailroom"}
"""Who acts without being somebody in Slack."""
_THINGS = {
    "domain_create": "a domain",
    "subdomain_create": "sub-domains",
    "mailbox_create": "a mailbox",
    "mailbox_bulk": "mailboxes",
    "connect": "connecting a key",
    "disconnect": "disconnecting the key",
    "credentials": "credentials",
    "audit": "the audit",
    "policy": "the policy",
    "encryption_key": "the key with which its secrets are encrypted",
    "query": "an answer from MailAPI",
    "status": "the status",
    "usage": "a command",
}
_CREATED = ("domain_create", "subdomain_create", "mailbox_create", "mailbox_bulk")
_OUTCOMES = {
    "asked": "asked for {}",
    "refused": "was refused {}",
    "confirmed": "confirmed {}",
    "approved": "approved {}",
    "rejected": "rejected {}",
    "cancelled": "cancelled {}",
    "changed": "changed {}",
    "shown": "looked at {}",
}
_ENDS = {"done": "done", "partly_done": "partly done", "failed": "failed", "expired": "expired"}
_SAID = {
    ("connect", "asked"): "asked to connect a key",
    ("connect", "connected"): "connected a key",
    ("connect", "replaced the one before"): "connected a key in place of the one before",
    ("disconnect", "done"): "disconnected the key",
    ("connection", "broken"): "found that the key does not work",
    ("look", "worse"): "looked again before sending; it needs a decision again",
    ("install", "installed"): "installed Mailroom",
    ("install", "installed again"): "installed Mailroom again",
    ("uninstall", "done"): "found Mailroom removed; its tokens and its MailAPI key were deleted",
    ("leave_teams", "done"): "found Mailroom taken away from workspaces of the organisation; what waited there ended",
    ("set aside", "done"): "set aside what could not be worked on",
    ("keep_watching", "done"): "chose to keep watching",
    ("look_again", "done"): "chose to look again",
    ("send_again", "done"): "chose to send again",
}


def page(
    entries: Sequence[AuditEntry], *, total: int, number: int, words: Sequence[str], value: Callable[[int], str]
) -> Message:
    """Page `number`, counted from 1, of `total` entries; `value(number)` is what a button to that page carries."""
    if not entries:
        return Message(_empty(words))
    pages = pages_of(total)
    said = summary(total, words)
    turns = []
    if number > 1:
        turns.append({**button("Previous", TURN, value(number - 1)), "action_id": f"{TURN}:previous"})
    if number < pages:
        turns.append({**button("Next", TURN, value(number + 1)), "action_id": f"{TURN}:next"})
    blocks = [
        section(said),
        *sections([line(entry) for entry in entries]),
        *([context(f"Page {number:,} of {pages:,}")] if pages > 1 else []),
        actions(*turns, button("Get CSV", GET_CSV, value(number))),
    ]
    return Message(said, blocks)


def pages_of(total: int) -> int:
    """How many pages so many entries have."""
    return max(1, -(-total // PAGE))


def summary(total: int, words: Sequence[str], *, most: int | None = None) -> str:
    """How many entries there are, and with what in them; `most` of them where they are more."""
    counted = f"{total:,} {'entry' if total == 1 else 'entries'}"
    if most is not None and total > most:
        counted = f"The newest {most:,} of {counted}"
    return f"{counted} of the audit{_with(words)}, the newest first."


def not_read() -> Message:
    """The database did not answer."""
    return Message(NOT_READ)


def csv(entries: Iterable[AuditEntry]) -> str:
    """Entries as CSV, each with all its details as JSON."""
    return as_csv(HEAD, [_cells(entry) for entry in entries])


def _cells(entry: AuditEntry) -> tuple[str, ...]:
    others = {name: value for name, value in _details(entry).items() if name != "channel"}
    details = json.dumps(others, ensure_ascii=False, separators=(",", ":"), sort_keys=True) if others else ""
    channel = str(_details(entry).get("channel") or "")
    cells = (entry.at.isoformat(), entry.actor, entry.action, entry.outcome, entry.subject, channel, details)
    return tuple(cell.encode("utf-8", "replace").decode() for cell in cells)  # half a sign of UTF-16 is none


def line(entry: AuditEntry) -> str:
    """An entry: when, who, what in words, from where, and about which request."""
    said = f"{mrkdwn.moment(entry.at)} {_who(entry.actor)} {_what(entry.action, entry.outcome)}"
    places = [part for part in (_place(_details(entry).get("channel")), _about(entry.subject)) if part]
    behind = "".join(f" · {part}" for part in places)
    parts = _fitting(_particulars(_details(entry)), room=_LONGEST_LINE - len(said) - len(behind))
    return f"{said}{': ' if parts else ''}{', '.join(parts)}{behind}"


def _details(entry: AuditEntry) -> dict[str, Any]:
    """What an entry holds beside who and what, as far as it can be read."""
    details: Any = entry.details
    return details if isinstance(details, dict) else {"details": "cannot be read"}


def _fitting(parts: Iterable[str], *, room: int) -> list[str]:
    """As many of the first parts as there is room for, and a sign where there are more; the CSV has them all."""
    shown: list[str] = []
    for part in parts:
        room -= len(part) + len(", ")
        if room < len(", …"):
            return [*shown, "…"]
        shown.append(part)
    return shown


def _who(actor: str) -> str:
    if actor in _NOBODY:
        return _NOBODY[actor]
    return mrkdwn.person(actor) if _PERSON.fullmatch(actor) else _bounded(actor, most=_LONGEST_NAME)


def _what(action: str, outcome: str) -> str:
    thing = _THINGS.get(action) or _plain(action)
    if (action, outcome) in _SAID:
        return _SAID[action, outcome]
    if action in _CREATED and outcome in _ENDS:
        return f"ended {thing}: {_ENDS[outcome]}"
    return _OUTCOMES[outcome].format(thing) if outcome in _OUTCOMES else f"{thing}: {_plain(outcome)}"


def _place(channel: object) -> str:
    text = str(channel or "")
    if text.startswith("D"):
        return "a direct message"
    return f"<#{text}>" if _CHANNEL.fullmatch(text) else ""


def _about(subject: str) -> str:
    numbered = _NUMBERED.fullmatch(subject)
    if numbered:
        return f"{numbered[1]} {numbered[2][:20]}"
    return _bounded(subject, most=_LONGEST_NAME) if subject else ""


def _particulars(details: Mapping[str, Any]) -> Iterator[str]:
    """Everything else, the known first and in words, the rest by its own name."""
    known: dict[str, Callable[[Any], Iterable[str]]] = {
        "why": lambda why: [_plain(str(why))],
        "reason": lambda reason: [_quoted(reason)],
        "parameters": _named,
        "made": lambda made: [f"{_plain(str(made))} of {_plain(str(details.get('asked')))} made"],
        "tasks": _tasks,
        "failure": lambda failure: [_quoted(failure)],
        "calls": lambda calls: _reasons(calls, besides=details.get("answers") or ()),
        "answers": lambda said: [f"{_quoted(word)} ({_plain(str(times))})" for word, times in dict(said).items()],
    }
    for name, worded in known.items():
        if details.get(name) not in (None, "", [], {}):
            yield from _readable(worded, details[name])
    others = {name: value for name, value in details.items() if name not in (*known, "channel", "asked")}
    yield from _named(others)


def _readable(worded: Callable[[Any], Iterable[str]], value: Any) -> Iterable[str]:
    """In words, or as it is where it has another shape than this version gives it."""
    try:
        return list(worded(value))
    except (TypeError, ValueError, AttributeError):
        return [_bounded(_as_text(value))]


def _named(values: Mapping[str, Any]) -> list[str]:
    return [f"{_plain(str(name))} {_bounded(_as_text(value))}" for name, value in values.items()]


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return " ".join(str(each) for each in value)
    return json.dumps(value, ensure_ascii=False)


def _tasks(tasks: Sequence[int]) -> list[str]:
    shown = ", ".join(_plain(str(task)) for task in tasks[:_MOST_TASKS])
    more = f" and {len(tasks) - _MOST_TASKS} more" if len(tasks) > _MOST_TASKS else ""
    return [f"{'task' if len(tasks) == 1 else 'tasks'} {shown}{more}"]


def _reasons(calls: Sequence[Mapping[str, Any]], *, besides: Collection[str]) -> list[str]:
    """Why calls went wrong, each reason once, and not where it is said of single names."""
    reasons = dict.fromkeys(call.get("reason") for call in calls)
    return [_quoted(reason) for reason in reasons if reason and reason not in besides]


def _plain(name: str) -> str:
    """A name of ours as words."""
    return _bounded(name.replace("_", " "), mrkdwn.escape, most=_LONGEST_NAME)


def _quoted(text: object) -> str:
    return f"“{_bounded(' '.join(str(text).split()), mrkdwn.escape)}”"


def _bounded(text: str, shown: Callable[[str], str] = mrkdwn.code, *, most: int = _LONGEST_PART) -> str:
    """Text from outside, cut so that it is not long once it is escaped."""
    text = text.encode("utf-8", "replace").decode()
    while len(shown(text)) > most:
        text = mrkdwn.cut(text, len(text) * 3 // 4)
    return shown(text)


def _with(words: Sequence[str]) -> str:
    return f" with {_listed(words)}" if words else ""


def _listed(words: Sequence[str]) -> str:
    return " and ".join(mrkdwn.person(word) if _PERSON.fullmatch(word) else mrkdwn.code(word) for word in words)


def _empty(words: Sequence[str]) -> str:
    if words:
        return f"No entry of the audit has {_listed(words)} in it. `/mail audit` shows them all."
    return "The audit is empty: nothing was asked for, decided or refused in this workspace yet."
