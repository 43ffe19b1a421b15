from collections.abc import Iterable, Iterator

from sandbox.slack import messages
from sandbox.slack.refusal import Refused
from sandbox.slack.web_api.call import Call, invalid
from sandbox.slack.web_api.paging import page
from sandbox.slack.world import Channel, Json, Message

_KINDS = {"public_channel": "public", "private_channel": "private", "im": "im", "mpim": "mpim"}
_TO_READ = {"public": "channels:history", "private": "groups:history", "im": "im:history", "mpim": "mpim:history"}
"""The scope that reading a channel of each kind needs."""


def open_(call: Call) -> Json:
    """conversations.open: the direct messages with one person, or with several."""
    if call.text("channel"):
        return {"channel": shape(call, call.channel())}
    users = [name for name in call.text("users").split(",") if name]
    if not users:
        raise Refused("users_list_not_supplied")
    if any(name not in call.workspace.users for name in users):
        raise Refused("user_not_found")
    if call.workspace.bot in users:
        raise Refused("cannot_dm_bot")
    world = call.platform.world
    channel = world.direct(call.workspace, users[0]) if len(users) == 1 else _group(call, users)
    shown = shape(call, channel) if call.flag("return_im") else {"id": channel.id}
    return {"channel": shown, "no_op": False, "already_open": False}


def info(call: Call) -> Json:
    """conversations.info."""
    return {"channel": shape(call, call.channel())}


def members(call: Call) -> Json:
    """conversations.members."""
    found, metadata = page(call, sorted(call.channel().members))
    return {"members": found, "response_metadata": metadata}


def list_(call: Call) -> Json:
    """conversations.list: what the bot can see, of the asked types."""
    return _listed(call, _visible(call))


def own(call: Call) -> Json:
    """users.conversations: where the bot is a member, of the asked types."""
    return _listed(call, (each for each in _visible(call) if call.workspace.has_bot(each)))


def _listed(call: Call, channels: Iterable[Channel]) -> Json:
    types = [name.strip() for name in call.text("types", "public_channel").split(",")]
    if any(name not in _KINDS for name in types):
        raise Refused("invalid_types")
    wanted = [_KINDS[name] for name in types]
    found, metadata = page(call, [each for each in channels if each.kind in wanted])
    return {"channels": [shape(call, each) for each in found], "response_metadata": metadata}


def history(call: Call) -> Json:
    """conversations.history: newest first, without replies and without what only one person sees."""
    channel = _readable(call)
    shown = (each for each in reversed(channel.messages.values()) if not each.is_reply and not each.ephemeral_to)
    found, metadata = page(call, list(_between(call, shown)))
    return {
        "messages": [_shape(call, each) for each in found],
        "has_more": bool(metadata["next_cursor"]),
        "response_metadata": metadata,
    }


def replies(call: Call) -> Json:
    """conversations.replies: the root and what stands below it, oldest first."""
    channel = _readable(call)
    asked = channel.messages.get(call.required("ts"))
    if asked is None or asked.ephemeral_to:
        raise Refused("thread_not_found")
    root = messages.thread_root(channel, asked.ts) if asked.subtype != "tombstone" else asked
    below = [] if asked.is_reply else list(_between(call, messages.replies(channel, root.ts)))
    found, metadata = page(call, [asked, *below], default=1000)
    return {
        "messages": [_shape(call, each) for each in found],
        "has_more": bool(metadata["next_cursor"]),
        "response_metadata": metadata,
    }


def shape(call: Call, channel: Channel) -> Json:
    """A channel as Slack's Web API shows it."""
    shown: Json = {"id": channel.id, "is_archived": channel.is_archived, "is_im": channel.kind == "im"}
    if channel.kind == "im":
        return shown | {"user": next(iter(channel.members - {call.workspace.bot}), ""), "is_open": True}
    return shown | {
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind == "public",
        "is_group": channel.kind == "private",
        "is_mpim": channel.kind == "mpim",
        "is_private": channel.kind != "public",
        "is_member": call.workspace.has_bot(channel),
        "is_general": False,
        "is_ext_shared": channel.is_ext_shared,
        **_sharing(call, channel),
        "creator": channel.creator,
        "context_team_id": call.workspace.id,
        "num_members": len(channel.members),
    }


def _sharing(call: Call, channel: Channel) -> Json:
    teams = call.platform.world.sharing(channel.id)
    own = call.workspace.enterprise_id
    is_org_shared = bool(own) and [each.enterprise_id for each in teams].count(own) > 1
    return {
        "is_shared": channel.is_ext_shared or is_org_shared,
        "is_org_shared": is_org_shared,
        "shared_team_ids": [each.id for each in teams],
    }


def _group(call: Call, users: list[str]) -> Channel:
    wanted = {*users, call.workspace.bot}
    for channel in call.workspace.channels.values():
        if channel.kind == "mpim" and channel.members == wanted:
            return channel
    made = Channel(
        id=f"G0GROUP{len(call.workspace.channels):04}", name="mpdm-" + "--".join(users), kind="mpim", members=wanted
    )
    call.workspace.channels[made.id] = made
    return made


def _visible(call: Call) -> Iterator[Channel]:
    for channel in call.workspace.channels.values():
        known = channel.kind == "public" or call.workspace.has_bot(channel)
        if known and not (channel.is_archived and call.flag("exclude_archived")):
            yield channel


def _readable(call: Call) -> Channel:
    channel = call.channel()
    if not call.workspace.may_read:
        raise Refused("missing_scope", needed=_TO_READ[channel.kind], provided="chat:write,commands")
    if not call.workspace.has_bot(channel):
        raise Refused("not_in_channel")
    return channel


def _between(call: Call, found: Iterable[Message]) -> Iterator[Message]:
    oldest, latest = _seconds(call, "oldest", 0.0), _seconds(call, "latest", float("inf"))
    inclusive = call.flag("inclusive")
    for message in found:
        at = float(message.ts)
        if oldest < at < latest or (inclusive and at in (oldest, latest)):
            yield message


def _seconds(call: Call, name: str, default: float) -> float:
    try:
        return float(call.text(name) or default)
    except ValueError:
        raise invalid(f"must be a timestamp: {name}", name) from None


def _shape(call: Call, message: Message) -> Json:
    return messages.shape(call.workspace, message, all_metadata=call.flag("include_all_metadata"))
