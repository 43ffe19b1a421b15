"""What a command is: a line of help, and a way from typed words to something that can be done."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic import Field as Bounds

from bot.form import OpenForm
from bot.mailapi import Account
from bot.operation import Operation
from bot.texts.lists import Listing
from bot.texts.message import Message
from bot.words import LONGEST_FILTER, Typed


@dataclass(frozen=True)
class Say:
    """An answer that needs nobody else."""

    message: Message


@dataclass(frozen=True)
class OpenConnectForm:
    """The form for the API key and the caller id."""


@dataclass(frozen=True)
class Overview:
    """`/mail` alone: what is connected, what waits, and the common things as buttons."""


@dataclass(frozen=True)
class Status:
    """How the connection, the work and its windows stand."""


@dataclass(frozen=True)
class Tasks:
    """The recent requests of the workspace, or those of the person who asks."""

    mine: bool


@dataclass(frozen=True)
class ShowPolicy:
    """What needs whose approval, and the way to change it."""


@dataclass(frozen=True)
class Disconnect:
    """Give up the key, after a question."""


@dataclass(frozen=True)
class Explain:
    """Say what an operation would do, and who would have to agree."""

    operation: Operation


class Query(ABC):
    """A question to MailAPI: acknowledged first, answered privately, stored nowhere."""

    @abstractmethod
    async def answer(self, account: Account) -> Message:
        """Ask and put the answer into words; raises `MailAPIError`."""


class ListQuery(BaseModel, ABC):
    """A question whose answer is a list, shown page by page; it travels in its buttons, so it is parsed again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    wanted: Annotated[str, Bounds(max_length=LONGEST_FILTER)] = ""

    @abstractmethod
    async def listing(self, account: Account) -> Listing:
        """Ask for the whole list; raises `MailAPIError`, or `UserError` with what to ask instead."""


class AuditQuery(BaseModel):
    """A page of the audit's entries in which all of `words` occur; it travels in buttons, so it is parsed again."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    words: tuple[str, ...] = ()
    page: Annotated[int, Bounds(ge=1, le=1_000_000)] = 1

    @field_validator("words")
    @classmethod
    def _short(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        if len(" ".join(words)) > LONGEST_FILTER:
            raise ValueError("too long")
        return words

    def at(self, page: int) -> str:
        """The same at another page, as a button carries it."""
        return self.model_copy(update={"page": page}).model_dump_json()


Asked = (
    Operation
    | Query
    | ListQuery
    | AuditQuery
    | Say
    | Explain
    | OpenConnectForm
    | OpenForm
    | Overview
    | Status
    | Tasks
    | ShowPolicy
    | Disconnect
)
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
