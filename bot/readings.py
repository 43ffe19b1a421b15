"""What is logged often stands in a form, in JSON or in quotes of Python: each way to read such a text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_STANDS_FOR = re.compile(
    r"%([0-9A-Fa-f]{2})|\\x([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\([\\/\"'])|\\([nrt])|&amp(;)",
)
"""What forms, bytes, JSON and Slack put in the place of one character."""
_MEANT = {"n": "\n", "r": "\r", "t": "\t", ";": "&"}
_PART = "\ufffd"
"""For each byte of a character that has several: none of them ends a word."""
_MOST = 5
"""Readings of one text, such as JSON in JSON in a form in bytes; each is shorter than the one before."""


@dataclass(frozen=True)
class Reading:
    """A text in one of the ways to read it, and where in the original each of its characters begins, and its end."""

    text: str
    begins: Sequence[int]


def readings(text: str) -> Iterator[Reading]:
    """The text as it stands, and what it says when what was put in the place of characters is undone, time by time."""
    reading = Reading(text, range(len(text) + 1))
    yield reading
    for _ in range(_MOST - 1):
        further = _undone(reading)
        if len(further.text) == len(reading.text):
            return
        yield further
        reading = further


def _undone(reading: Reading) -> Reading:
    parts: list[str] = []
    begins: list[int] = []
    end = 0
    for found in _STANDS_FOR.finditer(reading.text):
        parts += (reading.text[end : found.start()], _character(found))
        begins += reading.begins[end : found.start() + 1]
        end = found.end()
    return Reading("".join((*parts, reading.text[end:])), [*begins, *reading.begins[end:]])


def _character(found: re.Match[str]) -> str:
    said = found[found.lastindex or 0]
    match found.lastindex:
        case 1 | 2:
            return chr(int(said, 16)) if int(said, 16) < 128 else _PART  # noqa: PLR2004 - ASCII's end
        case 3:
            return chr(int(said, 16))
        case _:
            return _MEANT.get(said, said)
