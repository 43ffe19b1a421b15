"""In which team a call acts, and with whose right."""

from collections.abc import Iterator

from sandbox.slack.installation import Installation
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.world import Json, Workspace

NEEDS_TEAM = frozenset(
    {"conversations.list", "users.conversations", "users.list", "usergroups.list", "usergroups.users.list"}
)
"""The methods to which an organisation's token has to say the team; the others go by the ids that they are given."""
OF_ANY_TEAM = frozenset({"auth.test", "auth.revoke", "auth.teams.list", "apps.uninstall"})
_NAMING = ("channel", "channel_id", "channels", "view_id", "trigger_id", "user", "users")
"""The arguments whose ids say which team is meant, the narrower first."""


def holder(platform: Platform, token: str) -> Installation:
    """Whose token this is; raises Slack's name for what is wrong with it."""
    world = platform.world
    if token in world.void:
        raise Refused(world.void[token])
    installation = world.holder(token)
    if installation is None:
        app_level = any(token == each.app_token for each in world.workspaces.values())
        raise Refused("not_allowed_token_type" if app_level else "invalid_auth")
    expires = installation.tokens[token]
    if expires is not None and expires <= platform.clock.now():
        raise Refused("token_expired")
    return installation


def workspace_meant(platform: Platform, installation: Installation, method: str, arguments: Json) -> Workspace:
    """The workspace in which a call acts; a team's token acts in that team, whatever `team_id` it is given."""
    world = platform.world
    if not installation.is_enterprise:
        return world.workspaces[installation.place]
    if method in OF_ANY_TEAM:
        return world.teams_of(installation.place)[0]
    if method in NEEDS_TEAM:
        return _named(platform, installation, str(arguments.get("team_id") or ""))
    return _holding(platform, installation, arguments)


def _named(platform: Platform, installation: Installation, team: str) -> Workspace:
    if not team:
        raise Refused("missing_argument", argument="team_id")
    if team not in platform.world.workspaces:
        raise Refused("team_not_found")
    if team not in installation.teams:
        raise Refused("team_access_not_granted")
    return platform.world.workspaces[team]


def _holding(platform: Platform, installation: Installation, arguments: Json) -> Workspace:
    """The first team that has what the arguments name; where none has, the first, which will say so."""
    granted = [platform.world.workspaces[team] for team in installation.teams]
    teams = platform.world.teams_of(installation.place)
    for named in _ids(arguments):
        for workspace in [*granted, *teams]:
            if _has(platform, workspace, named):
                return _granted(installation, workspace)
    return _granted(installation, granted[0] if granted else teams[0])


def _granted(installation: Installation, workspace: Workspace) -> Workspace:
    if workspace.id not in installation.teams:
        raise Refused("team_access_not_granted")
    return workspace


def _ids(arguments: Json) -> Iterator[str]:
    for name in _NAMING:
        value = arguments.get(name)
        yield from (each for each in str(value).split(",") if value)


def _has(platform: Platform, workspace: Workspace, named: str) -> bool:
    known = (workspace.channels, workspace.views, workspace.users)
    return any(named in each for each in known) or platform.triggers.team_of(named) == workspace.id
