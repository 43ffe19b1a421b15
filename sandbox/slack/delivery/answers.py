"""What the app's answers do: messages, modals, choices."""

from typing import Any

from sandbox.slack import messages, screens
from sandbox.slack.blocks import check_message
from sandbox.slack.blocks.visible import visible
from sandbox.slack.messages import Draft
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.tickets import ResponseUrl
from sandbox.slack.world import Channel, Json, Message, View, Workspace

MOST_CHOICES = 100
TROUBLE = "We had some trouble connecting. Try again?"


def answer_message(
    platform: Platform, workspace: Workspace, channel: Channel, user: str, answer: Json, thread_ts: str | None = None
) -> Message:
    """Post what the app answers: privately, unless it says `in_channel`. Raises `Refused` for what Slack refuses."""
    blocks = answer.get("blocks") or []
    text = str(answer.get("text") or "")
    if not text and not blocks and not answer.get("attachments"):
        raise Refused("no_text")
    check_message(blocks)
    private = answer.get("response_type", "ephemeral") != "in_channel"
    draft = Draft(
        text=text,
        blocks=blocks,
        attachments=answer.get("attachments") or [],
        thread_ts=answer.get("thread_ts") or thread_ts,
        metadata=answer.get("metadata"),
    )
    return messages.post(
        platform, workspace, channel, draft, user=workspace.bot, ephemeral_to=user if private else None
    )


def use_response_url(platform: Platform, key: str, answer: Json) -> None:
    """Do what was sent to a response URL; works where the bot is no member. Raises `Refused`."""
    url = platform.response_urls.use(key)
    workspace = platform.world.workspaces[url.team]
    channel = workspace.channels[url.channel]
    original = channel.messages.get(url.message_ts or "")
    if answer.get("delete_original"):
        _delete(platform, workspace, original)
    elif original is not None and answer.get("replace_original"):
        _replace(platform, workspace, original, answer)
    else:
        _post(platform, workspace, channel, url, answer)


def told_privately(platform: Platform, workspace: Workspace, channel: Channel, user: str, text: str) -> Message:
    """What Slack itself says to one person."""
    return messages.post(platform, workspace, channel, Draft(text=text), user="USLACKBOT", ephemeral_to=user)


def visible_text(message: Message) -> str:
    """What can be read of a message."""
    return visible(message.blocks, message.text)


def apply_submission(platform: Platform, workspace: Workspace, view: View, answer: Any) -> Json:
    """Do what the app answers to a submission; returns the errors by block, none where it was accepted.

    Raises `Refused` for an answer that Slack does not understand.
    """
    action = answer.get("response_action") if isinstance(answer, dict) else None
    match action:
        case None:
            screens.close_view(platform, workspace, view)
        case "clear":
            screens.clear(platform, workspace, view.user)
        case "update":
            screens.update_view(platform, workspace, view, answer.get("view"))
        case "push":
            screens.push_view(platform, workspace, view.user, answer.get("view"))
        case "errors":
            return _errors(view, answer.get("errors"))
        case _:
            raise Refused("invalid_response_action")
    return {}


def choices(answer: Any) -> list[Json]:
    """The options of an answer to a suggestion, those in groups included. Raises `Refused`."""
    if not isinstance(answer, dict):
        raise Refused("invalid_suggestions")
    groups = answer.get("option_groups")
    listed = [each for group in groups for each in group["options"]] if groups else answer.get("options")
    if not isinstance(listed, list) or len(listed) > MOST_CHOICES:
        raise Refused("invalid_suggestions")
    if listed:
        element = {"type": "static_select", "action_id": "a", "options": listed}
        check_message([{"type": "actions", "elements": [element]}])
    return listed


def _errors(view: View, errors: Any) -> Json:
    inputs = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise Refused("invalid_error_blocks")
    return errors


def _delete(platform: Platform, workspace: Workspace, original: Message | None) -> None:
    if original is None:
        raise Refused("message_not_found")
    messages.delete(platform, workspace, original)


def _replace(platform: Platform, workspace: Workspace, original: Message, answer: Json) -> None:
    blocks = answer.get("blocks") or []
    check_message(blocks)
    draft = Draft(text=str(answer.get("text") or ""), blocks=blocks, attachments=answer.get("attachments") or [])
    messages.update(platform, workspace, original, draft)


def _post(platform: Platform, workspace: Workspace, channel: Channel, url: ResponseUrl, answer: Json) -> None:
    if channel.is_archived:
        raise Refused("is_archived")
    private = answer.get("response_type", "ephemeral") != "in_channel"
    # A private answer to a click in a thread is seen in that thread; a public one goes where it says.
    thread_ts = url.thread_ts if private else None
    answer_message(platform, workspace, channel, url.user, answer, thread_ts)
