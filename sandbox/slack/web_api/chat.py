"""chat.*: errors by the names of Slack's method reference."""

from sandbox.slack import messages
from sandbox.slack.blocks import METADATA, check_message
from sandbox.slack.messages import Draft
from sandbox.slack.refusal import Refused
from sandbox.slack.web_api.call import Call, invalid
from sandbox.slack.world import Channel, Json, Message

LONGEST_UPDATE = 4000
MOST_ATTACHMENTS = 100
_STRUCTURED = ("blocks", "attachments", "metadata")


def post_message(call: Call) -> Json:
    """chat.postMessage."""
    channel = _destination(call)
    _check_may_post(call, channel)
    draft = _draft(call)
    _check_rate(call, channel)
    message = messages.post(call.platform, call.workspace, channel, draft, user=call.workspace.bot)
    return {"channel": channel.id, "ts": message.ts, "message": messages.shape(call.workspace, message)}


def update(call: Call) -> Json:
    """chat.update: without `blocks` the blocks go, without `metadata` it stays."""
    channel = call.channel()
    message = _own_message(call, channel, "cant_update_message")
    if channel.is_archived:
        raise Refused("is_inactive")
    if len(call.text("text")) > LONGEST_UPDATE:
        raise Refused("msg_too_long")
    draft = _draft(call)
    messages.update(call.platform, call.workspace, message, draft)
    shown = messages.shape(call.workspace, message)
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": shown}


def delete(call: Call) -> Json:
    """chat.delete."""
    channel = call.channel()
    message = _own_message(call, channel, "cant_delete_message")
    messages.delete(call.platform, call.workspace, message)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(call: Call) -> Json:
    """chat.postEphemeral."""
    channel = call.channel()
    user = call.text("user")
    if channel.is_archived:
        raise Refused("is_archived")
    if not call.workspace.has_bot(channel):
        raise Refused("not_in_channel")
    if user not in channel.members:
        raise Refused("user_not_in_channel")
    message = messages.post(
        call.platform, call.workspace, channel, _draft(call), user=call.workspace.bot, ephemeral_to=user
    )
    return {"message_ts": message.ts}


def get_permalink(call: Call) -> Json:
    """chat.getPermalink."""
    channel = call.channel()
    message = _message(channel, call.required("message_ts"))
    link = f"https://{call.workspace.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def _destination(call: Call) -> Channel:
    user = call.workspace.users.get(call.required("channel"))
    if user is None:
        # This method alone takes a name in place of an id.
        return call.known(call.platform.channel_named(call.workspace, call.text("channel")))
    if user.id == call.workspace.bot or user.deleted:
        raise Refused("channel_not_found")
    return call.platform.world.direct(call.workspace, user.id)


def _check_may_post(call: Call, channel: Channel) -> None:
    if channel.is_archived:
        raise Refused("is_archived")
    if not call.workspace.has_bot(channel) and not call.workspace.may_write_public:
        raise Refused("not_in_channel")


def _draft(call: Call) -> Draft:
    blocks, attachments, metadata = (call.value(name, f"invalid_{name}_format") for name in _STRUCTURED)
    if call.flag("reply_broadcast"):
        raise invalid("the sandbox shows replies in their thread only: reply_broadcast", "reply_broadcast")
    text = call.text("text")
    if not text and not blocks and not attachments:
        raise Refused("no_text")
    check_message(blocks or [])
    _check_attachments(attachments or [])
    if metadata:
        _check_metadata(metadata)
    return Draft(
        text=text,
        blocks=blocks or [],
        attachments=attachments or [],
        thread_ts=call.text("thread_ts") or None,
        metadata=metadata,
    )


def _check_attachments(attachments: list[Json]) -> None:
    if len(attachments) > MOST_ATTACHMENTS:
        raise Refused("too_many_attachments")
    for attachment in attachments:
        check_message(attachment.get("blocks") or [])


def _check_metadata(metadata: Json) -> None:
    if problems := list(METADATA(metadata, "/metadata")):
        raise Refused("invalid_metadata_format", response_metadata={"messages": problems})


def _check_rate(call: Call, channel: Channel) -> None:
    rate = call.platform.settings.posts_per_second
    if rate is None:
        return
    now = call.platform.clock.now()
    burst = call.platform.settings.post_burst
    recent = [at for at in call.platform.posts.get(channel.id, []) if at > now - burst / rate]
    if len(recent) >= burst:
        raise Refused("ratelimited", retry_after=1)
    call.platform.posts[channel.id] = [*recent, now]


def _message(channel: Channel, ts: str) -> Message:
    message = channel.messages.get(ts)
    if message is None or message.ephemeral_to or message.subtype == "tombstone":
        raise Refused("message_not_found")
    return message


def _own_message(call: Call, channel: Channel, otherwise: str) -> Message:
    message = _message(channel, call.required("ts"))
    if message.user != call.workspace.bot:
        raise Refused(otherwise)
    return message
