"""Whose installation a delivery is for, and how a payload says so."""

from sandbox.slack.platform import Platform
from sandbox.slack.world import Json, User, Workspace

VERIFICATION_TOKEN = "sandbox-verification"  # noqa: S105 - deprecated by Slack, sent all the same, checked by nobody


def where(platform: Platform, workspace: Workspace, user: User, *, in_view: bool) -> Json:
    """In which installation an interaction happened.

    Outside of a message (`in_view`) `team` is the person's own, and none where all of an organisation has the app.
    """
    organisation = platform.world.organisations.get(workspace.enterprise_id)
    wide = is_wide(platform, workspace)
    known = workspace.users.get(user.id)
    is_outsider = known is None or known.is_stranger
    team = _team(platform, user.team_id if in_view and is_outsider else workspace.id)
    return {
        "team": None if in_view and wide else team,
        "enterprise": {"id": organisation.id, "name": organisation.name} if organisation else None,
        "is_enterprise_install": wide,
    }


def _team(platform: Platform, team: str) -> Json:
    workspace = platform.world.workspaces.get(team)
    if workspace is None:
        return {"id": team, "domain": team.lower()}
    organisation = platform.world.organisations.get(workspace.enterprise_id)
    about = {"enterprise_id": organisation.id, "enterprise_name": organisation.name} if organisation else {}
    return {"id": team, "domain": workspace.domain, **about}


def is_wide(platform: Platform, workspace: Workspace) -> bool:
    """Whether it is the organisation's installation that serves `workspace`."""
    installation = platform.world.installed_in(workspace.id)
    return installation is not None and installation.is_enterprise
