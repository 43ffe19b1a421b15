"""`/mail subdomain …`: sub-domains, up to ten in one request."""

from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from bot import mrkdwn, words
from bot.commands.command import Command
from bot.commands.domain import listed
from bot.commands.reading import read
from bot.errors import UsageError
from bot.mailapi import Account, TaskKind
from bot.operation import Operation, Sight
from bot.words import MOST_LABELS, Typed

EXAMPLE = "/mail subdomain create example.com team support billing"


class CreateSubdomains(Operation):
    """Up to ten sub-domains of a domain."""

    kind: ClassVar[str] = "subdomain_create"
    task_kind: ClassVar[TaskKind | None] = None
    window: ClassVar[timedelta | None] = timedelta(hours=1)
    """MailAPI's reference: one successful request an hour for each API key and base domain."""
    nouns: ClassVar[tuple[str, str]] = ("sub-domain", "sub-domains")

    parent: words.Domain
    labels: Annotated[tuple[words.Label, ...], Field(min_length=1, max_length=MOST_LABELS)]

    @property
    def scope(self) -> str:
        """The parent domain."""
        return self.parent

    def names(self) -> tuple[str, ...]:
        """`label.parent` for each."""
        return tuple(f"{label}.{self.parent}" for label in self.labels)

    def title(self) -> str:
        """`3 sub-domains of example.com`."""
        return f"{self.counted(len(self.labels))} of {mrkdwn.code(self.parent)}"

    def details(self) -> tuple[str, ...]:
        """Their names."""
        return (", ".join(mrkdwn.code(name) for name in self.names()),)

    async def look(self, account: Account) -> Sight:
        """The account's domains, among which sub-domains are listed."""
        return listed(await account.domains.list())

    def without(self, existing: Collection[str]) -> tuple[Operation, ...]:
        """One request for the labels that are missing."""
        missing = tuple(label for label in self.labels if f"{label}.{self.parent}" not in existing)
        return (self.model_copy(update={"labels": missing}),) if missing else ()

    async def submit(self, account: Account) -> None:
        """Queue them; their end is seen in the list of domains."""
        await account.subdomains.create(self.parent, self.labels)


def _create(typed: Typed) -> CreateSubdomains:
    typed.only(example=EXAMPLE)
    match typed.words:
        case (parent, _, *_):
            labels = [read(words.label, label, example=EXAMPLE) for label in typed.words[1:]]
        case _:
            raise UsageError("Name the parent domain and 1 to 10 labels.", example=EXAMPLE)
    unique = tuple(dict.fromkeys(labels))
    if len(unique) > MOST_LABELS:
        raise UsageError(
            f"MailAPI takes up to {MOST_LABELS} sub-domains in a request, and these are {len(unique)}.", example=EXAMPLE
        )
    return CreateSubdomains(parent=read(words.domain, parent, example=EXAMPLE), labels=unique)


COMMANDS = (
    Command(("subdomain", "create"), "PARENT LABEL...", "Create up to 10 sub-domains of a domain", EXAMPLE, _create),
)
OPERATIONS = (CreateSubdomains,)
