"""`/mail domain …`: the base domains of the account."""

from collections.abc import Collection
from typing import ClassVar

from bot import mrkdwn, words
from bot.blocks import answers
from bot.blocks.message import Message
from bot.commands.command import Command, Query
from bot.commands.reading import read
from bot.errors import UsageError
from bot.mailapi import Account, DomainList, TaskKind
from bot.operation import Listed, Operation, Sight, Standing
from bot.words import Typed

LIST_EXAMPLE = "/mail domain list"
CREATE_EXAMPLE = "/mail domain create example.com"


class CreateDomain(Operation):
    """A new base domain."""

    kind: ClassVar[str] = "domain_create"
    task_kind: ClassVar[TaskKind | None] = None
    nouns: ClassVar[tuple[str, str]] = ("domain", "domains")

    domain: words.Domain

    @property
    def scope(self) -> str:
        """The domain itself."""
        return self.domain

    def names(self) -> tuple[str, ...]:
        """The domain."""
        return (self.domain,)

    def title(self) -> str:
        """`domain example.com`."""
        return f"domain {mrkdwn.code(self.domain)}"

    def details(self) -> tuple[str, ...]:
        """Nothing more."""
        return ()

    async def look(self, account: Account) -> Sight:
        """The account's domains."""
        return listed(await account.domains.list())

    def without(self, existing: Collection[str]) -> tuple[Operation, ...]:
        """The domain, unless it is there."""
        return () if self.domain in existing else (self,)

    async def submit(self, account: Account) -> None:
        """Queue it; its end is seen in the list of domains."""
        await account.domains.create(self.domain)


class ListDomains(Query):
    """All domains of the account."""

    async def answer(self, account: Account) -> Message:
        """A table of them."""
        return answers.domains((await account.domains.list()).domains)


def listed(found: DomainList) -> Sight:
    """The account's domains and how far each is."""
    return {domain.name: Listed(Standing(domain.readiness.value), domain.status) for domain in found.domains}


def _create(typed: Typed) -> CreateDomain:
    typed.only(example=CREATE_EXAMPLE)
    match typed.words:
        case (domain,):
            return CreateDomain(domain=read(words.domain, domain, example=CREATE_EXAMPLE))
        case _:
            raise UsageError("Name the one domain to create.", example=CREATE_EXAMPLE)


def _list(typed: Typed) -> ListDomains:
    typed.only(example=LIST_EXAMPLE)
    if typed.words:
        raise UsageError("The list of domains takes nothing after it.", example=LIST_EXAMPLE)
    return ListDomains()


COMMANDS = (
    Command(("domain", "list"), "", "Show the domains, with status, quota and mailboxes", LIST_EXAMPLE, _list),
    Command(("domain", "create"), "DOMAIN", "Create a domain and say when it is verified", CREATE_EXAMPLE, _create),
)
OPERATIONS = (CreateDomain,)
