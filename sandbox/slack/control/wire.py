"""Control: what goes over the wire, as lines that a person can read. Nothing of it shows a key."""

import re
from typing import Any

from sandbox.slack.identity import direct_channel
from sandbox.slack.platform import Platform
from sandbox.slack.world import Json

_MOST = 150
_LONGEST = 140
_KEY = re.compile(r"\b([A-Za-z0-9]{4})[A-Za-z0-9]{28}\b")
_ID = re.compile(r"<[@#](\w+)(?:\|[^>]*)?>|\b([UCD]0\w+)\b")
_ABOUT = ("channel", "user", "filename", "text")
"""The arguments of a Web API call that say what it is about."""


async def wire(platform: Platform, _asked: Json) -> Any:
    """{}: the latest lines, oldest first: `id`, `at`, `kind`, `what`, `about`, `result`, `good`."""
    names = _names(platform)
    lines = [_envelope(number, each) for number, each in _latest(platform.envelopes)]
    lines += [_call(number, each) for number, each in _latest(platform.calls)]
    if platform.playground.wire is not None:
        lines += [_request(each) for each in (await platform.playground.wire(0))[-_MOST:]]
    latest = sorted(lines, key=lambda line: line["at"])[-_MOST:]
    return [line | {"about": _told(line["about"], names)} for line in latest]


def _names(platform: Platform) -> dict[str, str]:
    home = platform.home
    people = {user.id: f"@{user.name}" for user in home.users.values()}
    direct = {direct_channel(user): f"to {name}" for user, name in people.items()}
    return people | direct | {each.id: f"#{each.name}" for each in home.channels.values() if each.kind != "im"}


def _told(about: str, names: dict[str, str]) -> str:
    """A line with names for ids, without keys, and short."""
    named = _ID.sub(lambda found: names.get(found[1] or found[2], found[0]), about)
    masked = _KEY.sub(r"\1…", named)
    return masked if len(masked) <= _LONGEST else masked[: _LONGEST - 1] + "…"


def _latest(recorded: list[Json]) -> list[tuple[int, Json]]:
    first = max(0, len(recorded) - _MOST)
    return list(enumerate(recorded[first:], first))


def _envelope(number: int, record: Json) -> Json:
    retry = f", retry {record['retry']}" if record["retry"] else ""
    line = _line(f"e{number}", record["at"], "envelope", f"{record['kind']}{retry}", _subject(record["payload"]))
    if record["error"]:
        return line | {"result": record["error"], "good": False}
    if record["seconds"] is None:
        return line | {"result": "no acknowledgement yet"}
    return line | {"result": f"acknowledged in {record['seconds'] * 1000:.1f} ms", "good": True}


def _subject(payload: Json) -> str:
    if "command" in payload:
        return f"{payload['command']} {payload['text']}"
    if payload.get("actions"):
        action = payload["actions"][0]
        return str(action.get("text", {}).get("text") or action.get("action_id"))
    if payload.get("view"):
        return str(payload["view"]["callback_id"] or payload["view"]["title"]["text"])
    return str(payload.get("event", {}).get("text") or payload.get("callback_id") or payload.get("value") or "")


def _call(number: int, record: Json) -> Json:
    told = [str(record["arguments"][name]) for name in _ABOUT if record["arguments"].get(name)]
    line = _line(f"c{number}", record["at"], "call", record["method"], " ".join(told))
    if record["fault"]:
        return line | {"result": f"fault: {record['fault']}", "good": False}
    answer = record["answer"] or {}
    return line | {"result": "ok" if answer.get("ok", True) else str(answer["error"]), "good": answer.get("ok", True)}


def _request(record: Json) -> Json:
    about = ", ".join(f"{name}: {value}" for name, value in record["parameters"].items())
    line = _line(f"m{record['number']}", record["at"], "mailapi", record["endpoint"], about)
    status = record["status"]
    applied = " and was carried out" if record["applied"] and status is None else ""
    result = f"no answer{applied}" if status is None else str(status)
    return line | {"result": result, "good": status is not None and status < 400}  # noqa: PLR2004 - HTTP's own limit


def _line(name: str, at: float, kind: str, what: str, about: str) -> Json:
    return {"id": name, "at": at, "kind": kind, "what": what, "about": about, "result": "", "good": None}
