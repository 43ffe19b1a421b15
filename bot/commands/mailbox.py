"""`/mail mailbox …`: mailboxes, one by one or many at once."""

from abc import ABC
from collections.abc import Collection
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar

from pydantic import Field as Bounds

from bot import mrkdwn, words
from bot.commands.command import Asked, Command, ListQuery
from bot.commands.reading import read
from bot.errors import FieldError, UsageError, UserError
from bot.form import Field, Form
from bot.mailapi import Account, NotFound, TaskKind
from bot.operation import Listed, Operation, Sight, Standing
from bot.policy import Subject
from bot.texts import fields, guide, lists, refusals
from bot.texts.fields import Element
from bot.texts.lists import Listing
from bot.words import LONGEST_ADDRESS, LONGEST_LOCAL_PART, MOST_MAILBOXES, Typed

LIST_EXAMPLE = "/mail mailbox list example.com"
CREATE_EXAMPLE = '/mail mailbox create john@example.com --name "John Doe" --quota 1024'
BULK_EXAMPLE = "/mail mailbox bulk example.com team 25 --quota 512"
READY_WORD = "active"
"""The provisioning status that MailAPI's reference shows for a mailbox that works."""
ENDED_WORDS = frozenset({"failed", "rejected", "suspended", "error"})


class _Mailboxes(Operation, ABC):
    """What single and bulk share: the domain, the quota, and where the names are listed."""

    subject: ClassVar[Subject] = Subject.MAILBOXES
    nouns: ClassVar[tuple[str, str]] = ("mailbox", "mailboxes")

    domain: words.Domain
    quota_mb: Annotated[int, Bounds(ge=1, le=words.MOST_QUOTA_MB)] | None = None

    @property
    def scope(self) -> str:
        """The domain of the addresses."""
        return self.domain

    async def look(self, account: Account) -> Sight:
        """The domain's mailboxes; raises `NotFound` where the account has no such domain."""
        found = await account.mailboxes.list(self.domain)
        return {m.address.lower(): Listed(_standing(m.status), m.status, m.quota_mb) for m in found}

    @property
    def quota_of_each(self) -> int | None:
        """As it was asked for."""
        return self.quota_mb


class CreateMailbox(_Mailboxes):
    """One mailbox."""

    kind: ClassVar[str] = "mailbox_create"
    task_kind: ClassVar[TaskKind | None] = TaskKind.SINGLE

    local_part: words.LocalPart
    display_name: words.DisplayName | None = None

    def names(self) -> tuple[str, ...]:
        """The address."""
        return (f"{self.local_part}@{self.domain}",)

    def title(self) -> str:
        """`mailbox john@example.com`."""
        return f"mailbox {mrkdwn.address_shown(self.names()[0])}"

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
    count: Annotated[int, Bounds(ge=1, le=MOST_MAILBOXES)]

    def names(self) -> tuple[str, ...]:
        """`prefix1@domain` and so on, as the example of MailAPI's reference numbers them."""
        return tuple(f"{self.prefix}{number}@{self.domain}" for number in range(1, self.count + 1))

    def title(self) -> str:
        """`25 mailboxes at example.com`."""
        return f"{self.counted(self.count)} at {mrkdwn.domain_shown(self.domain)}"

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


def _mailbox_of(*, domain: str, local_part: str, **others: Any) -> CreateMailbox:
    if len(f"{local_part}@{domain}") > LONGEST_ADDRESS:
        raise FieldError("local_part", refusals.long_address(LONGEST_ADDRESS))
    return CreateMailbox(domain=domain, local_part=local_part, **others)


MAILBOX_FORM = Form(
    kind=CreateMailbox.kind,
    title=fields.CREATE_MAILBOX,
    fields=(
        Field("domain", *fields.DOMAIN, words.domain, Element.DOMAIN),
        Field("local_part", *fields.LOCAL_PART, words.local_part),
        Field("display_name", *fields.DISPLAY_NAME, words.display_name, option="name"),
        Field("quota_mb", *fields.QUOTA, words.quota_mb, option="quota"),
    ),
    build=_mailbox_of,
    example=CREATE_EXAMPLE,
    spare=refusals.NAME_IN_QUOTES,
)


def _bulk_of(*, prefix: str, count: int, **others: Any) -> CreateBulk:
    if len(f"{prefix}{count}") > LONGEST_LOCAL_PART:
        raise FieldError("prefix", refusals.long_prefix(LONGEST_LOCAL_PART))
    bulk = CreateBulk(prefix=prefix, count=count, **others)
    if len(bulk.names()[-1]) > LONGEST_ADDRESS:
        raise FieldError("prefix", refusals.long_address(LONGEST_ADDRESS))
    return bulk


BULK_FORM = Form(
    kind=CreateBulk.kind,
    title=fields.CREATE_BULK,
    fields=(
        Field("domain", *fields.DOMAIN, words.domain, Element.DOMAIN),
        Field("prefix", *fields.PREFIX, words.local_part),
        Field("count", *fields.COUNT, words.count, Element.NUMBER),
        Field("quota_mb", *fields.QUOTA_OF_EACH, words.quota_mb, option="quota"),
    ),
    build=_bulk_of,
    example=BULK_EXAMPLE,
)


class ListMailboxes(ListQuery):
    """All mailboxes of a domain, or those with `wanted` in their addresses."""

    kind: ClassVar[str] = "mailboxes"

    domain: words.Domain

    async def listing(self, account: Account) -> Listing:
        """A row for each; raises `UserError` for a domain that is not there where another is near."""
        domains = (await account.domains.list()).domains
        try:
            found = await account.mailboxes.list(self.domain)
        except NotFound as error:
            near = get_close_matches(self.domain, [domain.name for domain in domains], 1, 0.6)
            if not near:
                raise
            raise UserError(refusals.not_found(error.reason, near[0]), example=LIST_EXAMPLE) from None
        quota = next((domain.quota_mb for domain in domains if domain.name == self.domain), None)
        return lists.mailboxes(self.domain, found, quota, self.wanted)


def _standing(word: str) -> Standing:
    if word.casefold() == READY_WORD:
        return Standing.READY
    return Standing.ENDED if word.casefold() in ENDED_WORDS else Standing.PENDING


def _list(typed: Typed) -> Asked:
    typed.only(example=LIST_EXAMPLE)
    match typed.words:
        case (domain,):
            return ListMailboxes(domain=read(words.domain, domain, example=LIST_EXAMPLE))
        case (domain, wanted):
            looked_in = read(words.domain, domain, example=LIST_EXAMPLE)
            return ListMailboxes(domain=looked_in, wanted=read(words.wanted, wanted, example=LIST_EXAMPLE))
        case _:
            raise UsageError(refusals.ONE_DOMAIN, example=LIST_EXAMPLE)


def _create(typed: Typed) -> Asked:
    raw = _renamed(typed, name="display_name", quota="quota_mb")
    if typed.words:
        local_part, at, domain = typed.words[0].rpartition("@")
        raw |= {"domain": domain, "local_part": local_part} if at else {"local_part": domain}
    return MAILBOX_FORM.typed(raw, typed, most=1)


def _bulk(typed: Typed) -> Asked:
    raw = _renamed(typed, quota="quota_mb") | dict(zip(("domain", "prefix", "count"), typed.words, strict=False))
    return BULK_FORM.typed(raw, typed, most=3)


def _renamed(typed: Typed, **fields: str) -> dict[str, str]:
    """The options under the names of their fields."""
    return {field: typed.options[option] for option, field in fields.items() if option in typed.options}


COMMANDS = (
    Command(("mailbox", "list"), "DOMAIN [FILTER]", guide.LIST_MAILBOXES, LIST_EXAMPLE, _list),
    Command(
        ("mailbox", "create"),
        'ADDRESS [--name "John Doe"] [--quota 1024]',
        guide.CREATE_MAILBOX,
        CREATE_EXAMPLE,
        _create,
    ),
    Command(
        ("mailbox", "bulk"),
        "DOMAIN PREFIX COUNT [--quota 512]",
        guide.CREATE_BULK,
        BULK_EXAMPLE,
        _bulk,
    ),
)
OPERATIONS = (CreateMailbox, CreateBulk)
FORMS = (MAILBOX_FORM, BULK_FORM)
LISTS = (ListMailboxes,)
