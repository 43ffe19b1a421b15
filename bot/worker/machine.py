"""What every step of the worker needs: the rows, MailAPI with the right key, the time, and what was just looked up."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.clock import Clock
from bot.commands import domains_of, operation_from
from bot.mailapi import Account, Credentials, KeyRefused, MailAPI, MailAPIError, RateLimited
from bot.metrics import Metrics
from bot.notices import owing
from bot.operation import Operation, Sight
from bot.pace import Pace
from bot.texts import thread
from bot.worker.turns import Turns
from bot.worker.uneventful import Uneventful
from storage import audit, connections, workspaces
from storage.database import Database
from storage.encryption import Undecryptable, Vault
from storage.states import ConnectionState
from storage.tables import Call, Connection, Request

log = structlog.get_logger(__name__)


LONGEST_PAUSE = timedelta(hours=1)
"""The longest that MailAPI may ask for, its longest window: what is longer than that is a mistake."""

POLLS = 40
"""How many tasks are asked about at a time, so that of 50 connections some are left for those whom people wait for."""


class KeyUnreadable(KeyRefused):
    """The stored key cannot be decrypted: as good as one that MailAPI refuses, but it is ours to say."""

    def __init__(self) -> None:
        super().__init__(0, thread.UNREADABLE_KEY)


class NotConnected(Exception):
    """The workspace has no key in force."""


@dataclass
class Looks:
    """Looks at MailAPI, shared by all that need the same one within a moment."""

    clock: Clock
    pace: Pace
    _kept: dict[tuple[int, str], tuple[datetime, asyncio.Future[Sight]]] = field(default_factory=dict)

    async def at(
        self, connection: Connection, operation: Operation, account: Account, *, after: datetime | None = None
    ) -> tuple[Sight, datetime]:
        """What MailAPI lists where `operation` makes its names, and since when that is known; raises `MailAPIError`.

        One list serves all that ask for it within 2 s; one asked for before `after` does not.
        """
        # Domains and sub-domains stand in one list for the whole account, mailboxes in one for each domain.
        key = (connection.id, operation.scope if operation.task_kind else "")
        return await self._shared(key, lambda: operation.look(account), after)

    async def _shared(
        self, key: tuple[int, str], look: Callable[[], Coroutine[Any, Any, Sight]], after: datetime | None
    ) -> tuple[Sight, datetime]:
        kept, oldest = self._kept.get(key), self.clock() - self.pace.look_kept
        if kept is None or kept[0] < max(oldest, after or oldest):
            kept = (self.clock(), asyncio.ensure_future(look()))
            self._forget_old()
            self._kept[key] = kept
        try:
            return await asyncio.shield(kept[1]), kept[0]
        except Exception:
            if self._kept.get(key) is kept:
                del self._kept[key]
            raise

    async def domains(self, connection: Connection, account: Account, *, after: datetime | None = None) -> Sight:
        """The account's domains, from the same look as those of requests for domains; raises `MailAPIError`."""
        sight, _ = await self._shared((connection.id, ""), lambda: domains_of(account), after)
        return sight

    def _forget_old(self) -> None:
        oldest = self.clock() - self.pace.look_kept
        self._kept = {key: kept for key, kept in self._kept.items() if kept[0] >= oldest or not kept[1].done()}


@dataclass(frozen=True)
class Opened:
    """A connection, and MailAPI with its key; `None` where the key cannot be read."""

    connection: Connection
    account: Account | None

    def known(self) -> Account:
        """MailAPI with the key; raises `KeyUnreadable`."""
        if self.account is None:
            raise KeyUnreadable
        return self.account


@dataclass
class Machine:
    """The worker's tools."""

    database: Database
    mailapi: MailAPI
    vault: Vault
    clock: Clock
    pace: Pace
    looks: Looks
    turns: Turns = field(default_factory=Turns)
    metrics: Metrics = field(default_factory=Metrics)
    ending: bool = False
    """Whether this process ends: it creates nothing more."""
    _asked_for: dict[tuple[str, int | None], asyncio.Future[Opened]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.uneventful = Uneventful(self.database)
        self.polls = asyncio.Semaphore(POLLS)

    def account(self, connection: Connection, *, depart: Callable[[], Awaitable[bool]] | None = None) -> Account:
        """MailAPI with this connection's key; raises `KeyUnreadable` where it cannot be read any more.

        `depart` is asked before anything is created.
        """
        try:
            key = connections.unsealed(self.vault, connection)
        except Undecryptable:
            raise KeyUnreadable from None
        return self.mailapi.account(Credentials(key, connection.caller_id), depart=depart)

    def can_read(self, connection: Connection) -> bool:
        """Whether this connection's key can be decrypted."""
        try:
            self.account(connection)
        except KeyUnreadable:
            return False
        return True

    async def connection(self, workspace: str, connection_id: int | None = None) -> Connection:
        """The connection that a call was sent with, or the one in force; raises `NotConnected`."""

        def find(session: Session) -> Connection | None:
            if connection_id is None:
                return connections.in_force(session, workspace)
            return connections.get(session, workspace, connection_id)

        found = await self.database.read(find)
        if found is None or found.secret is None:
            raise NotConnected
        return found

    async def watcher(self, call: Call) -> tuple[Opened, bool]:
        """The connection with which a sent call is watched, and whether it still knows the call's task.

        That is the one it was sent with, unless its key is erased, or MailAPI refuses it, and the one in force is of
        the same account: then what the call makes is seen in that account's lists. Raises `NotConnected`.
        """
        try:
            opened = await self._opened_once(call.workspace_id, call.connection_id)
        except NotConnected:
            return await self._in_place_of_erased(call), False
        own = opened.connection
        if own.broken_at is None or own.state is ConnectionState.IN_FORCE:
            return opened, True
        current = await self._opened_once(call.workspace_id, None)
        return (current, False) if current.connection.caller_id == own.caller_id else (opened, True)

    async def _in_place_of_erased(self, call: Call) -> Opened:
        found = await self.database.read(lambda session: connections.to_look_with(session, call))
        if found is None:
            raise NotConnected
        return await self._opened_once(call.workspace_id, found.id)

    async def _opened_once(self, workspace: str, connection_id: int | None) -> Opened:
        """As `connection`, read and decrypted once for all that ask for it in the same moment."""
        key = (workspace, connection_id)
        opening = self._asked_for.get(key)
        if opening is None:
            opening = self._asked_for[key] = asyncio.ensure_future(self._opened(workspace, connection_id))
            opening.add_done_callback(lambda _: self._asked_for.pop(key))
        return await asyncio.shield(opening)

    async def _opened(self, workspace: str, connection_id: int | None) -> Opened:
        connection = await self.connection(workspace, connection_id)
        try:
            return Opened(connection, self.account(connection))
        except KeyUnreadable:
            return Opened(connection, None)

    async def look(
        self, connection: Connection, operation: Operation, *, after: datetime | None = None
    ) -> tuple[Sight, datetime]:
        """See `Looks.at`."""
        return await self.looks.at(connection, operation, self.account(connection), after=after)

    async def domains(self, connection: Connection, *, after: datetime | None = None) -> Sight:
        """See `Looks.domains`."""
        return await self.looks.domains(connection, self.account(connection), after=after)

    async def key_refused(self, connection: Connection, error: KeyRefused) -> None:
        """Pause the workspace's work and tell whoever connected the key, once."""
        await self.database.write(partial(self._break, connection, error))

    def _break(self, connection: Connection, error: KeyRefused, session: Session) -> None:
        now, ours = self.clock(), isinstance(error, KeyUnreadable)
        workspaces.lock(session, connection.workspace_id)  # before the connection's row, as everywhere
        news = connections.mark_broken(session, connection, now=now, reason=error.reason)
        if not news:
            return
        said = "a stored key cannot be read" if ours else "MailAPI refuses a key"
        log.warning(said, workspace=connection.workspace_id, connection=connection.id)
        # Asked for under the lock: the key may have been replaced while the refused request was out.
        current = connections.in_force(session, connection.workspace_id)
        if current is None or current.id != connection.id:
            return
        message = thread.key_lost(connection.last_four) if ours else thread.paused(connection.last_four, error.reason)
        key = f"connection:{connection.id}:broken:{now.isoformat()}"
        owing.direct(session, connection.workspace_id, connection.connected_by, key, message, now=now)
        audit.append_own(session, connection, at=now, action="connection", outcome="broken")


def asked_pause(error: MailAPIError) -> timedelta:
    """The pause that MailAPI asks for, if it does."""
    seconds = error.retry_after if isinstance(error, RateLimited) else None
    return min(timedelta(seconds=seconds or 0), LONGEST_PAUSE)


def operation_of(row: Request | Call) -> Operation:
    """What a row asks MailAPI for; raises `ValueError` where it cannot be read."""
    if isinstance(row, Call) and not isinstance(row.names, list):
        raise ValueError("no names")  # noqa: TRY004 - it is a value that somebody else wrote
    return operation_from(row.kind, row.parameters)
