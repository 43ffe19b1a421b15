"""`/mail task`: what MailAPI says of a task."""

import re

from bot.commands.command import Command, Query
from bot.errors import UsageError
from bot.mailapi import Account
from bot.texts import answers, guide, refusals
from bot.texts.message import Message
from bot.words import Typed

EXAMPLE = "/mail task 123"
_TASK_ID = re.compile(r"[0-9]{1,18}")


class LookAtTask(Query):
    """A task of either kind, also one that another program began."""

    def __init__(self, task_id: int) -> None:
        self.task_id = task_id

    async def answer(self, account: Account) -> Message:
        """Its state and what became of each mailbox."""
        return answers.task(await account.tasks.find(self.task_id))


def _task(typed: Typed) -> LookAtTask:
    typed.only(example=EXAMPLE)
    match typed.words:
        case (number,) if _TASK_ID.fullmatch(number.removeprefix("#")):
            return LookAtTask(int(number.removeprefix("#")))
        case (number,):
            raise UsageError(refusals.no_task(number), example=EXAMPLE)
        case _:
            raise UsageError(refusals.ONE_TASK, example=EXAMPLE)


COMMANDS = (Command(("task",), "ID", guide.TASK, EXAMPLE, _task),)
