"""The subcommands of `/mail`, and from a typed line to what it asks for."""

from typing import Any

from bot import mrkdwn
from bot.blocks.message import Message, context, section
from bot.commands import connect, domain, mailbox, subdomain, task
from bot.commands.command import Asked, Command, OpenConnectForm, Query, Say
from bot.errors import UsageError
from bot.operation import Operation
from bot.words import Typed, take_apart

__all__ = [
    "COMMANDS",
    "LISTED_KINDS",
    "Asked",
    "Command",
    "OpenConnectForm",
    "Query",
    "Say",
    "operation_from",
    "understand",
]

HELP_EXAMPLE = "/mail help"


def _help(_typed: Typed) -> Say:
    return Say(help_message())


HELP = Command(("help",), "", "Show what can be done", HELP_EXAMPLE, _help)
COMMANDS: tuple[Command, ...] = (
    HELP,
    *connect.COMMANDS,
    *domain.COMMANDS,
    *subdomain.COMMANDS,
    *mailbox.COMMANDS,
    *task.COMMANDS,
)
_KINDS = {kind.kind: kind for kind in (*domain.OPERATIONS, *subdomain.OPERATIONS, *mailbox.OPERATIONS)}
LISTED_KINDS = tuple(name for name, kind in _KINDS.items() if kind.task_kind is None)
"""The kinds whose end is seen in the account's list of domains."""


def understand(text: str) -> Asked:
    """What the text after `/mail` asks for; raises `UserError`."""
    typed = take_apart(text)
    if not typed.words:
        return _help(typed)
    for command in COMMANDS:
        if tuple(word.lower() for word in typed.words[: len(command.path)]) == command.path:
            return command.parse(typed.after(len(command.path)))
    raise _unknown(typed)


def operation_from(kind: str, parameters: dict[str, Any]) -> Operation:
    """An operation as it was stored; raises `ValueError` where it cannot be read."""
    if kind not in _KINDS:
        raise ValueError(f"There is no operation {kind}.")
    return _KINDS[kind].model_validate(parameters)


def help_message() -> Message:
    """What can be done, an example each."""
    lines = [f"`{mrkdwn.escape(command.usage)}`\n{command.summary}" for command in COMMANDS]
    examples = [f"`{command.example}`" for command in COMMANDS if command.arguments]
    return Message(
        "What Mailroom can do: " + ", ".join(" ".join(command.path) for command in COMMANDS),
        [section("\n".join(lines)), section("Examples\n" + "\n".join(examples)), context(_HELP_FOOT)],
    )


_HELP_FOOT = (
    "What you create is announced in this channel, and its progress and result follow in the thread. "
    "Everything else is shown to you alone."
)


def _unknown(typed: Typed) -> UsageError:
    first = typed.words[0].lower()
    group = [command for command in COMMANDS if command.path[0] == first]
    if group:
        choices = " or ".join(f"`/mail {' '.join(command.path)}`" for command in group)
        return UsageError(f"`/mail {first}` needs one more word: {choices}.", example=group[-1].example)
    shown = mrkdwn.code(mrkdwn.cut(" ".join(typed.words[:2]), 60))
    return UsageError(f"There is no command {shown}. `/mail help` shows what there is.", example=HELP_EXAMPLE)
