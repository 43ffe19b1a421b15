"""Secrets and people's addresses, taken out of what is logged: the last of several defences, for what nobody foresaw.

What is known to be a secret never gets into a log line in the first place. This finds what comes in with an exception
of a library, with a payload, or with a line that somebody adds tomorrow.
"""

import re
from collections.abc import Collection, Mapping
from typing import Any

GONE = "***"
_SHORTEST = 8
"""Of a known secret: anything shorter would stand in ordinary words."""
_LONGEST = 50_000
"""What follows of a text is left out: whoever sends a megabyte is not to hold up everybody while it is searched."""
_LONGEST_SECRET = 1_000
_DEEPEST = 8
"""How deep values are looked into; what is deeper is shown as text."""

_NAMES = (
    r"(?:api[_-]?|encryption[_-]?|signing[_-]?)?key|secret|client[_-]?secret|signing[_-]?secret|pass(?:word|wd|phrase)|"
    r"pwd|(?:access|refresh|bot|app|user|id)?[_-]?token|ticket|authorization|cookie|set-cookie|response[_-]?url|"
    r"upload[_-]?url|x-slack-signature"
)
_SECRET_NAME = re.compile(rf"(?:{_NAMES}|code|code_verifier)s?", re.IGNORECASE)
"""The names of values that are secrets whatever they look like."""
_BEGINS = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
"""Where a run of letters and digits begins, also behind what `repr`, JSON or a URL makes of other characters."""
_ASSIGNED = r"[\"'\\]{0,4}\s{0,3}(?:=|:|%3D|%3A)\s{0,3}"
_VALUE = r"""(?:(?:bearer|basic)\s+)?(?:\\?"(?:[^"\\]|\\(?!"))*\\?"|'[^']*'|b'[^']*'|[^\s"'&,;(){}\[\]<>]+)"""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9%-]+"), GONE),
    (re.compile(r"\bxapp-[A-Za-z0-9%-]+"), GONE),
    (
        re.compile(r"(https?://[^/\s\"'<>]+/(?:commands|actions|app|services|workflows|triggers)/)[^\s\"'<>]+"),
        rf"\1{GONE}",
    ),
    (re.compile(r"(https?://hooks\.slack(?:-gov)?\.com/)[^\s\"'<>]+"), rf"\1{GONE}"),
    (re.compile(r"(https?://files\.slack\.com/)[^\s\"'<>]+"), rf"\1{GONE}"),
    (re.compile(r"([a-z][a-z0-9+.-]{0,30}://)[^/\s\"'<>@]{1,300}@", re.IGNORECASE), rf"\1{GONE}@"),
    (re.compile(rf"([\"'](?:{_NAMES}|code)[\"'],\s{{0,3}})b?(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE), rf"\1{GONE}"),
    (re.compile(rf"(?<![A-Za-z])({_NAMES})({_ASSIGNED})(?!\*\*\*){_VALUE}", re.IGNORECASE), rf"\1\2{GONE}"),
    (re.compile(r"([?&\s\"']code(?:=|%3D))[^\s\"'&<>]+", re.IGNORECASE), rf"\1{GONE}"),
    (re.compile(r"([\"']code\\?[\"']\s{0,3}:\s{0,3}\\?[\"'])[^\"'\\]+"), rf"\1{GONE}"),
    (re.compile(r"\b[0-9]{6,20}\.[0-9]{6,20}\.[0-9a-f]{32,64}\b"), GONE),
    (re.compile(r"\bv0=[0-9a-f]{64}\b"), f"v0={GONE}"),
    (re.compile(r"gAAAAA[A-Za-z0-9_-]{20,}={0,2}"), GONE),
    (re.compile(rf"{_BEGINS}(?=[A-Za-z0-9_-]{{0,43}}[A-Za-z])[A-Za-z0-9_-]{{43}}=(?!=)"), GONE),
    (re.compile(rf"{_BEGINS}(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{{32}}(?![A-Za-z0-9])"), GONE),
)
"""Each form in which a secret is known by what it looks like, or by what stands before it."""
_ADDRESS = re.compile(r"([A-Za-z0-9])[A-Za-z0-9!#$%&*+/=?^_{|}~.-]{0,63}(?<!\*)(@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")


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
        if self._known is not None:
            text = self._known.sub(GONE, text)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return _ADDRESS.sub(rf"\1{GONE}\2", text) if addresses else text
