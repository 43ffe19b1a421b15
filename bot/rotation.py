"""Exchanging tokens that expire: once, whichever process needs one first, and whether or not Slack waits for it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.clock import Clock
from bot.slack import Client, Slack
from bot.slack_errors import Refused, SlackError, asked_pause
from storage import installations
from storage.database import Database, DatabaseUnavailable
from storage.encryption import Undecryptable, Vault
from storage.tables import Installation

log = structlog.get_logger(__name__)

EARLY = timedelta(minutes=30)
"""How long before its end a token is exchanged."""
LATEST = timedelta(minutes=1)
"""With less than this left it is not used any more, and the new one is waited for."""
AGAIN, MUCH_LATER = timedelta(seconds=5), timedelta(minutes=5)
"""When it is tried again: where Slack did not answer and asks for no longer pause, and where it refused."""
PATIENCE_SECONDS = 5.0
"""How long another process's exchange is waited for."""
LOOK_SECONDS = 0.05
WRITES = 20
"""How often writing down the new tokens is tried, a second apart: the old ones are spent."""


@dataclass(frozen=True)
class _New:
    token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    ends: datetime


@dataclass(frozen=True)
class Rotation:
    """Exchanges tokens; `slack` is one without a token."""

    slack: Slack
    client: Client
    database: Database
    vault: Vault
    clock: Clock

    def is_due(self, installation: Installation) -> bool:
        """Whether its token comes to its end soon, and nobody is exchanging it or has just tried in vain."""
        now, until = self.clock(), installation.refreshing_until
        return ends_within(installation.expires_at, EARLY, now) and (until is None or until <= now)

    def is_urgent(self, installation: Installation) -> bool:
        """Whether it cannot be used any more."""
        return ends_within(installation.expires_at, LATEST, self.clock())

    async def exchange(self, workspace: str) -> None:
        """Exchange the workspace's token, unless another process is doing so, which is waited for a while."""
        mine = await self.database.write(partial(self._begin, workspace))
        if mine is None:
            await self._wait(workspace)
            return
        try:
            token = self.vault.unseal(
                mine.refresh_token or "", workspace=workspace, purpose=installations.REFRESH_PURPOSE
            )
            new = self._new(await self.slack.grant(self.client, grant_type="refresh_token", refresh_token=token))
        except Undecryptable:
            await self._later(mine, "it cannot be decrypted", MUCH_LATER)
        except Refused as error:
            await self._later(mine, str(error), MUCH_LATER)
        except SlackError as error:
            await self._later(mine, str(error), max(AGAIN, asked_pause(error)))
        else:
            await self._write(partial(self._note, mine, new))
            log.info("a workspace's token was exchanged", workspace=workspace)

    def _new(self, said: Mapping[str, Any]) -> "_New":
        """What Slack has given; raises `Refused` where that are no tokens."""
        try:
            ends = self.clock() + timedelta(seconds=int(said["expires_in"]))
            return _New(str(said["access_token"]), str(said["refresh_token"]), ends)
        except (KeyError, TypeError, ValueError):
            raise Refused("unreadable answer") from None

    def _note(self, mine: Installation, new: "_New", session: Session) -> None:
        seal = partial(self.vault.seal, workspace=mine.workspace_id)
        installations.refreshed(
            session,
            mine,
            bot_token=seal(new.token, purpose=installations.TOKEN_PURPOSE),
            refresh_token=seal(new.refresh_token, purpose=installations.REFRESH_PURPOSE),
            expires_at=new.ends,
        )

    def _begin(self, workspace: str, session: Session) -> Installation | None:
        now = self.clock()
        until = now + installations.LONGEST_EXCHANGE
        begun = installations.begin_refresh(session, workspace, before=now + EARLY, now=now, until=until)
        return installations.get(session, workspace) if begun else None

    async def _wait(self, workspace: str) -> None:
        """Until the token is one that can be used, or nobody is exchanging it; whoever asks has less patience."""
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while asyncio.get_running_loop().time() < until:
            found = await self.database.read(lambda session: installations.get(session, workspace))
            if found is None or not self.is_urgent(found) or not installations.is_under_way(found, self.clock()):
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _later(self, mine: Installation, reason: str, wait: timedelta) -> None:
        log.error("a workspace's token was not exchanged", workspace=mine.workspace_id, reason=reason)
        until = self.clock() + wait
        await self.database.write(lambda session: installations.give_back_refresh(session, mine, until=until))

    async def _write(self, note: "partial[None]") -> None:
        """Not tried in vain once only: what Slack has given nobody else has."""
        for _ in range(WRITES):
            try:
                await self.database.write(note)
            except DatabaseUnavailable as error:
                log.warning("a new token is not written down yet", reason=str(error))
                await asyncio.sleep(1)
            else:
                return
        log.error("a new token was lost: the workspace has to install the bot again")


def ends_within(expires_at: datetime | None, time: timedelta, now: datetime) -> bool:
    """Whether a token ends within a time; one without an end never does."""
    return expires_at is not None and expires_at < now + time
