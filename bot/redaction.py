"""Secrets and people's addresses, taken out of what is logged: the last of several defences, for what nobody foresaw.

What is known to be a secret never gets into a log line in the first place. This finds what comes in with an exception
of a library, with a payload, or with a line that somebody adds tomorrow.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from bot.readings import readings

GONE = "***"
_SHORTEST = 8
"""Of a known secret: anything shorter would stand in ordinary words."""
_LONGEST = 50_000
"""What follows of a text is left out: whoever sends a megabyte is not to hold up everybody while it is searched."""
_LONGEST_SECRET = 1_000
_MOST_LOOKS = 4
"""What is taken out may bring together what reads as something to take out; hardly ever more than once."""
_DEEPEST = 8
"""How deep values are looked into; what is deeper is shown as text."""

_NAMES = (
    r"(?:api[_-]?|encryption[_-]?|signing[_-]?)?key|secret|client[_-]?secret|signing[_-]?secret|pass(?:word|wd|phrase)|"
    r"pwd|(?:access|refresh|bot|app|user|id)?[_-]?token|ticket|authorization|cookie|set-cookie|response[_-]?url|"
    r"upload[_-]?url|x-slack-signature"
)
_SECRET_NAME = re.compile(rf"(?:{_NAMES}|code|code_verifier)s?", re.IGNORECASE)
"""The names of values that are secrets whatever they look like."""
_ASSIGNED = r"[\"'\\]{0,4}\s{0,3}[=:][\s+]{0,3}"
"""In a form, a plus is a space."""
_VALUE = r"""(?:(?:bearer|basic)[\s+]+)?(?:\\?"(?:[^"\\]|\\(?!"))*\\?"|'[^']*'|b'[^']*'|[^\s"'&,;(){}\[\]<>]+)"""

_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9%-]+",
        r"\bxapp-[A-Za-z0-9%-]+",
        r"https?://[^/\s\"'<>]+/(?:commands|actions|app|services|workflows|triggers)/([^\s\"'<>&]+)",
        r"https?://hooks\.slack(?:-gov)?\.com/([^\s\"'<>&]+)",
        r"https?://files\.slack\.com/([^\s\"'<>]+)",
        r"(?i:[a-z][a-z0-9+.-]{0,30})://([^/\s\"'<>@]{1,300})@",
        rf"(?i:[\"'](?:{_NAMES}|code)[\"'],[\s+]{{0,3}}(b?(?:\"[^\"]*\"|'[^']*')))",
        rf"(?i:(?<![A-Za-z])(?:{_NAMES}){_ASSIGNED}({_VALUE}))",
        r"(?i:[?&\s\"']code=)([^\s\"'&<>]+)",
        r"[\"']code\\?[\"']\s{0,3}:[\s+]{0,3}\\?[\"']([^\"'\\]+)",
        r"\b[0-9]{6,20}\.[0-9]{6,20}\.[0-9a-f]{32,64}\b",
        r"\bv0=([0-9a-f]{64})\b",
        r"gAAAAA[A-Za-z0-9_-]{20,}={0,2}",
        r"(?<![A-Za-z0-9])(?=[A-Za-z0-9_-]{0,43}[A-Za-z])[A-Za-z0-9_-]{43}=(?!=)",
        r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{32}(?![A-Za-z0-9])",
    )
)
"""Each form in which a secret is known by what it looks like, or by what stands before one that is in parentheses."""

_AT = re.compile(r"@(?:[\w\ufffd.-]*+(?!@))?")
_ENDS = re.compile(r"[\s\"(),:;<>@\[\\\]]")
"""What stands in no local part; all else may, since here nothing is refused."""
_LONGEST_LOCAL_PART = 64
_SHOWN = re.compile(r"//|[^\w*]{0,3}\w?")
"""Of a local part: its first letter, and what may stand before it, such as a quote."""
_CUT = f"<{GONE}>"
"""For the end of what is too long for one. Neither this nor what is left before it is taken for one or for a secret."""


@dataclass(frozen=True, order=True)
class _Span:
    """A part of a text that is to go, and what is shown instead."""

    start: int
    end: int
    instead: str = GONE


class Redactor:
    """Takes secrets out of texts and values; `known` are those of this process, of whatever form."""

    def __init__(self, known: Collection[str] = ()) -> None:
        long_enough = sorted({secret for secret in known if len(secret) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, long_enough))) if long_enough else None

    def value(self, value: Any, *, addresses: bool, depth: int = 0) -> Any:
        """The same value without secrets; with `addresses` also without the local parts of mail addresses."""
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value, addresses=addresses)
            case Mapping() if depth < _DEEPEST:
                return self._mapping(value, addresses=addresses, depth=depth + 1)
            case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
                return [self.value(each, addresses=addresses, depth=depth + 1) for each in value]
            case _:
                return self.text(str(value), addresses=addresses)

    def _mapping(self, values: Mapping[Any, Any], *, addresses: bool, depth: int) -> dict[str, Any]:
        redacted = {}
        for key, value in values.items():
            name = self.text(str(key), addresses=addresses)
            secret = value and isinstance(value, str | bytes) and _SECRET_NAME.fullmatch(name)
            redacted[name] = GONE if secret else self.value(value, addresses=addresses, depth=depth)
        return redacted

    def text(self, text: str, *, addresses: bool) -> str:
        """The same text without secrets; with `addresses` also without the local parts of mail addresses."""
        if len(text) > _LONGEST:
            # What is cut in two is not found, so the end of what was looked at is left out as well.
            return f"{self.text(text[:_LONGEST], addresses=addresses)[:-_LONGEST_SECRET]}…"
        for _ in range(_MOST_LOOKS):
            redacted = _without(text, sorted(self._found(text, addresses=addresses)))
            if redacted == text:
                break
            text = redacted
        return text

    def _found(self, text: str, *, addresses: bool) -> Iterator[_Span]:
        patterns = _PATTERNS if self._known is None else (self._known, *_PATTERNS)
        for reading in readings(text):
            begins = reading.begins
            for found in chain.from_iterable(pattern.finditer(reading.text) for pattern in patterns):
                start, end = found.span(found.lastindex or 0)
                yield _Span(begins[start], begins[end])
            for span in _local_parts(reading.text) if addresses else ():
                yield _Span(begins[span.start], begins[span.end], span.instead)


def _local_parts(text: str) -> Iterator[_Span]:
    """What stands before each @, but for its first letter."""
    before = 0
    for at in _AT.finditer(text):
        found = text[max(before, at.start() - _LONGEST_LOCAL_PART - 1) : at.start()]
        unquoted = found.rstrip('"')
        local_part, end = _ENDS.split(unquoted)[-1], at.start() - len(found) + len(unquoted)
        if len(local_part) > _LONGEST_LOCAL_PART:
            yield _Span(end - _LONGEST_LOCAL_PART, end, _CUT)
        elif local_part:
            yield _Span(end - len(_SHOWN.sub("", local_part, count=1)), end)
        before = at.end()


def _without(text: str, spans: Iterable[_Span]) -> str:
    """The text without these, which are in order; where several meet they go as one."""
    kept: list[str] = []
    end, instead = 0, ""
    for span in spans:
        if not instead or span.start > end:
            kept += (instead, text[end : span.start])
            end, instead = span.end, span.instead
        else:
            end, instead = max((end, instead), (span.end, span.instead))  # what is shown is that of the last
    return "".join((*kept, instead, text[end:]))
