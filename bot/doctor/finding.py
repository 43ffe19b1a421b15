from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How something stands."""

    FINE = "fine"
    WRONG = "wrong"
    UNKNOWN = "not checked"


@dataclass(frozen=True)
class Finding:
    """What was found of one thing, without secrets; `advice` is what to do where it is wrong."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


def fine(check: str, found: str) -> Finding:
    """It is as it should be."""
    return Finding(check, Verdict.FINE, found)


def wrong(check: str, found: str, advice: str) -> Finding:
    """It keeps the bot from its work."""
    return Finding(check, Verdict.WRONG, found, advice)


def unknown(check: str, why: str) -> Finding:
    """It could not be looked at."""
    return Finding(check, Verdict.UNKNOWN, why)


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many}"
