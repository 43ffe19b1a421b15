"""The form for the API key and the caller id, in each of its states."""

from bot import mrkdwn
from bot.blocks.message import Block, Message, context, plain, section

CONNECT = "connect"
"""The form's callback id."""
KEY, CALLER_ID = "api_key", "caller_id"
"""Block ids of the two fields; each field's action id is `value`."""

_ALERT = 200
"""The most characters that an alert takes."""


def connect_form(*, last_four: str | None = None, error: str | None = None, caller_id: int | None = None) -> Block:
    """The empty form, or, after a refusal, the form again with what was wrong; a key is never shown."""
    intro = (
        f"The key ending {mrkdwn.code(last_four)} is in force. It is replaced only if the new one works."
        if last_four
        else "Mailroom uses one MailAPI key for this workspace. It is stored encrypted and never shown again."
    )
    return {
        "type": "modal",
        "callback_id": CONNECT,
        "title": plain("Connect MailAPI"),
        "submit": plain("Connect"),
        "close": plain("Cancel"),
        "blocks": [
            *([{"type": "alert", "text": plain(mrkdwn.cut(error, _ALERT)), "level": "error"}] if error else []),
            section(intro),
            _input(KEY, "API key", "32 letters and digits, from your MailAPI account", {"type": "plain_text_input"}),
            _input(
                CALLER_ID,
                "Caller id",
                "Your MailAPI user id, a whole number",
                {
                    "type": "number_input",
                    "is_decimal_allowed": False,
                    **({"initial_value": str(caller_id)} if caller_id is not None else {}),
                },
            ),
        ],
    }


def checking() -> Block:
    """What the form shows while the worker asks MailAPI."""
    return _told("*Checking* the key with MailAPI. You can close this: the result also comes as a direct message.")


def connected(last_four: str, domains: int) -> Block:
    """The key works and is in force."""
    return _told(_connected(last_four, domains))


def connected_message(last_four: str, domains: int) -> Message:
    """The same as a direct message."""
    return Message(_connected(last_four, domains))


def refused_message(last_four: str, reason: str, *, in_force: str | None) -> Message:
    """A direct message about a key that does not work."""
    return Message(
        f"The key ending {mrkdwn.code(last_four)} was not connected. {mrkdwn.escape(reason)} "
        f"{_kept(in_force)} Type `/mail connect` to try again."
    )


def refused_form(reason: str, *, in_force: str | None, caller_id: int) -> Block:
    """The form again, saying what was wrong."""
    return connect_form(last_four=in_force, error=f"Not connected. {reason}", caller_id=caller_id)


def first_connected(last_four: str, who: str) -> Message:
    """To the admins, when somebody connected the workspace's first key."""
    return Message(
        f"{mrkdwn.person(who)} connected Mailroom with the MailAPI key ending {mrkdwn.code(last_four)}. "
        "Members can now create domains and mailboxes with `/mail`. Admins can replace the key with `/mail connect`."
    )


def _connected(last_four: str, domains: int) -> str:
    count = "1 domain" if domains == 1 else f"{domains:,} domains"
    return (
        f"*Connected* with the key ending {mrkdwn.code(last_four)}: {count} in the account. "
        "Next: `/mail domain list` or `/mail help`."
    )


def _kept(in_force: str | None) -> str:
    if in_force is None:
        return "Nothing was stored."
    return f"The key ending {mrkdwn.code(in_force)} stays in force."


def _told(text: str) -> Block:
    return {
        "type": "modal",
        "title": plain("Connect MailAPI"),
        "close": plain("Close"),
        "blocks": [section(text), context("Keys are stored encrypted; only their last four characters are shown.")],
    }


def _input(block_id: str, label: str, hint: str, element: Block) -> Block:
    return {
        "type": "input",
        "block_id": block_id,
        "label": plain(label),
        "hint": plain(hint),
        "element": {"action_id": "value", **element},
    }
