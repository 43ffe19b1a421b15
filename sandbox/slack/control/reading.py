"""What a person sees, as JSON for whoever plays that person."""

import base64

from sandbox.slack import messages
from sandbox.slack.acting import Person
from sandbox.slack.blocks.visible import visible
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Impossible
from sandbox.slack.world import Channel, Json, Message, Workspace


def channel_messages(workspace: Workspace, channel: Channel, user: str) -> list[Json]:
    """The messages of `channel` outside threads that `user` sees, oldest first."""
    return [
        message_seen(workspace, each)
        for each in channel.messages.values()
        if not each.is_reply and each.ephemeral_to in (None, user)
    ]


def thread(workspace: Workspace, channel: Channel, root_ts: str, user: str) -> list[Json]:
    """The replies below `root_ts` that `user` sees, oldest first, without the root."""
    return [message_seen(workspace, each) for each in messages.replies(channel, root_ts, seen_by=user)]


def message_seen(workspace: Workspace, message: Message) -> Json:
    """A message with all that can be read of it."""
    files = [_file(workspace, file_id) for file_id in message.files]
    return {
        **messages.shape(workspace, message),
        "channel": message.channel,
        "visible": visible(message.blocks, message.text),
        "ephemeral": bool(message.ephemeral_to),
        "updates": message.updates,
        "files": files,
        "blocks": message.blocks,
    }


def workspace(platform: Platform, asked: Json) -> Workspace:
    """The workspace that `team` names, else the one that has `channel` or `user`; the first comes first."""
    workspaces = platform.world.workspaces
    if team := asked.get("team"):
        if team not in workspaces:
            raise Impossible(f"There is no workspace {team}.")
        return workspaces[team]
    for each in workspaces.values():
        if asked.get("user") in each.users or asked.get("channel") in each.channels:
            return each
    return platform.home


def person(platform: Platform, asked: Json) -> Person:
    """Whom `user` names, at his screen in `team`, or in the first workspace that knows him."""
    place = workspace(platform, {"team": asked.get("team"), "user": asked["user"]})
    return Person(platform, place, asked["user"])


def _file(workspace: Workspace, file_id: str) -> Json:
    file = workspace.files[file_id]
    content = base64.b64encode(file.content or b"").decode()
    return messages.shape_file(file) | {"content": content}
