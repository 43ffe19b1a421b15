"""What a request asks MailAPI for, as a type that cannot be wrong; the kinds of it stand in `bot/commands/`."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from bot.mailapi import Account, TaskKind
from bot.policy import Subject


class Standing(StrEnum):
    """How far a name is that MailAPI lists."""

    READY = "ready"
    PENDING = "pending"
    ENDED = "ended"


@dataclass(frozen=True)
class Listed:
    """A name in one of MailAPI's lists; `word` is its status as the provider words it."""

    standing: Standing
    word: str
    quota_mb: int | None = None


Sight = Mapping[str, Listed]
"""What a look at MailAPI found, by name."""


class Operation(BaseModel, ABC):
    """A create, checked: what a request asks for, and what each of its calls sends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    task_kind: ClassVar[TaskKind | None]
    """Which task its answer names; `None` where the end is seen in the list of domains."""
    window: ClassVar[timedelta | None] = None
    """How long MailAPI refuses another one for the same domain after one that it took."""
    subject: ClassVar[Subject]
    """Which rules of the policy it comes under."""
    nouns: ClassVar[tuple[str, str]]
    """What one name of it is, and several."""

    @property
    @abstractmethod
    def scope(self) -> str:
        """The domain on which it acts."""

    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names that will exist, in order: addresses or domains."""

    @abstractmethod
    def title(self) -> str:
        """What it makes, in a few words of mrkdwn, to follow a verb or stand alone."""

    @abstractmethod
    def details(self) -> tuple[str, ...]:
        """What else a reader should know of it, each a few words of mrkdwn."""

    @abstractmethod
    async def look(self, account: Account) -> Sight:
        """What MailAPI lists now where its names would be; raises `MailAPIError`."""

    @abstractmethod
    def without(self, existing: Collection[str]) -> tuple["Operation", ...]:
        """The operations that make what is missing beside `existing`; none where nothing is."""

    @abstractmethod
    async def submit(self, account: Account) -> int | None:
        """Send it; gives the id of the task to poll, where there is one. Raises `MailAPIError`."""

    @property
    def quota_of_each(self) -> int | None:
        """The quota of each name in MB, where one was given."""
        return None

    def singly(self) -> tuple["Operation", ...]:
        """The same, one name each, for sending again what may have happened in part."""
        return (self,)

    def parameters(self) -> dict[str, Any]:
        """As it is stored."""
        return self.model_dump(mode="json", exclude_none=True)

    def counted(self, count: int) -> str:
        """`1 mailbox`, `2 mailboxes`."""
        return f"{count} {self.nouns[count != 1]}"
