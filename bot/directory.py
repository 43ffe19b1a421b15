"""The workspace's own domains by name, for choosing and for guessing what was meant."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta
from difflib import get_close_matches

import structlog

from bot import mrkdwn
from bot.clock import Clock
from bot.mailapi import KeyRefused, MailAPIError
from bot.pool import Pool
from bot.worker.machine import Machine, NotConnected

log = structlog.get_logger(__name__)

KEPT = timedelta(seconds=30)
PATIENCE_SECONDS = 2.0
"""Slack waits 3 s for the choices of a select."""
SHORT_PATIENCE_SECONDS = 0.5
"""How long the answer to a wrong word is held back for the nearest name."""
MOST_KEPT = 1_000


class Directory:
    """Domain names, at most 30 s old; where MailAPI is slow, those that are known already."""

    def __init__(self, *, machine: Machine, clock: Clock, after: Pool) -> None:
        self._machine = machine
        self._clock = clock
        self._after = after
        self._asking: dict[str, asyncio.Event] = {}
        self._known: dict[str, tuple[datetime, tuple[str, ...]]] = {}

    async def names(self, workspace: str, *, patience: float = PATIENCE_SECONDS) -> tuple[str, ...]:
        """The names, sorted; what is known already where MailAPI takes longer than `patience`.

        It goes on being asked then, so that the next answer is complete.
        """
        kept = self._known.get(workspace)
        if kept is None or kept[0] <= self._clock() - KEPT:
            asked = self._asked(workspace)
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await asked.wait()
        return self._known.get(workspace, (None, ()))[1]

    async def nearest(self, workspace: str, word: str) -> str | None:
        """The name that is nearest to a word, for an acknowledgement that is waited for."""
        near = get_close_matches(word.lower(), await self.names(workspace, patience=SHORT_PATIENCE_SECONDS), 1, 0.5)
        return near[0] if near else None

    def _asked(self, workspace: str) -> asyncio.Event:
        """Set when the question is answered that is under way, or begins now; one at a time is enough."""
        asking = self._asking.get(workspace)
        if asking is None:
            asking = asyncio.Event()
            if self._after.room(workspace):
                self._asking[workspace] = asking
                self._after.start(workspace, self._ask(workspace, asking))
            else:
                asking.set()
        return asking

    async def _ask(self, workspace: str, asking: asyncio.Event) -> None:
        try:
            names = await self._of_account(workspace)
            if self._asking.get(workspace) is asking:  # else the key has changed meanwhile
                self._keep(workspace, names)
        except (MailAPIError, NotConnected) as error:
            log.info("domains not refreshed", workspace=workspace, reason=type(error).__name__)
        finally:
            if self._asking.get(workspace) is asking:
                del self._asking[workspace]
            asking.set()

    async def _of_account(self, workspace: str) -> tuple[str, ...]:
        connection = await self._machine.connection(workspace)
        try:
            found = await self._machine.account(connection).domains.list()
        except KeyRefused as error:
            await self._machine.key_refused(connection, error)
            raise
        return tuple(sorted(domain.name for domain in found.domains))

    def _keep(self, workspace: str, names: tuple[str, ...]) -> None:
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        self._known[workspace] = (self._clock(), names)

    async def search(self, workspace: str, typed: str, *, most: int = 100, longest: int = 150) -> list[str]:
        """The names that hold what was typed, those that begin with it first; Slack takes 100 of 150 characters.

        International ones are found as people write them, too.
        """
        wanted = typed.strip().lower()
        names = [name for name in await self.names(workspace) if len(name) <= longest]
        found = [(name, mrkdwn.domain_written(name)) for name in names]
        matching = [(name, written) for name, written in found if wanted in name or wanted in written]
        matching.sort(key=lambda both: (not any(each.startswith(wanted) for each in both), both[0]))
        return [name for name, _ in matching[:most]]

    def forget(self, workspace: str) -> None:
        """Ask again next time, since the key has changed."""
        self._known.pop(workspace, None)
        self._asking.pop(workspace, None)
