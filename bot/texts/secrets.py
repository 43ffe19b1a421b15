"""The form in which credentials are shown."""

from collections.abc import Sequence
from itertools import accumulate

from bot import mrkdwn
from bot.texts.message import Block, context, plain, section

PER_PART = 10
MOST_SHOWN = 300
MOST_CHARACTERS = 30_000
"""A form has at most 250,000 bytes, of which a character may need six."""
NOTHING = "no credentials from MailAPI"
NOT_CONNECTED = "This workspace is not connected any more."
KEY_REFUSED = "This workspace's key does not work any more."
WHERE_FROM = (
    "Where MailAPI gives no credentials, set the mailbox's password in your MailAPI account. "
    "That you looked is in the audit; nothing of this is stored in Slack or here."
)


def loading() -> Block:
    """Until MailAPI has answered."""
    return _view([section("Asking MailAPI.")])


def unavailable(reason: str) -> Block:
    """MailAPI gave no answer."""
    return _view([section(f"Nothing to show: {mrkdwn.escape(reason)}")])


def shown(credentials: Sequence[tuple[str, str]]) -> Block:
    """Each mailbox with what MailAPI gives for it, as far as a form takes them."""
    if not credentials:
        return _view([section("MailAPI lists none of these mailboxes."), context(WHERE_FROM)])
    first = _first(credentials)
    parts = [_part(first[at : at + PER_PART]) for at in range(0, len(first), PER_PART)]
    left = len(credentials) - len(first)
    return _view([*parts, *([context(f"and {left} more, which MailAPI shows")] if left else []), context(WHERE_FROM)])


def _first(credentials: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    ends = accumulate(len(address) + len(given) for address, given in credentials[:MOST_SHOWN])
    return credentials[: sum(end <= MOST_CHARACTERS for end in ends)]


def _part(credentials: Sequence[tuple[str, str]]) -> Block:
    """Rich text, whose characters are shown as they are: a password is copied from here."""
    said = [
        part for address, given in credentials for part in (_code(address), _text("  "), _given(given), _text("\n"))
    ]
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": said[:-1]}]}


def _given(given: str) -> Block:
    return _code(given) if given else _text(NOTHING)


def _code(text: str) -> Block:
    return {**_text(text), "style": {"code": True}}


def _text(text: str) -> Block:
    return {"type": "text", "text": text}


def _view(blocks: list[Block]) -> Block:
    return {"type": "modal", "title": plain("Credentials"), "close": plain("Close"), "blocks": blocks}
