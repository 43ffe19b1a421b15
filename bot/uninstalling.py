"""Leaving a workspace: what is under way there ends, its secrets are erased, and its rows go after a time.

Leaving some of an organisation's: what waits there ends, and the organisation goes on.
"""

import asyncio
import random
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlmodel import Session

from bot.clock import Clock
from bot.directory import Directory
from bot.notices import owing
from bot.slack import Slack
from bot.slack_errors import APP_GONE, TOKEN_GONE, TOKEN_VOID, Refused, SlackError, TokenRefused
from bot.slacks import Ended, Slacks
from bot.texts import installing as texts
from bot.worker.ending import end_call, give_up
from storage import audit, calls, connections, installations, policies, requests, seen, workspaces
from storage.database import Database, DatabaseUnavailable
from storage.states import CallState, RequestState
from storage.tables import Call, Installation, Request

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)
"""How often Slack is asked of each installation whether it still holds: what Slack told may have reached nobody."""
AGAIN = timedelta(minutes=1)
"""When it is asked again where it gave no answer."""
MOST = 100
"""How many are asked about at a time, one after the other."""
PATIENCE_SECONDS = 1.5
"""How long Slack has for its answer: it may itself be waiting for ours."""


class Uninstalling:
    """Leaves workspaces whose installation has ended: of which Slack tells, and those of which nobody was told.

    Every process asks about all of them. That does no harm, as `leave` is bound to the installation that was asked
    about, and does nothing the second time.
    """

    def __init__(
        self, *, database: Database, slacks: Slacks, directory: Directory, clock: Clock, grace: timedelta
    ) -> None:
        self._database = database
        self._slacks = slacks
        self._directory = directory
        self._clock = clock
        self._grace = grace
        self._began = clock()
        self._due: dict[str, datetime] = {}
        self._asking = asyncio.Lock()
        self._in_vain = False

    async def ask_due(self) -> None:
        """Ask about those whose turn it is, which come spread over the time; an outage is logged once."""
        if self._asking.locked():
            return
        async with self._asking:
            try:
                for installation in await self._its_turn():
                    # Of two exchanged tokens Slack keeps the newer, of which nobody may have heard.
                    void = TOKEN_GONE if installation.refresh_token is None else APP_GONE
                    if not await self.ask(installation, void=void):
                        return  # Slack may be out of reach, so the others wait, too
            except DatabaseUnavailable as error:
                self._not_asked(str(error))

    async def ask(self, installation: Installation, *, void: frozenset[str] = TOKEN_VOID) -> bool:
        """Leave where Slack says that the token is void; false where it says nothing, and is asked again soon.

        Where it has not told of an end, fewer words say so: by mistake all workspaces would be left. Of a token that
        has made room for another one meanwhile, or is being exchanged, nothing is believed.
        """
        workspace = installation.workspace_id
        self._due[workspace] = self._clock() + AGAIN
        try:
            if await self._is_void(workspace, void):
                if not await self._has_token_of(installation):
                    return True
                await self.leave(workspace, installation.installed_at)
        except (SlackError, TimeoutError) as error:
            self._not_asked(str(error), workspace=workspace)
            return False
        self._due[workspace] = self._clock() + EVERY
        self._in_vain = False
        return True

    async def leave(self, workspace: str, installed_at: datetime) -> None:
        """End the installation of that moment; one that has come since stays."""
        for _ in range(2):  # the second time for what somebody asked for in that moment
            now = self._clock()
            end = partial(leave, workspace, installed_at=installed_at, now=now, grace=self._grace)
            await self._database.write(end)
        self._slacks.forget(workspace)
        self._directory.forget(workspace)

    async def _its_turn(self) -> list[Installation]:
        found = await self._database.read(installations.in_force, at_leisure=True)
        self._due = {each.workspace_id: self._due.get(each.workspace_id) or self._first(each) for each in found}
        now = self._clock()
        due = [each for each in found if self._due[each.workspace_id] <= now]
        return sorted(due, key=lambda each: self._due[each.workspace_id])[:MOST]

    def _first(self, installation: Installation) -> datetime:
        """Some time within the first hour, so that not all are asked about in the same moment."""
        return max(self._began, installation.installed_at) + EVERY * random.random()  # noqa: S311 - no secret

    async def _is_void(self, workspace: str, void: frozenset[str]) -> bool:
        """Whether Slack refuses the workspace's token with one of these words; raises where it does not answer.

        A token that cannot be read here, or is refused for now, is no end; of one that is not there it has come before.
        """
        self._slacks.forget(workspace)
        async with asyncio.timeout(PATIENCE_SECONDS):
            try:
                await (await self._slack_of(workspace)).identity()
            except (Refused, TokenRefused) as error:
                return str(error) in void
        return False

    async def _has_token_of(self, installation: Installation) -> bool:
        """Whether the row still has the token that it had, and nobody is exchanging it."""
        find = partial(installations.get, workspace_id=installation.workspace_id)
        found = await self._database.read(find)
        if found is None or found.bot_token != installation.bot_token:
            return False
        return not installations.is_under_way(found, self._clock())

    async def _slack_of(self, workspace: str) -> Slack:
        """One whose token has ended and is not exchanged, for whatever reason, still tells that the app was removed."""
        try:
            return await self._slacks.of(workspace)
        except Ended:
            return await self._slacks.with_last_token(workspace)

    def _not_asked(self, reason: str, **whose: str) -> None:
        say = log.debug if self._in_vain else log.warning
        say("could not ask Slack whether tokens work", reason=reason, **whose)
        self._in_vain = True


def leave(workspace: str, session: Session, *, installed_at: datetime, now: datetime, grace: timedelta) -> None:
    """End all that is open, erase the tokens and the MailAPI key, and note it; done again it finds nothing to do.

    It does nothing where the installation of that moment has made room for another one meanwhile.
    """
    # All requests before the workspace, which the first one that ends locks: two would wait for each other else.
    open_requests = requests.lock_open(session, workspace)
    workspaces.lock(session, workspace)
    if installations.is_another(session, workspace, installed_at=installed_at):
        log.info("installed again while the end of an earlier installation was judged", workspace=workspace)
        return
    news = installations.end(session, workspace, now=now, delete_at=now + grace)
    for request in open_requests:
        give_up(session, request, texts.REMOVED, by=None, now=now)
    for call in calls.open_ones(session, workspace):
        _end(session, call, now=now)
    for request in open_requests:
        _say(session, request, now=now)
    connections.erase_all(session, workspace, now=now, reason=texts.REMOVED)
    policies.all_told(session, workspace)
    if not news:
        return
    details = {"requests": len(open_requests), "deleted_after_days": grace.days}
    audit.append(session, workspace, at=now, actor="mailroom", action="uninstall", outcome="done", details=details)
    log.info("uninstalled", workspace=workspace, requests=len(open_requests), rows_go_at=(now + grace).isoformat())


def leave_teams(organisation: str, teams: Collection[str], event: str, session: Session, *, now: datetime) -> None:
    """End what waits in workspaces from which an organisation took the bot away; an `event` does so once.

    What MailAPI is at is watched to its end, for the organisation's key is still in force. Slack takes no message
    there, so what is left to say goes to the asker directly, where he is in another workspace that has the bot.
    """
    open_requests = requests.lock_open(session, organisation, teams)
    if not seen.first_time(session, organisation, event, now=now):
        return
    for request in open_requests:
        if give_up(session, request, texts.TAKEN_AWAY, by=None, now=now):
            request.reason = texts.TAKEN_AWAY
            session.add(request)
            owing.thread(session, request, "taken_away", texts.ended_in_team(request.asker), now=now)
        for call in calls.of_request(session, request):
            if call.state in (CallState.QUEUED, CallState.WAITING):
                end_call(session, call, call.state, CallState.CANCELLED, now=now, reason=texts.TAKEN_AWAY)
    details = {"teams": sorted(teams), "requests": len(open_requests)}
    audit.append(session, organisation, at=now, actor="mailroom", action="leave_teams", outcome="done", details=details)
    log.info("taken away from teams", workspace=organisation, **details)


def _end(session: Session, call: Call, *, now: datetime) -> None:
    """What was never sent is cancelled; of the rest nobody will know how it ended, since the key is gone."""
    if call.state in (CallState.QUEUED, CallState.WAITING):
        end_call(session, call, call.state, CallState.CANCELLED, now=now, reason=texts.REMOVED)
    else:
        end_call(session, call, call.state, CallState.SET_ASIDE, now=now, reason=texts.REMOVED_WHILE_OUT)


def _say(session: Session, request: Request, *, now: datetime) -> None:
    """Owed like any other, and told if the bot comes back."""
    session.refresh(request)
    if request.state is RequestState.CANCELLED:
        request.reason = texts.REMOVED
        session.add(request)
    owing.thread(session, request, "removed", texts.ended(request.asker), now=now)
