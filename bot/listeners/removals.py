"""What Slack tells when somebody removed the bot from somewhere, in any order and as late as it likes."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from bot.clock import Clock
from bot.listeners.doors import NoDoor
from bot.origin import Body, organisation_of, workspace_of
from bot.slack_errors import SlackError
from bot.slacks import Slacks
from bot.uninstalling import PATIENCE_SECONDS, Uninstalling, leave_teams
from storage import installations
from storage.database import Database
from storage.states import InstallationState

log = structlog.get_logger(__name__)

CLOCKS_APART = timedelta(minutes=5)
"""When something happened Slack says by its clock, in whole seconds, and when it was installed we note by ours.

The bot takes nothing that was signed further from its own time.
"""


@dataclass(frozen=True)
class Removals:
    """Leaves a workspace where the installation that there is now has ended."""

    database: Database
    slacks: Slacks
    uninstalling: Uninstalling
    clock: Clock

    async def uninstalled(self, door: NoDoor) -> None:
        """`app_uninstalled`: the bot was removed."""
        workspace, at = workspace_of(door.body), _moment(door.body)
        if at is not None:
            await self._judge(workspace, at, sure=True)
        await door.ack()

    async def revoked(self, door: NoDoor) -> None:
        """`tokens_revoked`: it names no token, so that only Slack can say whether it is the one in use."""
        workspace, at = workspace_of(door.body), _moment(door.body)
        tokens = (door.body.get("event") or {}).get("tokens") or {}
        if at is not None and tokens.get("bot"):
            await self._judge(workspace, at, sure=False)
        await door.ack()

    async def taken_away(self, door: NoDoor) -> None:
        """`team_access_revoked`: an organisation that has the bot as a whole took it away from some workspaces."""
        organisation, event = organisation_of(door.body), str(door.body.get("event_id") or "")
        gone = await self._gone(organisation, _teams(door.body))
        if gone and event:
            now = self.clock()
            await self.database.write(partial(leave_teams, organisation, gone, event, now=now))
        await door.ack()

    async def _gone(self, organisation: str, teams: frozenset[str]) -> frozenset[str]:
        """Which of the organisation's `teams` Slack does not name any more; none where it cannot be asked.

        What is told late may have been taken back since.
        """
        found = await self.database.read(lambda session: installations.get(session, organisation))
        if not teams or found is None or found.state is not InstallationState.INSTALLED or not found.is_enterprise:
            return frozenset()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return teams.difference(await (await self.slacks.of(organisation)).teams())
        except (SlackError, TimeoutError) as error:
            log.warning("could not ask Slack where the bot may be used", workspace=organisation, reason=str(error))
            return frozenset()

    async def _judge(self, workspace: str, at: datetime, *, sure: bool) -> None:
        """Leave where what happened `at` a moment is the end of the installation that there is now.

        What happened well before it was of an earlier one. What happened so near that two clocks cannot tell which
        came first, or is not `sure` to be about the whole installation, is an end where Slack says that the token is
        void.
        """
        found = await self.database.read(lambda session: installations.get(session, workspace))
        if found is None or found.state is not InstallationState.INSTALLED:
            return
        if at < found.installed_at - CLOCKS_APART:
            log.info("told late of the end of an earlier installation", workspace=workspace)
        elif sure and at > found.installed_at + CLOCKS_APART:
            await self.uninstalling.leave(workspace, found.installed_at)
        else:
            await self.uninstalling.ask(found)


def _teams(body: Body) -> frozenset[str]:
    """The workspaces of an organisation that an event is about."""
    named = (body.get("event") or {}).get("team_ids")
    return frozenset(each for each in named if isinstance(each, str)) if isinstance(named, list) else frozenset()


def _moment(body: Body) -> datetime | None:
    """When an event happened; `None` where it does not say."""
    try:
        return datetime.fromtimestamp(int(body["event_time"]), UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        log.warning("an event without a time is left alone")
        return None
