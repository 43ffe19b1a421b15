"""Deliveries that Slack might have signed and never would have sent: what is listened for, and strategies for it."""

import copy
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest.mock import MagicMock

from hypothesis import strategies as st

from bot.listeners import register as registering
from bot.policy import Part
from bot.texts import answers, audit, deciding, forms, lists, policies, policy_forms, standing, thread
from sandbox.slack import BEN, MAIL, TEAM
from sandbox.slack.identity import ANA, APP, GUS, OTHER_TEAM
from tests.flows.fuzzed_policies import VERSION, filled_forms
from tests.flows.junk import JUNK, NO_DOTS
from tests.flows.stage import KEY

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "100"))

Path = tuple[str | int, ...]
Base = dict[str, Any]


class Recorder:
    """Stands for Bolt and writes down what is listened for."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def __getattr__(self, kind: str) -> Callable[[str | re.Pattern[str]], Callable[[object], None]]:
        def listen(what: str | re.Pattern[str]) -> Callable[[object], None]:
            self.found.append((kind, what if isinstance(what, str) else what.pattern))
            return lambda _listener: None

        return listen


def registered() -> list[tuple[str, str]]:
    """Every kind of delivery that the bot listens for, with the name or the pattern that it goes by."""
    recorder = Recorder()
    registering.register(recorder, MagicMock(), MagicMock())  # type: ignore[arg-type] # it takes down what Bolt would
    return recorder.found


def paths(value: Any, before: Path = ()) -> Iterator[Path]:
    """Where something stands in a payload."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield (*before, name)
        yield from paths(each, (*before, name))


@st.composite
def mutated(draw: st.DrawFn, bases: st.SearchStrategy[Base]) -> Base:
    """A payload with a few things in it missing, wrong, huge, too many, or of another workspace."""
    payload = copy.deepcopy(draw(bases))
    for _ in range(draw(st.integers(0, 3))):
        _mutate(payload, draw)
    if draw(st.integers(0, 9)) == 0:
        _move(payload, draw(st.sampled_from([OTHER_TEAM, "", "T' OR 1=1 --"])))
    return payload


def _mutate(payload: Base, draw: st.DrawFn) -> None:
    where = list(paths(payload))
    if not where:
        return
    *way, last = draw(st.sampled_from(where))
    place: Any = payload
    for name in way:
        place = place[name]
    match draw(st.sampled_from(["missing", "wrong", "extra"])):
        case "missing":
            del place[last]
        case "wrong":
            place[last] = draw(JUNK)
        case "extra" if isinstance(place, dict):
            place[draw(NO_DOTS)] = draw(JUNK)


def _move(payload: Base, team: str) -> None:
    """Let it come from another workspace."""
    for name in ("team_id", "context_team_id"):
        if name in payload:
            payload[name] = team
    if isinstance(payload.get("team"), dict):
        payload["team"]["id"] = team


OTHERS = st.sampled_from([BEN, GUS, "U0NOBODY01", ""])
PEOPLE = st.just(ANA) | OTHERS
"""With Ana, who may do what the others are refused: what she sends is parsed to its end."""
IDS = st.integers(0, 10**9)


@st.composite
def interaction(draw: st.DrawFn, kind: str, people: st.SearchStrategy[str] = PEOPLE) -> Base:
    """What all interactions have."""
    person = draw(people)
    return {
        "type": kind,
        "user": {"id": person, "username": "x", "team_id": TEAM},
        "api_app_id": APP,
        "token": "x",
        "trigger_id": f"{draw(IDS)}.{draw(IDS)}.fuzz",
        "team": {"id": TEAM, "domain": "lumen"},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _in_channel(url: str) -> Base:
    return {"channel": {"id": MAIL, "name": "mail"}, "response_url": url}


@st.composite
def click(draw: st.DrawFn, url: str, action: str, values: st.SearchStrategy[Any]) -> Base:
    """A button in a message."""
    message = {"type": "message", "ts": "1.2", "text": "x", "thread_ts": "1.1"}
    button = {"type": "button", "action_id": action, "block_id": "thread:1.1:0", "value": draw(values)}
    return {
        **draw(interaction("block_actions")),
        **_in_channel(url),
        "container": {"type": "message", "message_ts": "1.2", "channel_id": MAIL, "thread_ts": "1.1"},
        "message": message,
        "actions": [button],
    }


@st.composite
def form(
    draw: st.DrawFn,
    kind: str,
    callback: str,
    values: Mapping[str, Any],
    metadata: st.SearchStrategy[str],
    people: st.SearchStrategy[str] = PEOPLE,
) -> Base:
    """A form that was submitted or closed; `values` are what stands in its fields."""
    state = {block: {"entered": copy.deepcopy(state)} for block, state in values.items()}
    blocks = [{"type": "input", "block_id": block, "element": {"action_id": "entered"}} for block in values]
    view = {
        "id": f"V{draw(IDS)}",
        "hash": f"{draw(IDS)}.abc",
        "type": "modal",
        "callback_id": callback,
        "private_metadata": draw(metadata),
        "state": {"values": state},
        "blocks": blocks,
        "app_installed_team_id": TEAM,
    }
    return {**draw(interaction(kind, people)), "view": view, "response_urls": [], "is_cleared": False}


def _typed(text: Any) -> Base:
    return {"type": "plain_text_input", "value": text}


def _json(values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    return values.map(json.dumps)


WORDS = (
    "help",
    "explain",
    "mailbox",
    "domain",
    "subdomain",
    "create",
    "list",
    "bulk",
    "task",
    "tasks",
    "status",
    "audit",
)
MORE_WORDS = ("policy", "connect", "disconnect", "--name", "--quota", "0", "-1", "1001", "a@", "@", '"', "’", "<@U1|x>")
LONG_WORDS = ("x" * 101, "\u0130" * 60, "9" * 300, "@" * 300, f"--{'x' * 300}", f"--name={'x' * 300}")
LINES = st.lists(st.sampled_from((*WORDS, *MORE_WORDS, *LONG_WORDS)) | NO_DOTS, max_size=6).map(" ".join)
"""Lines of words of the product, none of which names a domain."""

DEAD = (
    st.sampled_from(["999999.1.abc", "1.1.zz", "0.0.0", "-1.1.a", f"{'9' * 18}.999999999.{'f' * 64}", "1.1"]) | NO_DOTS
)
NUMBERS = st.sampled_from(["999999", "0", "-1", "1e5", "٣", "9" * 18, "9" * 40]) | NO_DOTS
KINDS = st.sampled_from(["mailbox_create", "mailbox_bulk", "domain_create", "subdomain_create", "unheard", ""])
WRONG_PARAMETERS: st.SearchStrategy[Any] = (
    st.sampled_from([{}, [], None, {"domain": 5}, {"domain": "no domain"}, {"domain": "a", "count": -1}]) | JUNK
)
OPERATION = st.fixed_dictionaries({"kind": KINDS | JUNK, "parameters": WRONG_PARAMETERS})
FILLED = st.fixed_dictionaries({"kind": KINDS | JUNK, "filled": st.dictionaries(NO_DOTS, JUNK, max_size=3) | JUNK})
LIST_QUERY = st.fixed_dictionaries(
    {"kind": st.sampled_from(["domain_list", "mailbox_list", ""]) | JUNK, "query": JUNK, "page": st.integers() | JUNK}
)
AUDIT_QUERY = st.fixed_dictionaries({"words": st.lists(NO_DOTS, max_size=3) | JUNK, "page": st.integers() | JUNK})
METADATA = _json(st.fixed_dictionaries({"channel": st.just(MAIL) | JUNK, "thread": st.none() | NO_DOTS})) | NO_DOTS


def ballots(found: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """What the form for a reason carries."""
    return _json(st.fixed_dictionaries({"ballot": found, "channel": st.just(MAIL) | JUNK, "thread": st.none()}))


BALLOT = ballots(DEAD) | NO_DOTS

ACTIONS: dict[str, st.SearchStrategy[Any]] = {
    answers.OPEN_FORM: _json(FILLED) | NO_DOTS,
    answers.CONNECT: NO_DOTS,
    answers.RUN_AGAIN: _json(OPERATION) | NO_DOTS,
    standing.RUN: LINES,
    lists.TURN: _json(LIST_QUERY) | NO_DOTS,
    lists.GET_CSV: _json(LIST_QUERY) | NO_DOTS,
    audit.TURN: _json(AUDIT_QUERY) | NO_DOTS,
    audit.GET_CSV: _json(AUDIT_QUERY) | NO_DOTS,
    thread.SHOW_CREDENTIALS: NUMBERS,
    thread.KEEP_WATCHING: NUMBERS,
    thread.LOOK_AGAIN: NUMBERS,
    thread.SEND_AGAIN: NUMBERS,
    deciding.APPROVE: DEAD,
    deciding.CONFIRM: DEAD,
    deciding.REJECT: DEAD,
    deciding.CANCEL: DEAD,
    deciding.ASK_AGAIN: NUMBERS,
    policies.CHANGE: st.sampled_from([*Part, "", "unheard"]) | NO_DOTS,
}
"""What each button may carry: nothing of which anything can be made, but much that looks like it."""

WRONG_FIELDS: dict[str, Base] = {
    "domain": _typed("no domain"),
    "prefix": _typed("team"),
    "local_part": _typed("kim"),
    "count": _typed("-1"),
    "labels": _typed("a_b"),
}


@st.composite
def suggestion(draw: st.DrawFn, action: str) -> Base:
    """What is typed into a select."""
    typed = {"action_id": action, "block_id": "x", "value": draw(NO_DOTS), "container": {"type": "view"}}
    return {**draw(interaction("block_suggestion")), **typed}


@st.composite
def command(draw: st.DrawFn, url: str, name: str) -> Base:
    """A slash command, whose fields are all text."""
    return {
        "command": name,
        "text": draw(LINES),
        "team_id": TEAM,
        "user_id": draw(PEOPLE.filter(bool)),
        "channel_id": MAIL,
        "api_app_id": APP,
        "trigger_id": f"{draw(IDS)}.{draw(IDS)}.fuzz",
        "response_url": url,
    }


REMOVALS: dict[str, Base] = {
    "app_uninstalled": {},
    "tokens_revoked": {"tokens": {"bot": ["U0MAILROOM"]}},
    "team_access_revoked": {"team_ids": [TEAM]},
}
"""What Slack tells of a bot that was removed; here it is one whose token stands in the settings."""


@st.composite
def event(draw: st.DrawFn, kind: str) -> Base:
    """An event about a message, or about a bot that was removed."""
    said = {"type": kind, "user": draw(PEOPLE), "ts": "1.2", "text": f"<@U0MAILROOM> {draw(LINES)}", "channel": MAIL}
    said = {"type": kind, **REMOVALS[kind]} if kind in REMOVALS else said
    return {
        "type": "event_callback",
        "team_id": TEAM,
        "context_team_id": TEAM,
        "api_app_id": APP,
        "event_id": f"Ev{draw(IDS)}",
        "event_time": draw(st.integers(0, 2_000_000_000)),
        "event": said,
        "authorizations": [{"team_id": TEAM, "user_id": "U0MAILROOM", "is_bot": True, "is_enterprise_install": False}],
    }


def strategy(kind: str, pattern: str, url: str) -> st.SearchStrategy[Base] | None:  # noqa: PLR0911 - one for each kind
    """Deliveries for what is listened for under this name; `None` where nobody has written any."""
    match kind:
        case "action":
            known = {rf"{name}(:.*)?": (name, values) for name, values in ACTIONS.items()}
            name, values = known.get(pattern, (pattern, NO_DOTS if pattern == ".*" else None))
            return None if values is None else click(url, name, values)
        case "view":
            return VIEWS.get(pattern)
        case "view_closed":
            return CLOSED.get(pattern)
        case "options":
            found = {policy_forms.FIND_GROUP, forms.FIND_DOMAIN, ".*"}
            return suggestion(pattern) if pattern in found else None
        case "shortcut":
            return shortcut(url, pattern) if pattern in {registering.CREATE_HERE, ".*"} else None
        case "command":
            return command(url, pattern) if pattern in {"/mail", ".*"} else None
        case "event":
            return event(pattern) if pattern in {"app_mention", ".*", *REMOVALS} else None
        case _:
            return None


@st.composite
def shortcut(draw: st.DrawFn, url: str, callback: str) -> Base:
    """The shortcut of a message."""
    chosen = {"callback_id": callback, "message": {"ts": "1.2", "text": "x"}, "message_ts": "1.2", "action_ts": "1.3"}
    return {**draw(interaction("message_action")), **_in_channel(url), **chosen}


_KEY_FIELDS = {forms.KEY: _typed(f"{KEY}!"), forms.CALLER_ID: _typed("12x")}
_REASON = {deciding.REASON: _typed("Because.")}
VIEWS: dict[str, st.SearchStrategy[Base]] = {
    forms.CONNECT: form("view_submission", forms.CONNECT, _KEY_FIELDS, NO_DOTS),
    rf"{forms.OPERATION}.*": KINDS.flatmap(
        lambda kind: form("view_submission", f"{forms.OPERATION}{kind}", WRONG_FIELDS, METADATA)
    ),
    # Nothing stands in it that could be wrong, so that Ana's would disconnect.
    standing.DISCONNECT: form("view_submission", standing.DISCONNECT, {}, NO_DOTS, OTHERS),
    deciding.REJECTION: form("view_submission", deciding.REJECTION, _REASON, BALLOT),
    rf"{policy_forms.POLICY}.*": filled_forms().flatmap(
        lambda filled: form("view_submission", f"{policy_forms.POLICY}{filled[0]}", filled[1], VERSION)
    ),
    ".*": form("view_submission", "unheard", _REASON, NO_DOTS),
}
CLOSED: dict[str, st.SearchStrategy[Base]] = {
    deciding.REJECTION: form("view_closed", deciding.REJECTION, _REASON, BALLOT),
    ".*": form("view_closed", "unheard", {}, NO_DOTS),
}
