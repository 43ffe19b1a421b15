"""Signing on to Slack at the start: with the token of the settings, or with those of the workspaces' rows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from sqlmodel import Session

from bot.clock import Clock
from bot.installed import ManyWorkspaces
from bot.outages import Outages
from bot.pace import retry_after
from bot.retention import forget_workspace
from bot.rotation import Rotation
from bot.settings import Settings, SettingsError
from bot.slack import Client, Home, Slack
from bot.slack_errors import Refused, SlackError
from bot.slacks import OneWorkspace, Slacks
from storage import installations, workspaces
from storage.database import Database
from storage.encryption import Vault

log = structlog.get_logger(__name__)

LAST_EXCHANGE_SECONDS = 2.0
"""How long the end of the bot waits for tokens that are being exchanged."""


@asynccontextmanager
async def slacks(
    settings: Settings, database: Database, vault: Vault, outages: Outages, clock: Clock
) -> AsyncIterator[Slacks]:
    """The Slack of the one workspace, or that of each that has installed the bot by itself.

    Raises `SettingsError` where the token of the settings does not work.
    """
    async with Slack.open(settings.bot_token or None, settings.slack_api_url, outages) as opened:
        if settings.install_url is None:
            yield await _one(opened, settings, database, clock)
            return
        many = _many(opened, settings, database, vault, clock)
        try:
            yield many
        finally:
            await many.drain(LAST_EXCHANGE_SECONDS)


def client_of(settings: Settings) -> Client:
    """With what the app proves to Slack who it is."""
    return Client(settings.slack_client_id or "", settings.client_secret)


def _many(opened: Slack, settings: Settings, database: Database, vault: Vault, clock: Clock) -> ManyWorkspaces:
    nobody = opened.with_token(None, Home(), lambda _: None)  # what Slack says without a token is no outage
    rotation = Rotation(nobody, client_of(settings), database, vault, clock)
    return ManyWorkspaces(
        nobody=nobody,
        database=database,
        vault=vault,
        rotation=rotation,
        clock=clock,
        install_url=settings.install_url or "",
    )


async def _one(opened: Slack, settings: Settings, database: Database, clock: Clock) -> Slacks:
    """The workspace whose token stands in the settings, which Slack has to say at the start."""
    identity = await _identity(opened)
    workspace = identity["team_id"]

    def note(session: Session) -> bool:
        workspaces.lock(session, workspace)
        if installations.is_to_delete(session, workspace, now=clock()):
            return False
        named = identity.get("team", "")
        workspaces.installed(session, workspace, name=named, bot_user_id=identity["user_id"], now=clock())
        installations.forget(session, workspace)
        return True

    while not await database.write(note):  # as where it is installed: who comes back so late begins anew
        await forget_workspace(database, workspace, now=clock())
    log.info("the token is that of a workspace", workspace=workspace)
    return OneWorkspace(opened.with_token(settings.bot_token, Home(workspace)))


async def _identity(slack: Slack) -> dict[str, str]:
    """Whose token it is; where Slack is out of reach, it is asked until it answers."""
    attempts = 0
    while True:
        try:
            return await slack.identity()
        except Refused as error:
            raise SettingsError(
                f"SLACK_BOT_TOKEN does not work ({error}): copy it again from “OAuth & Permissions” in your Slack "
                "app's settings."
            ) from None
        except SlackError as error:
            attempts += 1
            if attempts == 1:
                log.warning("Slack is out of reach; the start waits for it", reason=str(error))
            await asyncio.sleep(retry_after(attempts).total_seconds())
