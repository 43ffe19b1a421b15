"""`/mail mailbox …`: mailboxes, one by one or many at once."""

from abc import ABC
from collections.abc import Collection
from typing import Annotated, ClassVar

from pydantic import Field

from bot import mrkdwn, words
from bot.blocks import answers
from bot.blocks.message import Message
from bot.commands.command import Command, Query
from bot.commands.reading import optional, read
from bot.errors import UsageError
from bot.mailapi import Account, TaskKind
from bot.operation import Listed, Operation, Sight, Standing
from bot.words import LONGEST_LOCAL_PART, MOST_MAILBOXES, Typed

LIST_EXAMPLE = "/mail mailbox list example.com"
CREATE_EXAMPLE = '/mail mailbox create john@example.com --name "John Doe" --quota 1024'
BULK_EXAMPLE = "/mail mailbox bulk example.com team 25 --quota 512"
READY_WORD = "active"
"""The provisioning status that MailAPI's reference shows for a mailbox that works."""
ENDED_WORDS = frozenset({"failed", "rejected", "suspended", "error"})


class _Mailboxes(Operation, ABC):
    """What single and bulk share: the domain, the quota, and where the names are listed."""

    nouns: ClassVar[tuple[str, str]] = ("mailbox", "mailboxes")

    domain: words.Domain
    quota_mb: Annotated[int, Field(ge=1, le=words.MOST_QUOTA_MB)] | None = None

    @property
    def scope(self) -> str:
        """The domain of the addresses."""
        return self.domain

    async def look(self, account: Account) -> Sight:
        """The domain's mailboxes; raises `NotFound` where the account has no such domain."""
        found = await account.mailboxes.list(self.domain)
        return {mailbox.address.lower(): Listed(_standing(mailbox.status), mailbox.status) for mailbox in found}


class CreateMailbox(_Mailboxes):
    """One mailbox."""

    kind: ClassVar[str] = "mailbox_create"
    task_kind: ClassVar[TaskKind | None] = TaskKind.SINGLE

    local_part: words.LocalPart
    display_name: str | None = None

    def names(self) -> tuple[str, ...]:
        """The address."""
        return (f"{self.local_part}@{self.domain}",)

    def title(self) -> str:
        """`mailbox john@example.com`."""
        return f"mailbox {mrkdwn.code(self.names()[0])}"

    def details(self) -> tuple[str, ...]:
        """The shown name and the quota, where they were given."""
        name = f"shown as “{mrkdwn.escape(self.display_name)}”" if self.display_name else ""
        return tuple(part for part in (name, f"{self.quota_mb} MB" if self.quota_mb else "") if part)

    def without(self, existing: Collection[str]) -> tuple[Operation, ...]:
        """The mailbox, unless it is there."""
        return () if self.names()[0] in existing else (self,)

    async def submit(self, account: Account) -> int:
        """Queue it."""
        accepted = await account.mailboxes.create(
            self.domain, self.local_part, display_name=self.display_name, quota_mb=self.quota_mb
        )
        return accepted.task_id


class CreateBulk(_Mailboxes):
    """Mailboxes with one prefix, numbered from 1."""

    kind: ClassVar[str] = "mailbox_bulk"
    task_kind: ClassVar[TaskKind | None] = TaskKind.BULK

    prefix: words.LocalPart
    count: Annotated[int, Field(ge=1, le=MOST_MAILBOXES)]

    def names(self) -> tuple[str, ...]:
        """`prefix1@domain` and so on, as the example of MailAPI's reference numbers them."""
        return tuple(f"{self.prefix}{number}@{self.domain}" for number in range(1, self.count + 1))

    def title(self) -> str:
        """`25 mailboxes at example.com`."""
        return f"{self.counted(self.count)} at {mrkdwn.code(self.domain)}"

    def details(self) -> tuple[str, ...]:
        """The first and the last address, and the quota of each and in all."""
        names = self.names()
        spread = mrkdwn.code(names[0]) if self.count == 1 else f"{mrkdwn.code(names[0])} to {mrkdwn.code(names[-1])}"
        if not self.quota_mb:
            return (spread,)
        return (spread, f"{self.quota_mb:,} MB each, {self.quota_mb * self.count:,} MB in all")

    def without(self, existing: Collection[str]) -> tuple[Operation, ...]:
        """The whole, or one by one what is missing: MailAPI would make existing ones again."""
        if not any(name in existing for name in self.names()):
            return (self,)
        return tuple(single for single in self.singly() if single.names()[0] not in existing)

    def singly(self) -> tuple[Operation, ...]:
        """Each mailbox by itself."""
        return tuple(
            CreateMailbox(domain=self.domain, local_part=f"{self.prefix}{number}", quota_mb=self.quota_mb)
            for number in range(1, self.count + 1)
        )

    async def submit(self, account: Account) -> int:
        """Queue them as one task."""
        accepted = await account.mailboxes.create_bulk(
            self.domain, self.prefix, count=self.count, quota_mb=self.quota_mb
        )
        return accepted.task_id


class ListMailboxes(Query):
    """All mailboxes of a domain."""

    def __init__(self, domain: str) -> None:
        self.domain = domain

    async def answer(self, account: Account) -> Message:
        """A table of them."""
        return answers.mailboxes(self.domain, await account.mailboxes.list(self.domain))


def _standing(word: str) -> Standing:
    if word.casefold() == READY_WORD:
        return Standing.READY
    return Standing.ENDED if word.casefold() in ENDED_WORDS else Standing.PENDING


def _list(typed: Typed) -> ListMailboxes:
    typed.only(example=LIST_EXAMPLE)
    match typed.words:
        case (domain,):
            return ListMailboxes(read(words.domain, domain, example=LIST_EXAMPLE))
        case _:
            raise UsageError("Name the one domain whose mailboxes to show.", example=LIST_EXAMPLE)


def _create(typed: Typed) -> CreateMailbox:
    options = typed.only("name", "quota", example=CREATE_EXAMPLE)
    match typed.words:
        case (address,):
            local_part, domain = read(words.address, address, example=CREATE_EXAMPLE)
        case _:
            raise UsageError(
                "Name the one address to create; a name of several words stands in quotes.", example=CREATE_EXAMPLE
            )
    return CreateMailbox(
        domain=domain,
        local_part=local_part,
        display_name=optional(words.display_name, options.get("name"), example=CREATE_EXAMPLE),
        quota_mb=optional(words.quota_mb, options.get("quota"), example=CREATE_EXAMPLE),
    )


def _bulk(typed: Typed) -> CreateBulk:
    options = typed.only("quota", example=BULK_EXAMPLE)
    match typed.words:
        case (domain, prefix, number):
            count = read(words.count, number, example=BULK_EXAMPLE)
            prefix = read(words.local_part, prefix, example=BULK_EXAMPLE)
        case _:
            raise UsageError("Name the domain, a prefix and how many.", example=BULK_EXAMPLE)
    if len(f"{prefix}{count}") > LONGEST_LOCAL_PART:
        raise UsageError(
            f"The prefix and its number are longer than {LONGEST_LOCAL_PART} characters.", example=BULK_EXAMPLE
        )
    return CreateBulk(
        domain=read(words.domain, domain, example=BULK_EXAMPLE),
        prefix=prefix,
        count=count,
        quota_mb=optional(words.quota_mb, options.get("quota"), example=BULK_EXAMPLE),
    )


COMMANDS = (
    Command(("mailbox", "list"), "DOMAIN", "Show a domain's mailboxes, without credentials", LIST_EXAMPLE, _list),
    Command(
        ("mailbox", "create"),
        'ADDRESS [--name "John Doe"] [--quota 1024]',
        "Create one mailbox; the quota is in MB",
        CREATE_EXAMPLE,
        _create,
    ),
    Command(
        ("mailbox", "bulk"),
        "DOMAIN PREFIX COUNT [--quota 512]",
        "Create PREFIX1 to PREFIXn, up to 1,000; the quota of each is in MB",
        BULK_EXAMPLE,
        _bulk,
    ),
)
OPERATIONS = (CreateMailbox, CreateBulk)
