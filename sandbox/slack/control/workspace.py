"""Control: who and what there is in the workspace. Each takes the platform and the request's JSON."""

import dataclasses
from typing import Any

from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Impossible
from sandbox.slack.world import Channel, Json, User, UserGroup

_FIELDS = {field.name for field in dataclasses.fields(User)}


async def roster(platform: Platform, _asked: Json) -> Any:
    """{}: the users, and the channels without their messages."""
    users = [vars(user) for user in platform.home.users.values()]
    shown = ("id", "name", "kind", "is_archived")
    channels = [
        {name: getattr(each, name) for name in shown} | {"members": sorted(each.members)}
        for each in platform.home.channels.values()
    ]
    return {"team": platform.home.id, "users": users, "channels": channels}


async def add_user(platform: Platform, asked: Json) -> Any:
    """{id, name, …}: one more user."""
    defaults = {"real_name": asked["name"].title(), "team_id": platform.home.id}
    user = User(**(defaults | _known(asked)))
    platform.home.users[user.id] = user
    return {}


async def set_user(platform: Platform, asked: Json) -> Any:
    """{id, …}: change a user."""
    for name, value in _known(asked).items():
        setattr(platform.home.users[asked["id"]], name, value)
    return {}


async def add_channel(platform: Platform, asked: Json) -> Any:
    """{id, name, kind?, members?, bot?}: one more channel."""
    members = {*asked.get("members", []), *([platform.home.bot] if asked.get("bot") else [])}
    platform.home.channels[asked["id"]] = Channel(
        id=asked["id"], name=asked["name"], kind=asked.get("kind", "public"), members=members
    )
    return {}


async def add_group(platform: Platform, asked: Json) -> Any:
    """{id, handle, name?, users}: one more user group."""
    group = UserGroup(
        id=asked["id"], handle=asked["handle"], name=str(asked.get("name") or asked["handle"]), users=asked["users"]
    )
    platform.home.usergroups[group.id] = group
    return {}


async def set_members(platform: Platform, asked: Json) -> Any:
    """{channel, joins?, leaves?}: who comes and who goes; "bot" is the bot."""
    channel = _channel(platform, asked["channel"])
    bot = {"bot": platform.home.bot}
    channel.members |= {bot.get(each, each) for each in asked.get("joins", [])}
    channel.members -= {bot.get(each, each) for each in asked.get("leaves", [])}
    return {}


async def archive(platform: Platform, asked: Json) -> Any:
    """{channel, archived?}: archive it, or bring it back."""
    _channel(platform, asked["channel"]).is_archived = asked.get("archived", True)
    return {}


async def may_write_public(platform: Platform, asked: Json) -> Any:
    """{allowed}: whether the app has the scope `chat:write.public`."""
    platform.home.may_write_public = asked["allowed"]
    return {}


async def may_read(platform: Platform, asked: Json) -> Any:
    """{allowed}: whether the app has the scopes `channels:history` and its kin."""
    platform.home.may_read = asked["allowed"]
    return {}


async def set_scopes(platform: Platform, asked: Json) -> Any:
    """{scopes}: what the bot token is said to allow; nothing is refused for it."""
    platform.home.scopes = list(asked["scopes"])
    return {}


def _channel(platform: Platform, channel_id: str) -> Channel:
    if channel_id not in platform.home.channels:
        raise Impossible(f"There is no channel {channel_id}.")
    return platform.home.channels[channel_id]


def _known(asked: Json) -> Json:
    if unknown := set(asked) - _FIELDS:
        raise Impossible(f"A user has no {', '.join(sorted(unknown))}.")
    return asked
