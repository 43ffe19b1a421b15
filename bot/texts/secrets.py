"""The form in which credentials are shown."""

from collections.abc import Sequence

from bot import mrkdwn
from bot.texts.message import Block, context, plain, section

PER_SECTION = 10
MOST_SHOWN = 300
NOTHING = "no credentials from MailAPI"
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
    """Each mailbox with what MailAPI gives for it."""
    if not credentials:
        return _view([section("MailAPI lists none of these mailboxes."), context(WHERE_FROM)])
    lines = [f"{mrkdwn.code(address)}  {_given(given)}" for address, given in credentials[:MOST_SHOWN]]
    parts = [section("\n".join(lines[at : at + PER_SECTION])) for at in range(0, len(lines), PER_SECTION)]
    left = len(credentials) - len(lines)
    return _view([*parts, *([context(f"and {left} more, which MailAPI shows")] if left else []), context(WHERE_FROM)])


def _given(given: str) -> str:
    return mrkdwn.code(mrkdwn.cut(given, 250)) if given else f"_{NOTHING}_"


def _view(blocks: list[Block]) -> Block:
    return {"type": "modal", "title": plain("Credentials"), "close": plain("Close"), "blocks": blocks}
