"""The subcommands of `/mail`, and from a typed line to what it asks for."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from bot.commands import audit, connect, domain, mailbox, policy, standing, subdomain, task
from bot.commands.command import Asked, Command, Explain, ListQuery, Overview, Say
from bot.commands.domain import domains_of as domains_of
from bot.errors import Offer, UsageError, UserError
from bot.form import Form, OpenForm
from bot.operation import Operation
from bot.texts import explaining, guide, refusals
from bot.texts.message import Message
from bot.words import LONGEST_LINE, Typed, holds_key, take_apart

HELP_EXAMPLE = "/mail help mailbox"


def _help(typed: Typed) -> Asked:
    typed.only(example=HELP_EXAMPLE)
    if not typed.words:
        return Say(help_message())
    topic = typed.words[0].lower()
    about = [command for command in COMMANDS if command.path[0] == topic]
    if not about:
        raise UsageError(refusals.unknown_topic(topic, _topics()), example=HELP_EXAMPLE)
    return Say(help_message(about))


def _explain(typed: Typed) -> Asked:
    """What the line after it asks for, to be explained instead of done."""
    if not typed.words:
        raise UsageError(explaining.NOTHING_TO_EXPLAIN, example=explaining.EXAMPLE)
    found = _command_of(typed)
    if found is None:
        raise _unknown(typed)
    command, rest = found
    match command.parse(rest):
        case Operation() as operation:
            return Explain(operation)
        case OpenForm():
            raise UsageError(explaining.INCOMPLETE, example=f"/mail explain {command.example.removeprefix('/mail ')}")
        case _:
            return Say(explaining.harmless(command.usage, command.summary))


HELP = Command(("help",), "[TOPIC]", guide.HELP, HELP_EXAMPLE, _help)
EXPLAIN = Command(("explain",), "COMMAND...", guide.EXPLAIN, explaining.EXAMPLE, _explain)
COMMANDS: tuple[Command, ...] = (
    HELP,
    EXPLAIN,
    *connect.COMMANDS,
    *domain.COMMANDS,
    *subdomain.COMMANDS,
    *mailbox.COMMANDS,
    *task.COMMANDS,
    *standing.COMMANDS,
    *policy.COMMANDS,
    *audit.COMMANDS,
)
OVERVIEW, UNKNOWN = "overview", "unknown"
SUBCOMMANDS = (*(" ".join(command.path) for command in COMMANDS), OVERVIEW, UNKNOWN)
"""All that `subcommand` gives."""
_KINDS = {kind.kind: kind for kind in (*domain.OPERATIONS, *subdomain.OPERATIONS, *mailbox.OPERATIONS)}
KINDS = tuple(_KINDS)
_FORMS = {form.kind: form for form in (*domain.FORMS, *subdomain.FORMS, *mailbox.FORMS)}
_LISTS: dict[str, type[ListQuery]] = {query.kind: query for query in (*domain.LISTS, *mailbox.LISTS)}
LISTED_KINDS = tuple(name for name, kind in _KINDS.items() if kind.task_kind is None)
"""The kinds whose end is seen in the account's list of domains."""
WINDOWS = {name: kind.window for name, kind in _KINDS.items() if kind.window is not None}
"""The kinds of which MailAPI takes one for a domain within some time, and that time."""


def understand(text: str) -> Asked:
    """What the text after `/mail` asks for; raises `UserError`."""
    if len(text) > LONGEST_LINE:
        raise UsageError(refusals.long_line(LONGEST_LINE), example=HELP_EXAMPLE)
    typed = _taken_apart(text)
    if not any(typed.words) and not typed.options:
        return Overview()
    found = _command_of(typed)
    if any(map(holds_key, (text, *typed.words, *typed.options.values()))):
        raise _with_key(typed, known=found is not None)
    if found is None:
        raise _unknown(typed)
    command, rest = found
    return command.parse(rest)


def _with_key(typed: Typed, *, known: bool) -> UserError:
    """What may be a key is not repeated, wherever it stands; nor is what may be a part of it."""
    words = tuple(word for word in typed.words if not holds_key(word))
    if known or words[:1] != typed.words[:1] or not words:
        return UserError(refusals.KEY_IN_A_COMMAND, example=connect.EXAMPLE)
    return _unknown(replace(typed, words=words, options={}))


def subcommand(text: str) -> str:
    """The words of the subcommand that a text begins with, whatever follows; `overview` for none, else empty words."""
    typed = _taken_apart(text)
    if not any(typed.words) and not typed.options:
        return OVERVIEW
    found = _command_of(typed)
    return " ".join(found[0].path) if found else UNKNOWN


def _command_of(typed: Typed) -> tuple[Command, Typed] | None:
    """The command that a line begins with, and what follows it."""
    for command in COMMANDS:
        if tuple(word.lower() for word in typed.words[: len(command.path)]) == command.path:
            return command, typed.after(len(command.path))
    return None


def is_command(text: str) -> bool:
    """Whether a text begins as a command does."""
    words = _taken_apart(text).words
    return bool(words) and words[0].lower() in _topics()


def operation_from(kind: str, parameters: dict[str, Any]) -> Operation:
    """An operation as it was stored; raises `ValueError` where it cannot be read."""
    if kind not in _KINDS:
        raise ValueError(f"no operation {kind}")
    return _KINDS[kind].model_validate(parameters)


def form_of(kind: str) -> Form:
    """The form of an operation; raises `UserError` where there is none."""
    if kind not in _FORMS:
        raise UserError(refusals.OLD_FORM)
    return _FORMS[kind]


def list_from(kind: str, query: dict[str, Any]) -> ListQuery:
    """A list as its buttons carry it; raises `ValueError` where it cannot be read."""
    if kind not in _LISTS:
        raise ValueError(f"no list {kind}")
    return _LISTS[kind].model_validate(query)


def help_message(about: Sequence[Command] | None = None) -> Message:
    """What can be done, or what can be done about one topic, an example each."""
    return guide.message(about or COMMANDS)


def _taken_apart(text: str) -> Typed:
    """A line without the `/mail` that the help shows before it, which a mention does not need."""
    typed = take_apart(text)
    return typed.after(1) if typed.words[:1] == ("/mail",) else typed


def _unknown(typed: Typed) -> UsageError:
    """Words that begin no command: what is nearest to them, or what may follow the first."""
    first = typed.words[0].lower() if typed.words else ""
    said = " ".join(word.lower() for word in typed.words[:2]) or f"--{next(iter(typed.options), '')}"
    group = {command.path[1]: command for command in COMMANDS if command.path[0] == first and len(command.path) > 1}
    if group:
        second = next((word.lower() for word in typed.words[1:2]), "")
        near = get_close_matches(second, group, n=1, cutoff=0.6)
        if near:
            return _meant(group[near[0]], typed, 2)
        paths = [" ".join(command.path) for command in group.values()]
        return UsageError(refusals.one_more_word(first, paths), example=[*group.values()][-1].example)
    if len(half := [command for command in COMMANDS if command.path[1:] == (first,)]) == 1:
        return _meant(half[0], typed, 1)
    every = {" ".join(command.path): command for command in COMMANDS}
    if both := get_close_matches(said, every, n=1, cutoff=0.6):
        return _meant(every[both[0]], typed, len(every[both[0]].path))
    if one := get_close_matches(first, every, n=1, cutoff=0.75):
        return _meant(every[one[0]], typed, 1)
    return UsageError(refusals.unknown_command(said), example="/mail help")


def _meant(command: Command, typed: Typed, count: int) -> UsageError:
    """The nearest command for the first `count` words, no more of which is repeated: the next one may be a key."""
    text = refusals.did_you_mean(" ".join(typed.words[:count]), " ".join(command.path))
    return UsageError(text, example=command.example, offer=_offer(command, typed.after(count)))


def _offer(meant: Command, typed: Typed) -> Offer | None:
    """The form of the command that was meant, with what was right of the words after it."""
    try:
        asked = meant.parse(typed)
    except UserError as error:
        return error.offer
    match asked:
        case OpenForm(offer):
            return offer
        case Operation():
            return Offer(asked.kind, {name: _retyped(value) for name, value in asked.parameters().items()})
        case _:
            return None


def _retyped(value: Any) -> str:
    """A parameter as somebody would type it."""
    return " ".join(value) if isinstance(value, list) else str(value)


def _topics() -> tuple[str, ...]:
    return tuple(dict.fromkeys(command.path[0] for command in COMMANDS))
