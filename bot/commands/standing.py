"""`/mail status`, `/mail tasks` and `/mail disconnect`."""

from bot.commands.command import Asked, Command, Disconnect, Status, Tasks
from bot.errors import UsageError
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
            raise UsageError("Recent requests are those of everybody, or with `mine` your own.", example=TASKS_EXAMPLE)


def _disconnect(typed: Typed) -> Asked:
    _nothing_after(typed, DISCONNECT_EXAMPLE)
    return Disconnect()


def _nothing_after(typed: Typed, example: str) -> None:
    typed.only(example=example)
    if typed.words:
        raise UsageError("This command takes nothing after it.", example=example)


COMMANDS = (
    Command(("status",), "", "Show the connection, what is under way and what waits", STATUS_EXAMPLE, _status),
    Command(("tasks",), "[mine]", "Show recent requests, with links to their threads", TASKS_EXAMPLE, _tasks),
    Command(("disconnect",), "", "Give up the MailAPI key, after a question", DISCONNECT_EXAMPLE, _disconnect),
)
