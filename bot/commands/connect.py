"""`/mail connect`: the form for the API key and the caller id."""

from bot.commands.command import Command, OpenConnectForm
from bot.errors import UserError
from bot.words import Typed

EXAMPLE = "/mail connect"


def _connect(typed: Typed) -> OpenConnectForm:
    if typed.words or typed.options:
        raise UserError(
            "A key does not belong in a command, since Slack keeps what is typed. It was neither stored nor used here. "
            "If what you typed was a key, replace it at MailAPI now; then type the command alone, "
            "and put the new key into the form that opens.",
            example=EXAMPLE,
        )
    return OpenConnectForm()


COMMANDS = (Command(("connect",), "", "Connect this workspace with a MailAPI key, in a form", EXAMPLE, _connect),)
