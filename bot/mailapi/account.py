"""MailAPI as the bot sees it: one account's domains, sub-domains, mailboxes and tasks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlsplit

import idna

from bot.mailapi import quiet, verdict
from bot.mailapi.answers import Accepted, DomainList, Mailbox, MailboxList, Succeeded, Task, TaskKind
from bot.mailapi.credentials import Credentials
from bot.mailapi.errors import KeyRefused, Rejected
from bot.mailapi.exchange import DEFAULT_TIMEOUTS, Depart, Exchange, Heard, Timeouts


class MailAPI:
    """The provider's API, shared by all accounts. Every call may raise the errors of `bot.mailapi.errors`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        base_url: str,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        connections: int = 50,
        heard: Heard | None = None,
    ) -> AsyncIterator[Self]:
        """The API at `base_url`, which ends in `/api`, with up to `connections` for reads and as many for creates.

        `heard` is told after each request what is wrong with the provider, or `None`.

        Raises:
            ValueError: `base_url` is no http or https URL with a host.
        """
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("MailAPI's base URL has to begin with https:// and name a host.")
        quiet.silence_urls()
        async with Exchange.open(base_url, timeouts, connections, heard) as exchange:
            yield cls(exchange)

    def account(self, credentials: Credentials, *, depart: Depart | None = None) -> "Account":
        """The API with one account's key; costs nothing.

        With `depart`, each create asks it once its connection stands, right before the first byte leaves; where that
        says no, or raises, nothing is sent and the create raises `Unavailable`.
        """
        return Account(self._exchange if depart is None else self._exchange.departing(depart), credentials)


class Account:
    """Everything that one key gives access to."""

    def __init__(self, exchange: Exchange, credentials: Credentials) -> None:
        self.domains = Domains(exchange, credentials)
        self.subdomains = Subdomains(exchange, credentials)
        self.mailboxes = Mailboxes(exchange, credentials)
        self.tasks = Tasks(exchange, credentials)


class Domains:
    """The base domains and sub-domains of an account."""

    def __init__(self, exchange: Exchange, credentials: Credentials) -> None:
        self._exchange = exchange
        self._credentials = credentials

    async def list(self) -> DomainList:
        """All domains of the account."""
        parameters = {"caller_id": self._credentials.caller_id}
        return verdict.of_read(await self._exchange.read("/v1/list/domain", self._credentials, parameters), DomainList)

    async def create(self, name: str) -> None:
        """Queue a new base domain, which is made when its status in `list` is ready.

        Rejected with status 409 if the account has it already.
        """
        body = {"Domain": wire_name(name), "Params": {}}
        verdict.of_create(await self._exchange.create("/v1/create/domain", self._credentials, body), Succeeded)


class Subdomains:
    """Sub-domains, which the provider makes in batches; they are listed among the domains."""

    def __init__(self, exchange: Exchange, credentials: Credentials) -> None:
        self._exchange = exchange
        self._credentials = credentials

    async def create(self, parent: str, labels: Sequence[str]) -> None:
        """Queue `label.parent` for each of at most 10 labels.

        The provider allows one successful batch an hour for a key and parent, and answers `RateLimited` to more.
        """
        body = {"Domain": wire_name(parent), "Params": {"sub_domains": [wire_name(label) for label in labels]}}
        verdict.of_create(await self._exchange.create("/v1/create/sub-domain", self._credentials, body), Succeeded)


class Mailboxes:
    """The mailboxes of an account, domain by domain."""

    def __init__(self, exchange: Exchange, credentials: Credentials) -> None:
        self._exchange = exchange
        self._credentials = credentials

    async def list(self, domain: str) -> tuple[Mailbox, ...]:
        """All mailboxes of `domain`; `NotFound` if the account has no such domain."""
        parameters: dict[str, str | int] = {"caller_id": self._credentials.caller_id, "domain": wire_name(domain)}
        outcome = await self._exchange.read("/v1/list/mailbox", self._credentials, parameters)
        return verdict.of_read(outcome, MailboxList).mailboxes

    async def create(
        self, domain: str, local_part: str, *, display_name: str | None = None, quota_mb: int | None = None
    ) -> Accepted:
        """Queue `local_part@domain`; the returned task has to be polled."""
        params = {"display_name": display_name, "quota_mb": quota_mb}
        return await self._create(TaskKind.SINGLE, domain, local_part, params)

    async def create_bulk(self, domain: str, prefix: str, *, count: int, quota_mb: int | None = None) -> Accepted:
        """Queue `prefix1@domain` to `prefix<count>@domain`; the returned task has to be polled."""
        return await self._create(TaskKind.BULK, domain, prefix, {"count": count, "quota_mb": quota_mb})

    async def _create(self, kind: TaskKind, domain: str, name: str, params: dict[str, Any]) -> Accepted:
        body = {
            "Email_fullname": name,
            "single_bulk": kind.value,
            "Domain": wire_name(domain),
            "Params": {option: value for option, value in params.items() if value is not None},
        }
        outcome = await self._exchange.create(f"/v1/create/mailbox/{kind.value}", self._credentials, body)
        return verdict.of_create(outcome, Accepted)


class Tasks:
    """The mailbox tasks of a key; one endpoint knows the single ones, another the bulk ones."""

    def __init__(self, exchange: Exchange, credentials: Credentials) -> None:
        self._exchange = exchange
        self._credentials = credentials

    async def single(self, task_id: int) -> Task:
        """A task of `Mailboxes.create`; `Rejected` if it is a bulk one, `NotFound` if this key has none."""
        return await self._ask(TaskKind.SINGLE, task_id)

    async def bulk(self, task_id: int) -> Task:
        """A task of `Mailboxes.create_bulk`; `Rejected` if it is a single one, `NotFound` if this key has none."""
        return await self._ask(TaskKind.BULK, task_id)

    async def find(self, task_id: int, first: TaskKind = TaskKind.SINGLE) -> Task:
        """A task of either kind: where the endpoint of `first` says that the type does not match, the other is asked.

        If that one refuses too, the first reason stands, unless it refuses the key.
        """
        try:
            return await self._ask(first, task_id)
        except Rejected as error:
            refusal = error
        if not verdict.says_other_type(refusal):
            raise refusal
        return await self._ask_other(first, task_id, refusal)

    async def _ask_other(self, first: TaskKind, task_id: int, refusal: Rejected) -> Task:
        other = TaskKind.BULK if first is TaskKind.SINGLE else TaskKind.SINGLE
        try:
            return await self._ask(other, task_id)
        except KeyRefused:
            raise
        except Rejected:
            pass
        raise refusal

    async def _ask(self, kind: TaskKind, task_id: int) -> Task:
        path = f"/v1/get/mailbox/{kind.value}"
        return verdict.of_task(await self._exchange.read(path, self._credentials, {"task_id": task_id}), task_id)


def wire_name(name: str) -> str:
    """A domain or label as it travels: lower case, and punycode where it is not ASCII.

    Raises:
        ValueError: `name` has characters that no domain can have.
    """
    return name.lower() if name.isascii() else idna.encode(name, uts46=True).decode()
