"""The workspaces that have installed the bot by themselves: whether each one's token works and allows what it needs."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from bot import manifest
from bot.clock import Clock
from bot.doctor import keys
from bot.doctor.finding import Finding, fine, unknown, wrong
from bot.doctor.rows import Stored
from bot.doctor.workspace import CLOCK, TOKEN, clock_as_slacks
from bot.outages import Outages
from bot.settings import Settings
from bot.slack import Home, Slack
from bot.slack_answers import Token
from bot.slack_errors import Refused, SlackError
from storage import installations
from storage.encryption import Undecryptable, Vault
from storage.tables import Installation

AT_ONCE = 8
"""How many workspaces' tokens are tried at a time."""


async def look(settings: Settings, stored: Stored | None, clock: Clock) -> list[Finding]:
    """What Slack says of each workspace's token. One that is over is not exchanged for that, which would spend it."""
    vault = keys.vault(settings, stored)
    if stored is None or isinstance(vault, Finding):
        return [unknown(TOKEN, "the database and the encryption keys have to be read first")]
    if not stored.installations:
        return [wrong(TOKEN, "No workspace has installed the bot.", f"Open {settings.install_url} in a browser.")]
    async with Slack.open(None, settings.slack_api_url, Outages()) as slack:
        places, looked = asyncio.Semaphore(AT_ONCE), _Looked(settings, slack, vault, clock())
        async with asyncio.TaskGroup() as tasks:
            found = [tasks.create_task(looked.at(each, places)) for each in stored.installations]
    return [*(task.result() for task in found), *looked.clock()]


class _Looked:
    """What was found so far."""

    def __init__(self, settings: Settings, slack: Slack, vault: Vault, now: datetime) -> None:
        self._again = f"Let somebody install the bot there again: {settings.install_url}"
        self._slack = slack
        self._vault = vault
        self._now = now
        self._said_at: datetime | None = None

    async def at(self, installation: Installation, places: asyncio.Semaphore) -> Finding:
        """Whether a workspace's token works."""
        workspace = installation.workspace_id
        try:
            if installation.expires_at is not None and installation.expires_at <= self._now:
                self._read(installation, installation.refresh_token, installations.REFRESH_PURPOSE)
                return fine(TOKEN, f"that of {workspace} is over, and is exchanged when it is needed next")
            token = self._read(installation, installation.bot_token, installations.TOKEN_PURPOSE)
            async with places:
                return self._finding(workspace, await self._slack.with_token(token, Home(workspace)).token())
        except Undecryptable:
            return unknown(TOKEN, f"the encryption keys have to read that of {workspace} first")
        except Refused as error:
            return wrong(TOKEN, f"Slack refuses that of {workspace} ({error}).", self._again)
        except SlackError as error:
            return unknown(TOKEN, f"Slack did not answer for {workspace} ({error})")

    def _read(self, installation: Installation, sealed: str | None, purpose: str) -> str:
        return self._vault.unseal(sealed or "", workspace=installation.workspace_id, purpose=purpose)

    def _finding(self, workspace: str, token: Token) -> Finding:
        self._said_at = token.said_at or self._said_at
        missing = sorted({*manifest.needed_scopes()} - token.scopes) if token.scopes is not None else []
        if missing:
            return wrong(TOKEN, f"That of {workspace} lacks {', '.join(missing)}.", self._again)
        return fine(TOKEN, f"that of {workspace} works")

    def clock(self) -> Sequence[Finding]:
        """Whether this machine's clock goes as Slack's."""
        said_at = self._said_at
        return [clock_as_slacks(said_at, self._now) if said_at else unknown(CLOCK, "Slack has to answer first")]
