"""`/mail connect`: the form for the API key and the caller id."""

from bot.commands.command import Command, OpenConnectForm
from bot.errors import UserError
from bot.texts import guide, refusals
from bot.words import Typed

EXAMPLE = "/mail connect"


def _connect(typed: Typed) -> OpenConnectForm:
    if typed.words or typed.options:
        raise UserError(refusals.KEY_IN_A_COMMAND, example=EXAMPLE)
    return OpenConnectForm()


COMMANDS = (Command(("connect",), "", guide.CONNECT, EXAMPLE, _connect),)
