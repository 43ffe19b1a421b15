"""Typed text, taken apart at the edge into types that cannot be wrong."""

import re
import shlex
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Annotated

import idna
from pydantic import AfterValidator

from bot.edge import as_meant, mentioned
from bot.errors import NotADomain, UsageError
from bot.texts import refusals

OPTIONS = ("name", "quota")
"""The options that may be typed without their dashes, as in `quota=512`."""
MOST_MAILBOXES = 1_000
MOST_LABELS = 10
"""MailAPI's reference: up to 10 sub-domains in a request."""
LONGEST_LOCAL_PART = 64
"""RFC 5321, 4.5.3.1.1."""
LONGEST_ADDRESS = 254
"""RFC 5321, 4.5.3.1.3: a path has 256, two of which are its brackets."""
LONGEST_DOMAIN = 253
LONGEST_NAME = 200
LONGEST_LINE = 2_000
"""Ten labels of the longest kind fit; a mention may be twenty times as long, and is taken apart sign by sign."""
LONGEST_FILTER = 100
"""Of what is looked for in a list; longer than any part of a name."""
MOST_QUOTA_MB = 1_048_576

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_{|}~-]+)*")
_QUOTA = re.compile(r"([0-9]{1,9}) ?(mb?|gb?)?", re.IGNORECASE)
_MB_IN_GB = 1024
_APOSTROPHE = re.compile(r"(?<=\w)'(?=\w)")
_KEPT_APOSTROPHE = "\u2019"
"""Stands for it while a line is split; the edge leaves none of these."""
_DIGITS = re.compile(r"[0-9]{1,9}")
_RUN = re.compile("[A-Za-z0-9]+")
_KEY = re.compile(r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9]{32}")


def holds_key(text: str) -> bool:
    """Whether a part of it looks like a MailAPI key, which no domain, name or number does."""
    return any(_KEY.fullmatch(run) for run in _RUN.findall(text))


@dataclass(frozen=True)
class Typed:
    """The words and options of a typed line; `problem` is what kept it from being taken apart in full.

    `ids` are those of the people and channels that it mentions, by the words that stand for them.
    """

    words: tuple[str, ...]
    options: dict[str, str]
    problem: str | None = None
    ids: Mapping[str, str] = field(default_factory=dict)

    def after(self, count: int) -> "Typed":
        """The same without the first `count` words."""
        return replace(self, words=self.words[count:])

    def only(self, *known: str, example: str) -> dict[str, str]:
        """The options, none of which is beside `known`; raises `UsageError`, also for the line's own problem."""
        for name in self.options:
            if name not in known:
                raise UsageError(refusals.unknown_option(name), example=example)
        if self.problem:
            raise UsageError(self.problem, example=example)
        return self.options


def take_apart(text: str) -> Typed:
    """The words and `--options` of a line as Slack delivers it."""
    line = as_meant(text)
    try:
        return replace(_sorted_out(_split(line)), ids=mentioned(text))
    except ValueError:
        words = line.replace('"', " ").replace("'", " ").split()
        return replace(_sorted_out(words), problem=refusals.OPEN_QUOTE)


def _split(line: str) -> list[str]:
    """Split as a shell does, but with backslashes as plain characters; raises `ValueError` for an open quote.

    An apostrophe inside a word, as in O'Brien, quotes nothing.
    """
    lexer = shlex.shlex(_APOSTROPHE.sub(_KEPT_APOSTROPHE, line), posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    return [word.replace(_KEPT_APOSTROPHE, "'") for word in lexer]


def _sorted_out(parts: list[str]) -> Typed:
    words: list[str] = []
    options: dict[str, str] = {}
    problem: str | None = None
    left = deque(parts)
    while left:
        part = left.popleft()
        name, has_value, value = part.removeprefix("--").partition("=")
        name = name.lower()
        if not part.startswith("--") and not (has_value and name in OPTIONS):
            words.append(part)
            continue
        if not has_value and left and not left[0].startswith("--"):
            value = left.popleft()
        if not value.strip():
            problem = problem or refusals.no_value(name)
        elif name in options:
            problem = problem or refusals.twice(name)
        options[name] = value
    return Typed(tuple(words), options, problem)


@lru_cache(maxsize=1024)
def domain(text: str) -> str:
    """A domain in lower case, as punycode where it is international; raises `ValueError`."""
    name = text.strip().rstrip(".").lower()
    try:
        ascii_name = idna.encode(name, uts46=True).decode() if name else ""
    except idna.IDNAError:
        ascii_name = ""
    labels = ascii_name.split(".")
    # A top-level domain is never a number: what ends in one is an IP address.
    if len(labels) == 1 or labels[-1].isdigit() or not all(_LABEL.fullmatch(label) for label in labels):
        raise NotADomain(refusals.no_domain(text), text)
    return ascii_name


def label(text: str) -> str:
    """A sub-domain's label in lower case: letters, numbers and hyphens, as MailAPI takes; raises `ValueError`."""
    name = text.strip().lower()
    if not _LABEL.fullmatch(name):
        raise ValueError(refusals.no_label(text))
    return name


def local_part(text: str) -> str:
    """What stands before the @ of an address, in lower case; raises `ValueError`."""
    local = text.strip().lower()
    if len(local) > LONGEST_LOCAL_PART or not _LOCAL_PART.fullmatch(local):
        raise ValueError(refusals.no_local_part(text))
    return local


def display_name(text: str) -> str:
    """A name that is shown beside an address; raises `ValueError`."""
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(refusals.no_name(LONGEST_NAME))
    return name


DisplayName = Annotated[str, AfterValidator(display_name)]
Domain = Annotated[str, AfterValidator(domain)]
Label = Annotated[str, AfterValidator(label)]
LocalPart = Annotated[str, AfterValidator(local_part)]


def count(text: str) -> int:
    """How many mailboxes; raises `ValueError`."""
    number = _whole(text)
    if number < 1:
        raise ValueError(refusals.no_count(text))
    if number > MOST_MAILBOXES:
        raise ValueError(refusals.too_many_mailboxes(number, MOST_MAILBOXES))
    return number


def quota_mb(text: str) -> int:
    """A quota in megabytes, from `1024`, `1024MB` or `1GB`; raises `ValueError`."""
    found = _QUOTA.fullmatch(text.strip())
    number = int(found[1]) * (_MB_IN_GB if (found[2] or "").lower().startswith("g") else 1) if found else 0
    if not 1 <= number <= MOST_QUOTA_MB:
        raise ValueError(refusals.no_quota(text))
    return number


def wanted(text: str) -> str:
    """What is looked for in a list, in small letters; raises `ValueError`."""
    small = text.lower()
    if len(small) > LONGEST_FILTER:
        raise ValueError(refusals.long_filter(LONGEST_FILTER))
    return small


def _whole(text: str) -> int:
    """The number in plain digits, or 0 for anything else."""
    return int(text) if _DIGITS.fullmatch(text) else 0
