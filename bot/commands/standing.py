"""`/mail status`, `/mail tasks` and `/mail disconnect`."""

from bot.commands.command import Asked, Command, Disconnect, Status, Tasks
from bot.errors import UsageError
from bot.texts import guide, refusals
from bot.words import Typed

STATUS_EXAMPLE = "/mail status"
TASKS_EXAMPLE = "/mail tasks mine"
DISCONNECT_EXAMPLE = "/mail disconnect"


def _status(typed: Typed) -> Asked:
    _nothing_after(typed, STATUS_EXAMPLE)
    return Status()


def _tasks(typed: Typed) -> Asked:
    typed.only(example=TASKS_EXAMPLE)
    match tuple(word.lower() for word in typed.words):
        case ():
            return Tasks(mine=False)
        case ("mine",):
            return Tasks(mine=True)
        case _:
            raise UsageError(refusals.WHOSE_REQUESTS, example=TASKS_EXAMPLE)


def _disconnect(typed: Typed) -> Asked:
    _nothing_after(typed, DISCONNECT_EXAMPLE)
    return Disconnect()


def _nothing_after(typed: Typed, example: str) -> None:
    typed.only(example=example)
    if typed.words:
        raise UsageError(refusals.NOTHING_AFTER, example=example)


COMMANDS = (
    Command(("status",), "", guide.STATUS, STATUS_EXAMPLE, _status),
    Command(("tasks",), "[mine]", guide.TASKS, TASKS_EXAMPLE, _tasks),
    Command(("disconnect",), "", guide.DISCONNECT, DISCONNECT_EXAMPLE, _disconnect),
)
