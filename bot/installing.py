"""Coming into a workspace: somebody allows it at Slack, and what Slack gives for that is written down."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import structlog
from slack_sdk.oauth import AuthorizeUrlGenerator
from sqlmodel import Session

from bot.limits import Rate
from bot.notices import owing
from bot.oauth import States, WrongState
from bot.retention import forget_workspace
from bot.slack import Client, Home
from bot.slack_errors import Refused, SlackError
from bot.slacks import Slacks
from bot.texts import installing as texts
from bot.texts import pages
from bot.texts.pages import Page
from storage import audit, connections, installations, workspaces
from storage.database import DatabaseUnavailable
from storage.encryption import Vault
from storage.states import InstallationState
from storage.tables import Installation

log = structlog.get_logger(__name__)

DECLINED = "access_denied"


@dataclass(frozen=True)
class Granted:
    """What Slack gives for a code: a bot's token, and where it is good."""

    workspace: str
    name: str
    whole_organisation: bool
    app: str
    bot_user: str
    scopes: str
    installer: str
    token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    lasts: timedelta | None

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> "Granted":
        """From the answer of oauth.v2.access; raises `Refused`."""
        whole = bool(said.get("is_enterprise_install"))
        try:
            place = said["enterprise" if whole else "team"]
            return cls(
                workspace=str(place["id"]),
                name=str(place.get("name") or ""),
                whole_organisation=whole,
                app=str(said["app_id"]),
                bot_user=str(said["bot_user_id"]),
                scopes=str(said.get("scope") or ""),
                installer=str(said["authed_user"]["id"]),
                token=str(said["access_token"]),
                refresh_token=str(said["refresh_token"]) if said.get("refresh_token") else None,
                lasts=timedelta(seconds=int(said["expires_in"])) if said.get("expires_in") else None,
            )
        except (KeyError, TypeError, ValueError):
            raise Refused("unreadable answer") from None


class Installing:
    """Both ends of an installation: the way to Slack, and the way back."""

    def __init__(
        self,
        *,
        client: Client,
        addresses: "Addresses",
        scopes: Sequence[str],
        slacks: Slacks,
        states: States,
        rate: Rate,
        nudge: Callable[[], None],
    ) -> None:
        self._client = client
        self._addresses = addresses
        self._slacks = slacks
        self._states = states
        self._rate = rate
        self._nudge = nudge
        back = quote(addresses.back, safe="")
        self._to_slack = AuthorizeUrlGenerator(
            client_id=quote(client.id), redirect_uri=back, scopes=scopes, authorization_url=addresses.authorize
        )

    def begin(self, browser: str) -> str:
        """Where a browser is sent, which comes back with the same secret."""
        return self._to_slack.generate(quote(self._states.begin(browser), safe=""))

    async def finish(self, said: Mapping[str, str], browser: str) -> Page:
        """What a browser is shown that comes back from Slack."""
        again = self._addresses.install
        if said.get("error") == DECLINED:
            return pages.declined(again)
        try:
            return await self._finish(said, browser)
        except WrongState:
            return pages.too_old(again)
        except Refused as error:
            log.warning("Slack gave nothing for a code", reason=str(error))
            return pages.refused(str(error), again)
        except (SlackError, DatabaseUnavailable) as error:
            log.warning("an installation failed", reason=str(error))
            return pages.unavailable(again)

    async def _finish(self, said: Mapping[str, str], browser: str) -> Page:
        again, state = self._addresses.install, said.get("state", "")
        self._states.check(state, browser)
        # Whoever has a browser gets this far: neither rows nor what Slack takes from the app are his to spend.
        if not self._rate.allows("", "", secrets.token_urlsafe()):
            return pages.busy(again)
        await self._states.take(state)
        if "code" not in said:
            return pages.refused(said.get("error", "no code"), again)
        granted = Granted.read(
            await self._slacks.nobody.grant(self._client, code=said["code"], redirect_uri=self._addresses.back)
        )
        await self._install(granted)
        return pages.installed(
            granted.name, granted.workspace, granted.app, whole_organisation=granted.whole_organisation
        )

    async def _install(self, granted: Granted) -> None:
        home = Home(granted.workspace, whole_organisation=granted.whole_organisation)
        bot = ""
        with suppress(SlackError):  # what it is for can be done without
            bot = str(
                (await self._slacks.nobody.with_token(granted.token, home, _unheard).identity()).get("bot_id", "")
            )
        states = self._states
        while not await states.database.write(partial(_note, granted, bot, states.vault, states.clock())):
            await forget_workspace(states.database, granted.workspace, now=states.clock())
        self._slacks.forget(granted.workspace)
        log.info("installed", workspace=granted.workspace, whole_organisation=granted.whole_organisation)
        self._nudge()


@dataclass(frozen=True)
class Addresses:
    """Where an installation begins, where Slack asks, and where it sends back to."""

    install: str
    authorize: str
    back: str

    @classmethod
    def of(cls, public_url: str, slack_api_url: str) -> "Addresses":
        """Slack's page is beside its Web API."""
        slack = slack_api_url.removesuffix("/api")
        return cls(f"{public_url}/slack/install", f"{slack}/oauth/v2/authorize", f"{public_url}/slack/oauth_redirect")


def _note(granted: Granted, bot: str, vault: Vault, now: datetime, session: Session) -> bool:
    """The installation, an entry in the audit, and a message to whoever installed it: all or nothing.

    False where the grace period of an earlier one is over: what is left of that one is deleted first, or a part of it
    would stay that somebody is deleting.
    """
    workspace = granted.workspace
    workspaces.lock(session, workspace)
    if installations.is_to_delete(session, workspace, now=now):
        return False
    workspaces.installed(session, workspace, name=granted.name, bot_user_id=granted.bot_user, now=now)
    before = installations.put(session, _row(granted, bot, vault, now))
    had = before is not None and before.state is InstallationState.INSTALLED
    audit.append(
        session,
        workspace,
        at=now,
        actor=granted.installer,
        action="install",
        outcome="installed again" if had else "installed",
        details={"whole_organisation": True} if granted.whole_organisation else {},
    )
    connected = connections.in_force(session, workspace) is not None
    message = texts.welcome(connected=connected, whole_organisation=granted.whole_organisation)
    owing.direct(session, workspace, granted.installer, f"install:{workspace}:{now.isoformat()}", message, now=now)
    return True


def _row(granted: Granted, bot: str, vault: Vault, now: datetime) -> Installation:
    workspace = granted.workspace
    token = vault.seal(granted.token, workspace=workspace, purpose=installations.TOKEN_PURPOSE)
    refresh = granted.refresh_token
    return Installation(
        workspace_id=workspace,
        is_enterprise=granted.whole_organisation,
        app_id=granted.app,
        bot_id=bot,
        bot_user_id=granted.bot_user,
        scopes=granted.scopes,
        installed_by=granted.installer,
        bot_token=token,
        refresh_token=(
            vault.seal(refresh, workspace=workspace, purpose=installations.REFRESH_PURPOSE) if refresh else None
        ),
        expires_at=now + granted.lasts if granted.lasts else None,
        installed_at=now,
    )


def _unheard(_error: SlackError) -> None:
    """Whether a token works that was given just now is found out soon enough."""
