"""Slack's mrkdwn: text from outside must neither ping nor link nor format."""

import html
import unicodedata
from datetime import UTC, datetime

import idna

_SPECIAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_TURNING = frozenset({"R", "AL", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_APOSTROPHE = "\u2019"
_WORD_JOINER = "\u2060"
_FORMATTING = str.maketrans({sign: f"{_WORD_JOINER}{sign}{_WORD_JOINER}" for sign in "*_~`"})


def escape(text: str) -> str:
    """Text from outside for a mrkdwn text that is sent with `verbatim`.

    The three characters are those that docs.slack.dev (formatting message text, escaping) names; signs of formatting
    get an invisible neighbour on each side, so that they are shown as typed.
    """
    return text.translate(_SPECIAL).translate(_FORMATTING)


def in_line(text: str, most: int) -> str:
    """Text from outside inside a line of ours: one line of at most `most` characters.

    What it says about its direction ends with it (Unicode Standard Annex 9, isolates).
    """
    line = cut(" ".join(text.split()), most)
    turned = any(unicodedata.bidirectional(sign) in _TURNING for sign in line)
    return escape(f"\u2068{line}\u2069" if turned else line)


def unescape(text: str) -> str:
    """Text that was escaped, as plain text."""
    return html.unescape(text).replace(_WORD_JOINER, "")


def code(text: str) -> str:
    """Text from outside between backticks, where only the end of the code itself has to be prevented."""
    return f"`{' '.join(text.split()).replace('`', _APOSTROPHE).translate(_SPECIAL)}`"


def domain_shown(name: str) -> str:
    """A domain, an international one as people write it and as it travels."""
    return _both(domain_written(name), name)


def address_shown(address: str) -> str:
    """A mail address, its domain likewise."""
    local_part, _, domain = address.rpartition("@")
    return _both(f"{local_part}@{domain_written(domain)}", address)


def domain_written(domain: str) -> str:
    """An international domain as people write it."""
    try:
        return idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return domain


def _both(written: str, travels: str) -> str:
    return code(written) if written == travels else f"{code(written)} ({code(travels)})"


def person(user_id: str) -> str:
    """A mention, which notifies that person."""
    return f"<@{user_id}>"


def group(group_id: str) -> str:
    """A mention of a user group, which notifies its people who are in the channel."""
    return f"<!subteam^{group_id}>"


def channel(channel_id: str) -> str:
    """A link to a channel; to those who may not look into it Slack shows no name."""
    return f"<#{channel_id}>"


def moment(at: datetime, style: str = "{date_short_pretty} at {time}") -> str:
    """A moment in each reader's own time zone; clients that cannot show it show UTC."""
    return f"<!date^{int(at.timestamp())}^{style}|{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"


def cut(text: str, most: int) -> str:
    """`text` with at most `most` characters, and a sign that something was left out."""
    return text if len(text) <= most else text[: most - 1] + "…"
