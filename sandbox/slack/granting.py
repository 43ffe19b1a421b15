"""How the app comes into a team or an organisation, gets its tokens, and goes again."""

from collections.abc import Iterable

from sandbox.slack.installation import LIFETIME_SECONDS, Installation
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Impossible, Refused
from sandbox.slack.world import Json, Workspace


def install(platform: Platform, place: str, installer: str, scopes: Iterable[str]) -> Installation:
    """The installation in a team or organisation; one that is there already gets the scopes in addition.

    Raises `Refused` in a team of an organisation that has it.
    """
    world = platform.world
    present = world.installed_in(place) if place in world.workspaces else None
    if present is not None and present.is_enterprise:
        raise Refused("cannot_install_an_org_installed_app")
    if place not in world.installations:
        teams = [each.id for each in world.teams_of(place)] or [place]
        world.installations[place] = Installation(
            place=place, is_enterprise=place in world.organisations, teams=teams, installer=installer
        )
    installation = world.installations[place]
    installation.scopes = list(dict.fromkeys([*installation.scopes, *scopes]))
    platform.journal.note("installed", place=place, user=installer)
    return installation


def access(platform: Platform, installation: Installation) -> Json:
    """A new token for the installation and all that Slack says with it."""
    world = platform.world
    workspace = home(platform, installation)
    organisation = world.organisations.get(workspace.enterprise_id)
    team = {"id": workspace.id, "name": workspace.name}
    return {
        **_token(platform, installation),
        "token_type": "bot",
        "scope": ",".join(installation.scopes),
        "bot_user_id": workspace.bot,
        "app_id": workspace.app_id,
        "team": None if installation.is_enterprise else team,
        "enterprise": {"id": organisation.id, "name": organisation.name} if organisation else None,
        "is_enterprise_install": installation.is_enterprise,
    }


def home(platform: Platform, installation: Installation) -> Workspace:
    """The workspace that the app is installed in; for an organisation's, its first."""
    if installation.is_enterprise:
        return platform.world.teams_of(installation.place)[0]
    return platform.world.workspaces[installation.place]


def refresh(platform: Platform, refresh_token: str) -> Json:
    """Spend a refresh token on a new pair; raises `invalid_refresh_token`."""
    now = platform.clock.now()
    for installation in platform.world.installations.values():
        if refresh_token not in installation.refresh_tokens:
            continue
        spent = installation.refresh_tokens[refresh_token]
        if spent is None:
            installation.refresh_tokens[refresh_token] = now
        elif now >= spent + platform.settings.refresh_grace_seconds:
            break
        platform.journal.note("token_refreshed", place=installation.place)
        return access(platform, installation)
    raise Refused("invalid_refresh_token")


def expire(platform: Platform, place: str) -> None:
    """Let every access token of an installation be over, but for those that never end; raises `Impossible`."""
    installation = installed(platform, place)
    now = platform.clock.now()
    installation.tokens = {token: expires and now for token, expires in installation.tokens.items()}


def installed(platform: Platform, place: str) -> Installation:
    """The installation in a team or organisation; raises `Impossible`."""
    if place not in platform.world.installations:
        raise Impossible(f"The app is not installed in {place}.")
    return platform.world.installations[place]


def revoke(platform: Platform, installation: Installation, token: str) -> None:
    """Make one token void; the app stays."""
    del installation.tokens[token]
    platform.world.void[token] = "token_revoked"
    platform.journal.note("token_revoked", place=installation.place)


def uninstall(platform: Platform, installation: Installation) -> None:
    """Take the app away: its tokens are void, and its bot is no member of any channel any more."""
    world = platform.world
    del world.installations[installation.place]
    world.void |= dict.fromkeys(installation.tokens, "account_inactive")
    for workspace in world.teams_of(installation.place) or [world.workspaces[installation.place]]:
        workspace.bot_token = ""
        if world.installed_in(workspace.id) is None:
            _leave(workspace)
    platform.journal.note("uninstalled", place=installation.place)


def _token(platform: Platform, installation: Installation) -> Json:
    if not platform.world.app.rotates:
        return {"access_token": installation.long_lived()}
    token, refresh_token = installation.short_lived(platform.clock.now())
    platform.world.void |= dict.fromkeys(installation.surplus(), "token_revoked")
    return {"access_token": token, "expires_in": LIFETIME_SECONDS, "refresh_token": refresh_token}


def _leave(workspace: Workspace) -> None:
    for channel in workspace.channels.values():
        if channel.kind != "im":
            channel.members.discard(workspace.bot)
