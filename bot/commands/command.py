"""What a command is: a line of help, and a way from typed words to something that can be done."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from bot.blocks.message import Message
from bot.mailapi import Account
from bot.operation import Operation
from bot.words import Typed


@dataclass(frozen=True)
class Say:
    """An answer that needs nobody else."""

    message: Message


@dataclass(frozen=True)
class OpenConnectForm:
    """The form for the API key and the caller id."""


class Query(ABC):
    """A question to MailAPI: acknowledged first, answered privately, stored nowhere."""

    @abstractmethod
    async def answer(self, account: Account) -> Message:
        """Ask and put the answer into words; raises `MailAPIError`."""


Asked = Operation | Query | Say | OpenConnectForm
"""What a typed line can ask for."""


@dataclass(frozen=True)
class Command:
    """A subcommand of `/mail`; `parse` raises `UserError` where the words after the path are not what it needs."""

    path: tuple[str, ...]
    arguments: str
    summary: str
    example: str
    parse: Callable[[Typed], Asked]

    @property
    def usage(self) -> str:
        """The line as the help shows it."""
        return " ".join(part for part in ("/mail", *self.path, self.arguments) if part)
