"""The workspaces beside Lumen: "Elsewhere", with which it shares #mail, and the organisation "Meridian" with two teams.

Nobody has installed the app in any of them.
"""

import dataclasses
from typing import Any

from sandbox.slack import identity as names
from sandbox.slack import lumen
from sandbox.slack.world import Channel, Organisation, User, UserGroup, Workspace, World


def world() -> World:
    """A new world with all workspaces, Lumen first."""
    first = lumen.workspace()
    meridian = Organisation(id=names.ORGANISATION, name="Meridian", domain="meridian")
    return World.of([first, _elsewhere(first), _north(), _south()], [meridian])


def _elsewhere(first: Workspace) -> Workspace:
    oda, eve, gil = names.ODA, names.EVE, names.GIL
    workspace = Workspace(
        id=names.OTHER_TEAM,
        name="Elsewhere",
        domain="elsewhere",
        app_id=names.APP,
        bot=names.OTHER_BOT,
        bot_id=names.OTHER_BOT_ID,
        app_token=names.APP_TOKEN,
        signing_secret=names.SIGNING_SECRET,
    )
    theirs = [each for each in first.users.values() if not each.is_stranger and each.id != names.SLACKBOT]
    strangers = [dataclasses.replace(each, is_stranger=True) for each in theirs]
    people = (
        *strangers,
        _person(workspace, oda, "oda", "Oda Elsewhere", is_admin=True),
        _person(workspace, eve, "eve", "Eve Elsewhere"),
        _person(workspace, gil, "gil", "Gil Guest", is_restricted=True),
        *_bots(workspace),
    )
    workspace.users = {user.id: user for user in people}
    workspace.channels = {
        names.MAIL: first.channels[names.MAIL],
        names.POST: Channel(id=names.POST, name="post", members={oda, eve, gil}, creator=oda),
        names.CELLAR: Channel(id=names.CELLAR, name="cellar", kind="private", members={oda}, creator=oda),
    }
    workspace.usergroups = {"S0SORTERS1": UserGroup(id="S0SORTERS1", handle="sorters", name="Sorters", users=[eve])}
    return workspace


def _north() -> Workspace:
    nia, ned = names.NIA, names.NED
    workspace = _of_meridian(names.NORTH, "North")
    people = (
        _person(workspace, nia, "nia", "Nia North", is_admin=True, is_enterprise_admin=True, teams=_BOTH),
        _person(workspace, ned, "ned", "Ned North"),
        *_bots(workspace),
    )
    workspace.users = {user.id: user for user in people}
    workspace.channels = {
        names.NORTH_MAIL: Channel(id=names.NORTH_MAIL, name="north-mail", members={nia, ned}, creator=nia),
        names.ATRIUM: _atrium(),
    }
    workspace.usergroups = {"S0NORTHERN": UserGroup(id="S0NORTHERN", handle="north", name="North", users=[ned])}
    return workspace


def _south() -> Workspace:
    nia, sol, sky = names.NIA, names.SOL, names.SKY
    workspace = _of_meridian(names.SOUTH, "South")
    people = (
        _person(workspace, sol, "sol", "Sol South", is_admin=True),
        _person(workspace, sky, "sky", "Sky Guest", is_restricted=True),
        _person(workspace, nia, "nia", "Nia North", is_enterprise_admin=True, teams=_BOTH),
        *_bots(workspace),
    )
    workspace.users = {user.id: user for user in people}
    workspace.channels = {
        names.SOUTH_MAIL: Channel(id=names.SOUTH_MAIL, name="south-mail", members={nia, sol, sky}, creator=sol),
        names.ATRIUM: _atrium(),
    }
    workspace.usergroups = {"S0SOUTHERN": UserGroup(id="S0SOUTHERN", handle="south", name="South", users=[sol])}
    return workspace


_BOTH = [names.NORTH, names.SOUTH]


def _atrium() -> Channel:
    """The channel that both teams of Meridian have; a world makes one of the two."""
    return Channel(id=names.ATRIUM, name="atrium", members={names.NIA, names.NED, names.SOL}, creator=names.NIA)


def _of_meridian(team: str, name: str) -> Workspace:
    return Workspace(
        id=team,
        name=name,
        domain=f"meridian-{name.lower()}",
        app_id=names.APP,
        bot=names.ORGANISATION_BOT,
        bot_id=names.ORGANISATION_BOT_ID,
        app_token=names.APP_TOKEN,
        signing_secret=names.SIGNING_SECRET,
        enterprise_id=names.ORGANISATION,
    )


def _person(workspace: Workspace, user: str, name: str, real_name: str, **fields: Any) -> User:
    about = {"enterprise_id": workspace.enterprise_id, "email": f"{name}@{workspace.domain}.example"}
    teams = [workspace.id] if workspace.enterprise_id else []
    return User(id=user, name=name, real_name=real_name, team_id=workspace.id, **(about | {"teams": teams} | fields))


def _bots(workspace: Workspace) -> list[User]:
    names_of = {workspace.bot: "Mailroom", names.SLACKBOT: "Slackbot"}
    return [
        User(id=user, name=name.lower(), real_name=name, team_id=workspace.id, is_bot=True)
        for user, name in names_of.items()
    ]
