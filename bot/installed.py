"""The Slack of each workspace that has installed the bot by itself, with the token that stands in its row."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from bot.clock import Clock
from bot.rotation import EARLY, Rotation, ends_within
from bot.slack import Home, Slack
from bot.slack_errors import Refused, TokenRefused
from bot.slacks import Ended, NotInstalled, Slacks, Unreadable
from storage import installations
from storage.database import Database
from storage.encryption import Undecryptable, Vault
from storage.states import InstallationState
from storage.tables import Installation

log = structlog.get_logger(__name__)

KEPT = timedelta(seconds=60)
"""How long a token is used without a look at its row: other processes may have exchanged or erased it."""
MOST_KEPT = 10_000
PATIENCE_SECONDS = 1.2
"""How long an exchange is waited for: Slack waits 3 s for us, and who the person is has to be asked as well."""


@dataclass(frozen=True)
class _Kept:
    slack: Slack
    read_at: datetime
    expires_at: datetime | None


class ManyWorkspaces(Slacks):
    """Reads tokens from the rows, keeps them for a minute, and has those exchanged that come to their end."""

    def __init__(
        self, *, nobody: Slack, database: Database, vault: Vault, rotation: Rotation, clock: Clock, install_url: str
    ) -> None:
        self.nobody = nobody
        self.install_url = install_url
        self._database = database
        self._vault = vault
        self._rotation = rotation
        self._clock = clock
        self._known: dict[str, _Kept] = {}
        self._exchanging: dict[str, asyncio.Task[None]] = {}

    async def of(self, workspace: str) -> Slack:
        """As above; one token is read by all that need it within a minute."""
        kept, now = self._known.get(workspace), self._clock()
        if kept is None or kept.read_at <= now - KEPT or ends_within(kept.expires_at, EARLY, now):
            kept = await self._read(workspace)
        return kept.slack

    async def with_last_token(self, workspace: str) -> Slack:
        """As above."""
        return self._keep(await self._row(workspace)).slack

    async def probe(self) -> None:
        """As above: whatever Slack says without a token, it is there."""
        try:
            await self.nobody.identity()
        except Refused:
            log.debug("Slack is there")

    def forget(self, workspace: str) -> None:
        """As above."""
        self._known.pop(workspace, None)

    async def drain(self, seconds: float) -> None:
        """Let exchanges end that are under way: Slack may have spent a token already."""
        if self._exchanging:
            await asyncio.wait(list(self._exchanging.values()), timeout=seconds)

    async def _read(self, workspace: str) -> _Kept:
        self.forget(workspace)
        installation = await self._row(workspace)
        if self._rotation.is_urgent(installation):
            self._unsealed(workspace, installation.refresh_token, installations.REFRESH_PURPOSE)
            await self._wait(self._exchanged(workspace))
            installation = await self._row(workspace)
            if self._rotation.is_urgent(installation):
                raise Ended
        elif self._rotation.is_due(installation):
            self._exchanged(workspace)
        return self._keep(installation)

    async def _wait(self, exchanging: "asyncio.Task[None]") -> None:
        """A person may be waiting, too; it goes on without us."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asyncio.shield(exchanging)

    async def _row(self, workspace: str) -> Installation:
        found = await self._database.read(lambda session: installations.get(session, workspace))
        if found is None or found.state is not InstallationState.INSTALLED or found.bot_token is None:
            raise NotInstalled
        return found

    def _keep(self, installation: Installation) -> _Kept:
        workspace = installation.workspace_id
        token = self._unsealed(workspace, installation.bot_token, installations.TOKEN_PURPOSE)
        home = Home(workspace, whole_organisation=installation.is_enterprise)
        slack = self.nobody.with_token(token, home, partial(self._refused, workspace))
        if len(self._known) >= MOST_KEPT:
            self._known.clear()
        kept = self._known[workspace] = _Kept(slack, self._clock(), installation.expires_at)
        return kept

    def _unsealed(self, workspace: str, sealed: str | None, purpose: str) -> str:
        """A token, empty where there is none; raises `Unreadable`."""
        try:
            return self._vault.unseal(sealed, workspace=workspace, purpose=purpose) if sealed is not None else ""
        except Undecryptable:
            log.warning("a stored token cannot be read", workspace=workspace)
            raise Unreadable from None

    def _refused(self, workspace: str, error: TokenRefused) -> None:
        """One workspace's token is that workspace's matter; another process may have a newer one."""
        log.warning("Slack refuses a workspace's token", workspace=workspace, reason=str(error))
        self.forget(workspace)

    def _exchanged(self, workspace: str) -> "asyncio.Task[None]":
        """The exchange that is under way, or begins now: one for all that need it, and no caller's end is its end."""
        found = self._exchanging.get(workspace)
        if found is None:
            found = self._exchanging[workspace] = asyncio.create_task(self._rotation.exchange(workspace))
            found.add_done_callback(partial(self._was_exchanged, workspace))
        return found

    def _was_exchanged(self, workspace: str, task: "asyncio.Task[None]") -> None:
        del self._exchanging[workspace]
        self.forget(workspace)
        if not task.cancelled() and task.exception() is not None:
            log.warning(
                "a workspace's token was not exchanged", workspace=workspace, reason=type(task.exception()).__name__
            )
