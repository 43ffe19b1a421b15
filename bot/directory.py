"""The workspace's own domains by name, for choosing and for guessing what was meant."""

import asyncio
from datetime import datetime, timedelta

import structlog

from bot.clock import Clock
from bot.mailapi import KeyRefused, MailAPIError
from bot.worker.machine import Machine, NotConnected

log = structlog.get_logger(__name__)

KEPT = timedelta(seconds=30)
PATIENCE_SECONDS = 2.0
"""Slack waits 3 s for the choices of a select."""
MOST_KEPT = 1_000


class Directory:
    """Domain names, at most 30 s old; where MailAPI is slow, those that are known already."""

    def __init__(self, *, machine: Machine, clock: Clock) -> None:
        self._machine = machine
        self._clock = clock
        self._known: dict[str, tuple[datetime, tuple[str, ...]]] = {}

    def known(self, workspace: str) -> tuple[str, ...]:
        """What is known without asking anybody."""
        return self._known.get(workspace, (self._clock(), ()))[1]

    async def names(self, workspace: str) -> tuple[str, ...]:
        """The names, sorted; what is known already where MailAPI does not answer within 2 s."""
        kept = self._known.get(workspace)
        if kept is not None and kept[0] > self._clock() - KEPT:
            return kept[1]
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._ask(workspace)
        except (MailAPIError, NotConnected, TimeoutError) as error:
            log.info("domains not refreshed", workspace=workspace, reason=type(error).__name__)
        return self.known(workspace)

    async def _ask(self, workspace: str) -> None:
        connection = await self._machine.connection(workspace)
        try:
            found = await self._machine.account(connection).domains.list()
        except KeyRefused as error:
            await self._machine.key_refused(connection, error)
            raise
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[workspace] = (self._clock(), tuple(sorted(domain.name for domain in found.domains)))

    async def search(self, workspace: str, typed: str, most: int = 100) -> list[str]:
        """The names that hold what was typed, those that begin with it first; Slack takes 100."""
        wanted = typed.strip().lower()
        matching = [name for name in await self.names(workspace) if wanted in name]
        return sorted(matching, key=lambda name: (not name.startswith(wanted), name))[:most]

    def forget(self, workspace: str) -> None:
        """Ask again next time, since the key has changed."""
        self._known.pop(workspace, None)
