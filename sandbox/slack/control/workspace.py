"""Control: who and what there is in a workspace. Each takes the platform and the request's JSON.

A `team` in it says in which; else it is the one that has the `channel`, or the first.
"""

import dataclasses
from typing import Any

from sandbox.slack import granting
from sandbox.slack.control import reading
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Impossible
from sandbox.slack.world import Channel, Json, User, UserGroup, Workspace

_FIELDS = {field.name for field in dataclasses.fields(User)}


async def roster(platform: Platform, asked: Json) -> Any:
    """{team?}: the users, and the channels without their messages."""
    place = reading.workspace(platform, asked)
    users = [vars(user) for user in place.users.values()]
    shown = ("id", "name", "kind", "is_archived")
    channels = [
        {name: getattr(each, name) for name in shown} | {"members": sorted(each.members)}
        for each in place.channels.values()
    ]
    return {"team": place.id, "users": users, "channels": channels}


async def add_user(platform: Platform, asked: Json) -> Any:
    """{id, name, …}: one more user."""
    place = reading.workspace(platform, {"team": asked.pop("team", None)})
    defaults = {"real_name": asked["name"].title(), "team_id": place.id}
    user = User(**(defaults | _known(asked)))
    place.users[user.id] = user
    return {}


async def set_user(platform: Platform, asked: Json) -> Any:
    """{id, …}: change a user."""
    place = reading.workspace(platform, {"team": asked.pop("team", None), "user": asked["id"]})
    for name, value in _known(asked).items():
        setattr(place.users[asked["id"]], name, value)
    return {}


async def add_channel(platform: Platform, asked: Json) -> Any:
    """{id, name, kind?, members?, bot?}: one more channel."""
    place = reading.workspace(platform, {"team": asked.get("team")})
    members = {*asked.get("members", []), *([place.bot] if asked.get("bot") else [])}
    place.channels[asked["id"]] = Channel(
        id=asked["id"], name=asked["name"], kind=asked.get("kind", "public"), members=members
    )
    return {}


async def add_group(platform: Platform, asked: Json) -> Any:
    """{id, handle, name?, users}: one more user group."""
    place = reading.workspace(platform, asked)
    group = UserGroup(
        id=asked["id"], handle=asked["handle"], name=str(asked.get("name") or asked["handle"]), users=asked["users"]
    )
    place.usergroups[group.id] = group
    return {}


async def set_members(platform: Platform, asked: Json) -> Any:
    """{channel, joins?, leaves?}: who comes and who goes; "bot" is the bot."""
    place = reading.workspace(platform, asked)
    channel = _channel(place, asked["channel"])
    bot = {"bot": place.bot}
    channel.members |= {bot.get(each, each) for each in asked.get("joins", [])}
    channel.members -= {bot.get(each, each) for each in asked.get("leaves", [])}
    return {}


async def archive(platform: Platform, asked: Json) -> Any:
    """{channel, archived?}: archive it, or bring it back."""
    _channel(reading.workspace(platform, asked), asked["channel"]).is_archived = asked.get("archived", True)
    return {}


async def may_write_public(platform: Platform, asked: Json) -> Any:
    """{allowed}: whether the app has the scope `chat:write.public`."""
    reading.workspace(platform, asked).may_write_public = asked["allowed"]
    return {}


async def may_read(platform: Platform, asked: Json) -> Any:
    """{allowed}: whether the app has the scopes `channels:history` and its kin."""
    reading.workspace(platform, asked).may_read = asked["allowed"]
    return {}


async def set_scopes(platform: Platform, asked: Json) -> Any:
    """{scopes}: what the bot token is said to allow; nothing is refused for it."""
    granting.installed(platform, reading.workspace(platform, asked).id).scopes = list(asked["scopes"])
    return {}


def _channel(workspace: Workspace, channel_id: str) -> Channel:
    if channel_id not in workspace.channels:
        raise Impossible(f"There is no channel {channel_id}.")
    return workspace.channels[channel_id]


def _known(asked: Json) -> Json:
    if unknown := set(asked) - _FIELDS:
        raise Impossible(f"A user has no {', '.join(sorted(unknown))}.")
    return asked
