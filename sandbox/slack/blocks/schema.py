"""Small checks that are put together to a description of Slack's JSON; each yields what is wrong, as Slack words it."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Problems = Iterator[str]
Check = Callable[[Any, str], Problems]


def problem(what: str, where: str) -> str:
    """`what`, with the place as a JSON pointer."""
    return f"[ERROR] {what} [json-pointer:{where}]"


def text(most: int, least: int = 1) -> Check:
    """A string of `least` to `most` characters."""

    def check(value: Any, where: str) -> Problems:
        if not isinstance(value, str):
            yield problem("must provide a string", where)
        elif len(value) > most:
            yield problem(f"must be less than {most + 1} characters", where)
        elif len(value) < least:
            yield problem(f"must be more than {least - 1} characters", where)

    return check


def matching(pattern: str, what: str) -> Check:
    """A string that `pattern` matches as a whole."""

    def check(value: Any, where: str) -> Problems:
        if not isinstance(value, str) or re.fullmatch(pattern, value) is None:
            yield problem(what, where)

    return check


def flag(value: Any, where: str) -> Problems:
    """True or false."""
    if not isinstance(value, bool):
        yield problem("must provide a boolean", where)


def number(value: Any, where: str) -> Problems:
    """Any number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield problem("must provide a number", where)


def whole(least: int, most: int) -> Check:
    """A whole number between `least` and `most`."""

    def check(value: Any, where: str) -> Problems:
        if isinstance(value, bool) or not isinstance(value, int):
            yield problem("must provide an integer", where)
        elif not least <= value <= most:
            yield problem(f"must be between {least} and {most}", where)

    return check


def one_of(*allowed: str) -> Check:
    """One of these words."""

    def check(value: Any, where: str) -> Problems:
        if value not in allowed:
            yield problem(f"must be one of: {', '.join(allowed)}", where)

    return check


def listed(item: Check, most: int, least: int = 1) -> Check:
    """A list of `least` to `most` items."""

    def check(value: Any, where: str) -> Problems:
        if not isinstance(value, list):
            yield problem("must provide an array", where)
            return
        if len(value) > most:
            yield problem(f"no more than {most} items allowed", where)
        if len(value) < least:
            yield problem(f"no fewer than {least} items allowed", where)
        for index, each in enumerate(value):
            yield from item(each, f"{where}/{index}")

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields and no others."""
    fields = {**required, **(optional or {})}

    def check(value: Any, where: str) -> Problems:
        if not isinstance(value, dict):
            yield problem("must provide an object", where)
            return
        for name in required:
            if name not in value:
                yield problem(f"missing required field: {name}", where)
        for name, content in value.items():
            if name not in fields:
                yield problem(f"invalid additional property: {name}", where)
            else:
                yield from fields[name](content, f"{where}/{name}")

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of `kinds` it has to satisfy."""

    def check(value: Any, where: str) -> Problems:
        if not isinstance(value, dict):
            yield problem("must provide an object", where)
        elif not isinstance(value.get("type"), str):
            yield problem("missing required field: type", where)
        elif value["type"] not in kinds:
            yield problem(f"unsupported type: {value['type']}", f"{where}/type")
        else:
            yield from kinds[value["type"]](value, where)

    return check


def also(check: Check, rule: Callable[[dict[str, Any]], str | None]) -> Check:
    """`check`, and for an object that passes it `rule`, which returns what is wrong or `None`."""

    def both(value: Any, where: str) -> Problems:
        problems = list(check(value, where))
        yield from problems
        if not problems and (wrong := rule(value)):
            yield problem(wrong, where)

    return both


def any_string(value: Any, where: str) -> Problems:
    """A string of any length."""
    return text(1_000_000, least=0)(value, where)
