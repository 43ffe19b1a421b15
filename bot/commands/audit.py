"""`/mail audit`: who did, decided or was refused what."""

from pydantic import ValidationError

from bot.commands.command import AuditQuery, Command
from bot.errors import UsageError
from bot.texts import guide, refusals
from bot.words import LONGEST_FILTER, Typed

EXAMPLE = "/mail audit @ben refused"


def _audit(typed: Typed) -> AuditQuery:
    typed.only(example=EXAMPLE)
    try:
        return AuditQuery(words=tuple(typed.ids.get(word, word) for word in typed.words if word))
    except ValidationError:
        raise UsageError(refusals.long_filter(LONGEST_FILTER), example=EXAMPLE) from None


COMMANDS = (Command(("audit",), "[FILTER...]", guide.AUDIT, EXAMPLE, _audit),)
