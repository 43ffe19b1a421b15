"""Who tries what on whose request: the people, what they reach for, and what has to come of it."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from bot.listeners.register import register
from bot.texts import deciding, refusals
from sandbox.slack import Message
from sandbox.slack.person import Person

_numbers = itertools.count(1)


class Role(StrEnum):
    """What somebody is to the workspace whose request it is."""

    ADMIN = "an admin"
    ASKER = "the asker"
    MEMBER = "a member"
    GUEST = "a guest"
    EXTERNAL = "somebody of another workspace, in a channel that both share"
    STRANGER = "an admin of another workspace"
    OUTSIDER = "an admin of another organisation or workspace"


MEMBERS = frozenset({Role.ADMIN, Role.ASKER, Role.MEMBER})
ADMIN, ASKER = frozenset({Role.ADMIN}), frozenset({Role.ASKER})
SHUT_OUT = frozenset({Role.GUEST, Role.EXTERNAL})
AWAY = frozenset({Role.STRANGER, Role.OUTSIDER})


@dataclass(frozen=True)
class Somebody:
    """A person at his screen, the channel before him, and the installation that serves him there."""

    person: Person
    workspace: str
    team: str
    channel: str
    version: int = 2
    """Of the policy in force."""


class Thing(StrEnum):
    """What a button or a form names by a number."""

    WAITING = "a request that waits for approval"
    ASKED = "a request that waits for its asker"
    ENDED = "a request that was cancelled"
    DONE = "a request whose mailbox was made"
    STALLED = "a call that takes too long"
    UNKNOWN = "a call of which nobody knows the end"
    KEY = "the key in force"


class Outcome(StrEnum):
    """What comes of it where it is allowed."""

    MOVED = "the row that was named is another one now"
    FORM = "a form is open"
    ANSWER = "a private answer"
    SHOWN = "the form shows what came of it"
    CHOICES = "choices"


@dataclass(frozen=True)
class Try:
    """One way in: what it names, who may, and what the other members are told."""

    kind: str
    outcome: Outcome
    may: frozenset[Role] = MEMBERS
    otherwise: Mapping[Role, str] = field(default_factory=dict)
    thing: Thing | None = None
    value: str = ""
    untried: frozenset[Role] = frozenset()
    """Those whose success would end what the others are tried with."""


def _but(text: str, *roles: Role) -> dict[Role, str]:
    return dict.fromkeys(roles or (Role.ASKER, Role.MEMBER), text)


STEERING: Mapping[str, Any] = {
    "kind": "click",
    "outcome": Outcome.MOVED,
    "may": frozenset({Role.ADMIN, Role.ASKER}),
    "otherwise": _but(refusals.NOT_YOUR_REQUEST, Role.MEMBER),
    "value": "{id}",
}
AUDITING: Mapping[str, Any] = {"kind": "click", "may": ADMIN, "otherwise": _but(refusals.NOT_YOUR_AUDIT)}
LISTING = '{"kind": "domains", "query": {}, "page": 1}'
NOT_YOUR_KEY = "Only admins, owners and whoever connected the key"
DECIDING = {Role.ASKER: deciding.NOT_AN_APPROVER, Role.MEMBER: deciding.NOT_AN_APPROVER}

TRIES: Mapping[str, Try] = {
    "command:/mail": Try("command", Outcome.ANSWER, value="/mail tasks", untried=frozenset({Role.EXTERNAL})),
    "event:app_mention": Try("mention", Outcome.ANSWER, value="tasks"),
    "shortcut:create_mailboxes_here": Try("shortcut", Outcome.FORM),
    "action:open_form": Try("click", Outcome.FORM, value='{"kind": "domain_create", "filled": {}}'),
    "action:open_connect": Try("click", Outcome.FORM, ADMIN, _but(NOT_YOUR_KEY)),
    "action:run_again": Try(
        "click", Outcome.ANSWER, value='{"kind": "domain_create", "parameters": {"domain": "again{new}.example"}}'
    ),
    "action:run_line": Try("click", Outcome.ANSWER, value="tasks"),
    "action:turn_page": Try("click", Outcome.ANSWER, value=LISTING),
    "action:get_csv": Try("click", Outcome.ANSWER, value=LISTING),
    "action:turn_audit": Try(**AUDITING, outcome=Outcome.ANSWER, value='{"words": [], "page": 1}'),
    "action:get_audit_csv": Try(**AUDITING, outcome=Outcome.ANSWER, value='{"words": [], "page": 1}'),
    "action:show_credentials": Try(
        "click",
        Outcome.FORM,
        frozenset({Role.ADMIN, Role.ASKER}),
        _but(refusals.NOT_YOUR_CREDENTIALS, Role.MEMBER),
        Thing.DONE,
        "{id}",
    ),
    "action:keep_watching": Try(**STEERING, thing=Thing.STALLED),
    "action:look_again": Try(**STEERING, thing=Thing.UNKNOWN),
    "action:send_again": Try(**STEERING, thing=Thing.UNKNOWN),
    "action:approve_request": Try("click", Outcome.MOVED, ADMIN, DECIDING, Thing.WAITING, "{ballot}"),
    "action:confirm_request": Try(
        "click",
        Outcome.MOVED,
        ASKER,
        _but(deciding.NOT_YOURS_TO_CONFIRM, Role.ADMIN, Role.MEMBER),
        Thing.ASKED,
        "{ballot}",
    ),
    "action:reject_request": Try("click", Outcome.FORM, ADMIN, DECIDING, Thing.WAITING, "{ballot}"),
    "action:cancel_request": Try(
        "click",
        Outcome.MOVED,
        ASKER,
        _but(deciding.NOT_YOURS_TO_CANCEL, Role.ADMIN, Role.MEMBER),
        Thing.WAITING,
        "{ballot}",
    ),
    "action:ask_again": Try(
        "click",
        Outcome.ANSWER,
        ASKER,
        _but(deciding.NOT_YOURS_TO_REPEAT, Role.ADMIN, Role.MEMBER),
        Thing.ENDED,
        "{id}",
    ),
    "action:change_policy": Try("click", Outcome.FORM, ADMIN, _but(refusals.NOT_YOUR_POLICY), value="approvers"),
    "view:connect": Try("submission", Outcome.SHOWN, ADMIN, _but(NOT_YOUR_KEY), untried=AWAY),
    "view:operation:": Try("submission", Outcome.SHOWN),
    "view:disconnect": Try(
        "submission",
        Outcome.SHOWN,
        ADMIN,
        {**_but(NOT_YOUR_KEY), **_but(refusals.KEY_REPLACED, *AWAY)},
        Thing.KEY,
        "{id}",
        untried=ADMIN,
    ),
    "view:rejection": Try("submission", Outcome.MOVED, ADMIN, DECIDING, Thing.WAITING, "{ballot}"),
    "view:policy:": Try("submission", Outcome.SHOWN, ADMIN, _but(refusals.NOT_YOUR_POLICY)),
    "view_closed:rejection": Try("closing", Outcome.ANSWER, thing=Thing.WAITING, value="{ballot}"),
    "options:find_group": Try("choices", Outcome.CHOICES, ADMIN, _but("")),
    "options:find_domain": Try("choices", Outcome.CHOICES),
}
"""What is tried at each way in; a way in that is registered and not here fails a test."""

OF_NOBODY = {
    "event:app_uninstalled": "Slack says it of a workspace as a whole, and names nothing of another one",
    "event:tokens_revoked": "the same",
    "event:team_access_revoked": "Slack says it of an organisation, and of its own teams nothing else is looked at",
    "*": "acknowledged; nothing is done",
}
"""The ways in that no person comes by."""


class _Named:
    """Stands for the handlers, which are only passed on."""

    def __getattr__(self, name: str) -> Any:
        return _Named()


class _Recorder:
    """An app that only notes what is listened for."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __getattr__(self, kind: str) -> Any:
        def listen(constraint: Any) -> Any:
            self.heard.append(_way_in(kind, getattr(constraint, "pattern", constraint)))
            return lambda listener: listener

        return listen


def _way_in(kind: str, pattern: str) -> str:
    return "*" if pattern == ".*" else f"{kind}:{pattern.removesuffix('(:.*)?').removesuffix('.*')}"


def ways_in() -> set[str]:
    """What the bot listens for, as it registers it."""
    app: Any = _Recorder()
    handlers: Any = _Named()
    guard: Any = lambda _door, handle, **_options: handle  # noqa: E731 - it is called as the guard is
    register(app, guard, handlers)
    return set(app.heard)


def view(name: str, where: Somebody, value: str) -> dict[str, Any]:
    """A form as it comes back, filled in."""
    kind = name.partition(":")[2]
    number = next(_numbers)
    filled: dict[str, Any] = {}
    metadata, callback = json.dumps({"channel": where.channel, "thread": None}), kind
    match kind:
        case "connect":
            filled = {"api_key": {"value": "W" * 32}, "caller_id": {"value": "9"}}
        case "operation:":
            callback = "operation:domain_create"
            filled = {"domain": {"value": f"filled{number}.example"}}
        case "disconnect":
            metadata = value
        case "rejection":
            metadata = json.dumps({"ballot": value, "channel": where.channel, "thread": None})
            filled = {deciding.REASON: {"value": "No"}}
        case "policy:":
            callback, metadata = "policy:gates", json.dumps({"version": where.version})
            chosen = {"domains": "approve", "subdomains": "confirm", "mailboxes": "none"}
            filled = {each: {"selected_option": {"value": gate}} for each, gate in chosen.items()}
            filled["threshold"] = {"value": None}
        case _:
            pass
    return {
        "id": f"V0MATRIX{number}",
        "hash": f"{number}.hash",
        "type": "modal",
        "callback_id": callback,
        "private_metadata": metadata,
        "blocks": [{"type": "input", "block_id": "field"}],
        "state": {"values": {each: {"value": entered} for each, entered in filled.items()}},
    }


def payload(name: str, way_in: Try, where: Somebody, value: str) -> dict[str, Any]:
    """What Slack delivers of a form or a select, for the installation `where` it is."""
    wide = where.workspace.startswith("E")
    team = None if wide else {"id": where.team, "domain": where.team.lower()}
    about = {
        "user": {"id": where.person.id, "team_id": where.team},
        "team": team,
        "enterprise": {"id": where.workspace, "name": where.workspace} if wide else None,
        "is_enterprise_install": wide,
        "token": "none",
        "api_app_id": "A0MAILROOM",
    }
    shown = view(name, where, value)
    if not wide:
        shown["app_installed_team_id"] = where.workspace
    trigger = {"trigger_id": f"matrix.{next(_numbers)}"}
    match way_in.kind:
        case "submission":
            return {**about, **trigger, "type": "view_submission", "view": shown, "response_urls": []}
        case "closing":
            return {**about, "type": "view_closed", "view": shown, "is_cleared": False}
        case _:
            kind = name.partition(":")[2]
            asked = {"type": "block_suggestion", "action_id": kind, "block_id": "b", "value": ""}
            return {**about, **asked, "view": shown, "container": {"type": "view", "view_id": shown["id"]}}


def with_button(message: Message, action: str, value: str) -> Message:
    """The message with one button, as a person's client shows it."""
    button = {
        "type": "button",
        "action_id": action,
        "text": {"type": "plain_text", "text": "Try"},
        **({"value": value} if value else {}),
    }
    return replace(message, blocks=[{"type": "actions", "block_id": f"m{next(_numbers)}", "elements": [button]}])


def spelled(text: str, thing: Any) -> str:
    """A value with the number of what it names."""
    for word, number in (("{id}", getattr(thing, "id", "")), ("{ballot}", getattr(thing, "ballot", ""))):
        text = text.replace(word, str(number))
    return text.replace("{new}", str(next(_numbers)))
