"""`/mail policy`: what needs whose approval."""

from bot.commands.command import Command, ShowPolicy
from bot.errors import UsageError
from bot.texts import guide, refusals
from bot.words import Typed

EXAMPLE = "/mail policy"


def _policy(typed: Typed) -> ShowPolicy:
    typed.only(example=EXAMPLE)
    if typed.words:
        raise UsageError(refusals.NOTHING_AFTER, example=EXAMPLE)
    return ShowPolicy()


COMMANDS = (Command(("policy",), "", guide.POLICY, EXAMPLE, _policy),)
