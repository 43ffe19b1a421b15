"""What Slack and phones do to typed text, undone: what is left is what the person meant to type."""

import html
import re

_LINK = re.compile(r"<(?:https?://|mailto:|tel:)([^|>]*)(?:\|([^>]*))?>")
_MENTION = re.compile(r"<([#@])([A-Z0-9]+)(?:\|([^>]*))?>")
_DASHES = re.compile(r"(?<!\S)(?:[\u2012-\u2015]-?|[-\u2010\u2011\u2212]{2})(?=[A-Za-z])")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\u00ad]")
_SPACES = re.compile(r"[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\t\r\n\v\f]")
_QUOTES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02", '"')
    | dict.fromkeys("\u2018\u2019\u201a\u201b\u00b4\uff07", "'")
)


def as_meant(text: str) -> str:
    """Typed text without the links, mentions, entities, quotes, dashes and spaces that clients put in its place.

    docs.slack.dev describes the links, mentions and three entities (slash commands, formatting); the rest is what
    the keyboards of phones and word processors do.
    """
    text = _MENTION.sub(_mentioned, _LINK.sub(_linked, text))
    text = _INVISIBLE.sub("", html.unescape(text))
    text = _SPACES.sub(" ", text).translate(_QUOTES)
    return _DASHES.sub("--", text).strip()


def mentioned(text: str) -> dict[str, str]:
    """The ids of the people and channels that a text mentions, by the names that `as_meant` leaves of them."""
    return {_mentioned(found): found[2] for found in _MENTION.finditer(text)}


def _linked(found: re.Match[str]) -> str:
    """What was typed: the link's label, or its address without the scheme that Slack put before it."""
    return found[2] if found[2] is not None else found[1].rstrip("/")


def _mentioned(found: re.Match[str]) -> str:
    """The name of a channel or person; Slack leaves it out for private channels."""
    return f"{found[1]}{found[3]}" if found[3] else found[2]
