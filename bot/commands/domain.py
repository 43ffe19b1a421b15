"""`/mail domain …`: the base domains of the account."""

from collections.abc import Collection
from typing import ClassVar

from bot import words
from bot.commands.command import Asked, Command, ListQuery
from bot.commands.reading import read
from bot.errors import UsageError
from bot.form import Field, Form
from bot.mailapi import Account, TaskKind
from bot.mrkdwn import domain_shown
from bot.operation import Listed, Operation, Sight, Standing
from bot.policy import Subject
from bot.texts import fields, guide, lists, refusals
from bot.texts.lists import Listing
from bot.words import Typed

LIST_EXAMPLE = "/mail domain list"
CREATE_EXAMPLE = "/mail domain create example.com"


class CreateDomain(Operation):
    """A new base domain."""

    kind: ClassVar[str] = "domain_create"
    task_kind: ClassVar[TaskKind | None] = None
    subject: ClassVar[Subject] = Subject.DOMAINS
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
        return f"domain {domain_shown(self.domain)}"

    def details(self) -> tuple[str, ...]:
        """Nothing more."""
        return ()

    async def look(self, account: Account) -> Sight:
        """The account's domains."""
        return await domains_of(account)

    def without(self, existing: Collection[str]) -> tuple[Operation, ...]:
        """The domain, unless it is there."""
        return () if self.domain in existing else (self,)

    async def submit(self, account: Account) -> None:
        """Queue it; its end is seen in the list of domains."""
        await account.domains.create(self.domain)


FORM = Form(
    kind=CreateDomain.kind,
    title=fields.CREATE_DOMAIN,
    fields=(Field("domain", *fields.NEW_DOMAIN, words.domain),),
    build=CreateDomain,
    example=CREATE_EXAMPLE,
)


class ListDomains(ListQuery):
    """All domains of the account, or those with `wanted` in their names."""

    kind: ClassVar[str] = "domains"

    async def listing(self, account: Account) -> Listing:
        """A row for each."""
        return lists.domains((await account.domains.list()).domains, self.wanted)


async def domains_of(account: Account) -> Sight:
    """The account's domains and how far each is, asked for; raises `MailAPIError`."""
    found = await account.domains.list()
    return {
        domain.name: Listed(Standing(domain.readiness.value), domain.status, domain.quota_mb)
        for domain in found.domains
    }


def _create(typed: Typed) -> Asked:
    raw = dict(zip(("domain",), typed.words, strict=False))
    return FORM.typed(raw, typed, most=1)


def _list(typed: Typed) -> Asked:
    typed.only(example=LIST_EXAMPLE)
    match typed.words:
        case ():
            return ListDomains()
        case (wanted,):
            return ListDomains(wanted=read(words.wanted, wanted, example=LIST_EXAMPLE))
        case _:
            raise UsageError(refusals.ONE_FILTER, example=LIST_EXAMPLE)


COMMANDS = (
    Command(("domain", "list"), "[FILTER]", guide.LIST_DOMAINS, LIST_EXAMPLE, _list),
    Command(("domain", "create"), "DOMAIN", guide.CREATE_DOMAIN, CREATE_EXAMPLE, _create),
)
OPERATIONS = (CreateDomain,)
FORMS = (FORM,)
LISTS = (ListDomains,)
