"""Forms: the one for the API key and the caller id, in each of its states, and those of the operations."""

from collections.abc import Mapping
from typing import Any

from bot import mrkdwn
from bot.texts.fields import Asked, Element, Sheet
from bot.texts.message import Block, Message, context, plain, section

CONNECT = "connect"
"""The form's callback id."""
KEY, CALLER_ID = "api_key", "caller_id"
"""Block ids of the two fields; each field's action id is `value`."""

OPERATION = "operation:"
"""What the callback id of an operation's form begins with; its kind follows."""
VALUE = "value"
"""The action id of every field; a field is known by its block."""
FIND_DOMAIN = "find_domain"
"""The action id of the fields in which a domain is chosen by typing."""
MOST_VALUE = 150
"""The longest domain that a choice can stand for."""
_MOST_OPTION = 75
_ALERT = 200
"""The most characters that an alert takes."""


def operation_form(form: Sheet, filled: Mapping[str, str], metadata: str) -> Block:
    """The form for an operation, with what is filled in already; `metadata` comes back with it."""
    return {
        "type": "modal",
        "callback_id": f"{OPERATION}{form.kind}",
        "private_metadata": metadata,
        "title": plain(form.title),
        "submit": plain("Create"),
        "close": plain("Cancel"),
        "blocks": [_field(field, filled.get(field.name, "")) for field in form.fields],
    }


def _field(field: Asked, text: str) -> Block:
    block = _input(field.name, field.label, field.hint, _element(field, text))
    return {**block, "optional": True} if field.optional else block


def _element(field: Asked, text: str) -> Block:
    match field.element:
        case Element.DOMAIN:
            chosen = {"initial_option": option(text)} if text and len(text) <= MOST_VALUE else {}
            return {"type": "external_select", "action_id": FIND_DOMAIN, "min_query_length": 0, **chosen}
        case Element.NUMBER:
            start = {"initial_value": text} if text else {}
            return {"type": "number_input", "is_decimal_allowed": False, **start}
        case Element.TEXT:
            return {"type": "plain_text_input", **({"initial_value": text} if text else {})}


def option(domain: str) -> Block:
    """A domain to choose, an international one as people write it and as it travels; at most `MOST_VALUE` long."""
    written = mrkdwn.domain_written(domain)
    shown = domain if written == domain else f"{written} ({domain})"
    return {"text": plain(mrkdwn.cut(shown, _MOST_OPTION)), "value": domain}


def filled_in(values: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the fields of a submitted form, by field."""
    return {name: _text(next(iter(actions.values()), {})) for name, actions in values.items()}


def _text(state: Mapping[str, Any]) -> str:
    chosen = state.get("selected_option") or {}
    return str(chosen.get("value") or state.get("value") or "")


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


KEY_SET_ASIDE = "The key could not be checked because of an error on our side, which is in the log."
KEY_UNCHECKED = "MailAPI did not answer, so the key could not be checked."
PERSON_UNCHECKED = "Slack did not say who you are, so it could not be checked whether you may connect a key."


def key_rejected(reason: str) -> str:
    """Why a key was not connected, as MailAPI words it. Plain text."""
    return f"MailAPI says: {reason}"


def refused_form(reason: str, *, in_force: str | None, caller_id: int) -> Block:
    """The form again, saying what was wrong."""
    return connect_form(last_four=in_force, error=f"Not connected. {reason}", caller_id=caller_id)


def forbidden(last_four: str, why: str) -> Block:
    """The key works, and its person may not connect it by now; `why` is mrkdwn, and says what he can do."""
    return _told(_forbidden(last_four, why))


def forbidden_message(last_four: str, why: str) -> Message:
    """The same as a direct message."""
    return Message(_forbidden(last_four, why))


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


def _forbidden(last_four: str, why: str) -> str:
    return f"The key ending {mrkdwn.code(last_four)} was not connected, and is erased here. {why}"


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
        "element": {"action_id": VALUE, **element},
    }
