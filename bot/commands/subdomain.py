"""`/mail subdomain …`: sub-domains, up to ten in one request."""

import re
from collections.abc import Collection
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field as Bounds

from bot import mrkdwn, words
from bot.commands.command import Asked, Command
from bot.commands.domain import domains_of
from bot.errors import FieldError
from bot.form import Field, Form
from bot.mailapi import Account, TaskKind
from bot.operation import Operation, Sight
from bot.policy import Subject
from bot.texts import fields, guide, refusals
from bot.texts.fields import Element
from bot.words import LONGEST_DOMAIN, MOST_LABELS, Typed

EXAMPLE = "/mail subdomain create example.com team support billing"


class CreateSubdomains(Operation):
    """Up to ten sub-domains of a domain."""

    kind: ClassVar[str] = "subdomain_create"
    task_kind: ClassVar[TaskKind | None] = None
    window: ClassVar[timedelta | None] = timedelta(hours=1)
    """MailAPI's reference: one successful request an hour for each API key and base domain."""
    subject: ClassVar[Subject] = Subject.SUBDOMAINS
    nouns: ClassVar[tuple[str, str]] = ("sub-domain", "sub-domains")

    parent: words.Domain
    labels: Annotated[tuple[words.Label, ...], Bounds(min_length=1, max_length=MOST_LABELS)]

    @property
    def scope(self) -> str:
        """The parent domain."""
        return self.parent

    def names(self) -> tuple[str, ...]:
        """`label.parent` for each."""
        return tuple(f"{label}.{self.parent}" for label in self.labels)

    def title(self) -> str:
        """`3 sub-domains of example.com`."""
        return f"{self.counted(len(self.labels))} of {mrkdwn.domain_shown(self.parent)}"

    def details(self) -> tuple[str, ...]:
        """Their names."""
        return (", ".join(mrkdwn.code(name) for name in self.names()),)

    async def look(self, account: Account) -> Sight:
        """The account's domains, among which sub-domains are listed."""
        return await domains_of(account)

    def without(self, existing: Collection[str]) -> tuple[Operation, ...]:
        """One request for the labels that are missing."""
        missing = tuple(label for label in self.labels if f"{label}.{self.parent}" not in existing)
        return (self.model_copy(update={"labels": missing}),) if missing else ()

    async def submit(self, account: Account) -> None:
        """Queue them; their end is seen in the list of domains."""
        await account.subdomains.create(self.parent, self.labels)


def labels(text: str) -> tuple[str, ...]:
    """The labels in a text, with spaces or commas between them, each once; raises `ValueError`."""
    found = tuple(dict.fromkeys(words.label(part) for part in re.split(r"[\s,;]+", text) if part))
    if len(found) > MOST_LABELS:
        raise ValueError(refusals.too_many_labels(len(found), MOST_LABELS))
    return found


def _subdomains_of(*, parent: str, labels: tuple[str, ...]) -> CreateSubdomains:
    if max(len(f"{label}.{parent}") for label in labels) > LONGEST_DOMAIN:
        raise FieldError("labels", refusals.long_domain(LONGEST_DOMAIN))
    return CreateSubdomains(parent=parent, labels=labels)


FORM = Form(
    kind=CreateSubdomains.kind,
    title=fields.CREATE_SUBDOMAINS,
    fields=(
        Field("parent", *fields.PARENT, words.domain, Element.DOMAIN),
        Field("labels", *fields.LABELS, labels),
    ),
    build=_subdomains_of,
    example=EXAMPLE,
)


def _create(typed: Typed) -> Asked:
    raw = {"parent": typed.words[0] if typed.words else "", "labels": " ".join(typed.words[1:])}
    return FORM.typed(raw, typed)


COMMANDS = (Command(("subdomain", "create"), "PARENT LABEL...", guide.CREATE_SUBDOMAINS, EXAMPLE, _create),)
OPERATIONS = (CreateSubdomains,)
FORMS = (FORM,)
