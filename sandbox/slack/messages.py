"""How messages come, change and go, and how the Web API shows them."""

import copy
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.blocks.visible import elements
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.world import Channel, File, Json, Message, Workspace

LONGEST_TEXT = 40_000


@dataclass(kw_only=True)
class Draft:
    """A message before it is posted."""

    text: str = ""
    blocks: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    metadata: Json | None = None
    files: list[str] = field(default_factory=list)


def identified(blocks: list[Json]) -> list[Json]:
    """A copy of `blocks` in which each block and each element has an id."""
    named = copy.deepcopy(blocks)
    for block in named:
        block.setdefault("block_id", secrets.token_urlsafe(4))
        for element in elements(block):
            if element["type"] != "image":
                element.setdefault("action_id", secrets.token_urlsafe(4))
    return named


def post(
    platform: Platform,
    workspace: Workspace,
    channel: Channel,
    draft: Draft,
    *,
    user: str,
    ephemeral_to: str | None = None,
) -> Message:
    """Put a message into `channel`, or into a thread there; raises where there is no such thread."""
    root = thread_root(channel, draft.thread_ts) if draft.thread_ts else None
    message = Message(
        ts=channel.next_ts(platform.clock.now()),
        channel=channel.id,
        user=user,
        text=draft.text[:LONGEST_TEXT],
        blocks=identified(draft.blocks),
        attachments=draft.attachments,
        thread_ts=root.ts if root else None,
        metadata=draft.metadata,
        ephemeral_to=ephemeral_to,
        bot_id=workspace.bot_id if user == workspace.bot else None,
        files=draft.files,
    )
    channel.messages[message.ts] = message
    if root is not None:
        channel.threads.setdefault(root.ts, []).append(message.ts)
    _note(platform, "ephemeral_posted" if ephemeral_to else "message_posted", workspace, message)
    return message


def thread_root(channel: Channel, ts: str) -> Message:
    """The message under which a reply to `ts` stands."""
    message = channel.messages.get(ts)
    if message is None or message.ephemeral_to:
        raise Refused("thread_not_found")
    if message.subtype == "tombstone":
        raise Refused("cannot_reply_to_message")
    return channel.messages[message.thread_ts] if message.is_reply and message.thread_ts else message


def update(platform: Platform, workspace: Workspace, message: Message, draft: Draft) -> None:
    """Change text, blocks and attachments of `message`; its metadata too where the draft has some."""
    message.text = draft.text[:LONGEST_TEXT]
    message.blocks = identified(draft.blocks)
    message.attachments = draft.attachments
    if draft.metadata is not None:
        message.metadata = draft.metadata or None
    message.updates += 1
    # Slack shows "(edited)" only where a message has no blocks.
    message.edited_ts = None if draft.blocks else f"{platform.clock.now():.6f}"
    _note(platform, "message_updated", workspace, message)


def delete(platform: Platform, workspace: Workspace, message: Message) -> None:
    """Remove `message`; one that has replies leaves a tombstone."""
    channel = workspace.channels[message.channel]
    if message.is_reply and message.thread_ts:
        channel.threads[message.thread_ts].remove(message.ts)
    if channel.threads.get(message.ts):
        message.subtype, message.text, message.blocks = "tombstone", "This message was deleted.", []
        message.user, message.bot_id, message.metadata, message.files = "USLACKBOT", None, None, []
    else:
        channel.threads.pop(message.ts, None)
        del channel.messages[message.ts]
    _note(platform, "message_deleted", workspace, message)


def replies(channel: Channel, root_ts: str, *, seen_by: str | None = None) -> Iterator[Message]:
    """The replies below `root_ts`; those that only `seen_by` sees are included."""
    for ts in channel.threads.get(root_ts, []):
        message = channel.messages[ts]
        if message.ephemeral_to in (None, seen_by):
            yield message


def shape(workspace: Workspace, message: Message, *, all_metadata: bool = True) -> Json:
    """The message as Slack's Web API shows it; without `all_metadata` only the type of its metadata."""
    shown: Json = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
    author = workspace.users.get(message.user)
    shown["team"] = author.team_id if author else workspace.id
    optional: Json = {
        "subtype": message.subtype,
        "bot_id": message.bot_id,
        "app_id": workspace.app_id if message.bot_id else None,
        "blocks": message.blocks,
        "attachments": message.attachments,
        "thread_ts": message.thread_ts,
        "metadata": _metadata(message, all_metadata=all_metadata),
        "files": [shape_file(workspace.files[file]) for file in message.files],
        "edited": {"user": message.user, "ts": message.edited_ts} if message.edited_ts else None,
        "is_ephemeral": bool(message.ephemeral_to),
    }
    return shown | {name: value for name, value in optional.items() if value} | _thread_facts(workspace, message)


def shape_file(file: File) -> Json:
    """The file as Slack's Web API shows it, without its content."""
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "size": file.length,
        "user": file.user,
        "mode": "hosted",
        "filetype": file.name.rpartition(".")[2],
        "channels": file.shared_in,
    }


def _thread_facts(workspace: Workspace, message: Message) -> Json:
    channel = workspace.channels[message.channel]
    if message.is_reply:
        return {"parent_user_id": channel.messages[message.thread_ts or ""].user}
    found = list(replies(channel, message.ts))
    if not found:
        return {}
    return {
        "thread_ts": message.ts,
        "reply_count": len(found),
        "reply_users": list(dict.fromkeys(reply.user for reply in found)),
        "latest_reply": found[-1].ts,
    }


def _metadata(message: Message, *, all_metadata: bool) -> Json | None:
    if message.metadata is None or all_metadata:
        return message.metadata
    return {"event_type": message.metadata["event_type"]}


def _note(platform: Platform, kind: str, workspace: Workspace, message: Message) -> None:
    details: dict[str, Any] = {
        "team": workspace.id,
        "channel": message.channel,
        "user": message.user,
        "ts": message.ts,
        "thread_ts": message.thread_ts,
        "to": message.ephemeral_to,
        "text": message.text,
        "blocks": message.blocks,
    }
    platform.journal.note(kind, **details)
