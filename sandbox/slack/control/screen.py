"""Control: what the page shows of the workspace. Each takes the platform and the request's JSON.

`read` says how far somebody has read: by channel id, and by `<channel id>/<ts>` for a thread, the `ts` of the last
message that he saw; what he has never opened counts as read up to `since`.
"""

from typing import Any

from sandbox.slack import messages
from sandbox.slack.control import reading
from sandbox.slack.platform import Platform
from sandbox.slack.world import Channel, Json, Message, Workspace


async def sidebar(platform: Platform, asked: Json) -> Any:
    """{user, read, since}: the conversations that he sees, and what is new in each."""
    user = reading.person(platform, asked).user.id
    platform.world.direct(platform.home, user)
    return [
        _conversation(platform.home, channel, user, asked)
        for channel in platform.home.channels.values()
        if _lists(platform.home, channel, user)
    ]


async def conversation(platform: Platform, asked: Json) -> Any:
    """{user, channel, thread?, read, since}: the messages there; with `thread` its root and the replies."""
    user = asked["user"]
    channel = reading.person(platform, asked).channel(asked["channel"])
    root = channel.messages.get(asked.get("thread") or "")
    if asked.get("thread") and root is None:
        return []
    shown = [root, *messages.replies(channel, root.ts, seen_by=user)] if root else _outside_threads(channel, user)
    return [
        reading.message_seen(platform.home, each) | {"new_replies": len(_new_replies(channel, each, user, asked))}
        for each in shown
    ]


def _lists(workspace: Workspace, channel: Channel, user: str) -> bool:
    if channel.kind in ("im", "mpim"):
        return user in channel.members
    return workspace.sees(user, channel)


def _conversation(workspace: Workspace, channel: Channel, user: str, asked: Json) -> Json:
    read = asked["read"].get(channel.id, asked["since"])
    new = [each for each in _outside_threads(channel, user) if each.ts > read and each.user != user]
    replies = [
        reply for root in channel.threads for reply in _new_replies(channel, channel.messages[root], user, asked)
    ]
    calling = [each for each in [*new, *replies] if f"<@{user}>" in each.text]
    return {
        "id": channel.id,
        "name": channel.name,
        "kind": channel.kind,
        "archived": channel.is_archived,
        "has_bot": workspace.has_bot(channel),
        "new": len(new),
        "calling": len(new) if channel.kind == "im" else len(calling),
    }


def _outside_threads(channel: Channel, user: str) -> list[Message]:
    return [each for each in channel.messages.values() if not each.is_reply and each.ephemeral_to in (None, user)]


def _new_replies(channel: Channel, root: Message, user: str, asked: Json) -> list[Message]:
    read = asked["read"].get(f"{channel.id}/{root.ts}", asked["since"])
    return [each for each in messages.replies(channel, root.ts, seen_by=user) if each.ts > read and each.user != user]
