"""What Slack tells the app, field by field as in its reference. Dicts in, dicts out."""

import secrets
from typing import Any

from sandbox.slack import entries, messages, screens
from sandbox.slack.platform import Platform
from sandbox.slack.world import Channel, Json, Message, User, View, Workspace

VERIFICATION_TOKEN = "sandbox-verification"  # noqa: S105 - deprecated by Slack, sent all the same, checked by nobody
_CHANNEL_TYPE = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}


def command(platform: Platform, workspace: Workspace, channel: Channel, user: User, line: str) -> Json:
    """A slash command; `line` is what was typed, with its slash."""
    name, _, text = line.partition(" ")
    key = platform.response_urls.issue(workspace.id, channel.id, user.id)
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.id,
        "team_domain": workspace.domain,
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text.strip(),
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "response_url": _response_url(platform, "commands", workspace, key),
        "trigger_id": platform.triggers.issue(workspace.id, user.id),
    }


def message_action(
    platform: Platform, workspace: Workspace, user: User, message: Message, element: Json, state: Json
) -> Json:
    """A click or choice in a message."""
    channel = workspace.channels[message.channel]
    key = platform.response_urls.issue(
        workspace.id, channel.id, user.id, message_ts=message.ts, thread_ts=message.thread_ts
    )
    container = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": bool(message.ephemeral_to),
    }
    payload = {
        **_interaction(platform, workspace, user, "block_actions"),
        "container": container | ({"thread_ts": message.thread_ts} if message.thread_ts else {}),
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "state": {"values": entries.values(message.blocks, message.entries.get(user.id, {}))},
        "response_url": _response_url(platform, "actions", workspace, key),
        "actions": [_action(platform, element, state)],
    }
    # Slack leaves the message out where only one person sees it.
    return payload if message.ephemeral_to else payload | {"message": messages.shape(workspace, message)}


def view_action(platform: Platform, workspace: Workspace, user: User, view: View, element: Json, state: Json) -> Json:
    """A click or choice in a modal."""
    return {
        **_interaction(platform, workspace, user, "block_actions", view_id=view.id),
        "container": {"type": "view", "view_id": view.id},
        "view": screens.shape(workspace, view),
        "actions": [_action(platform, element, state)],
    }


def submission(platform: Platform, workspace: Workspace, user: User, view: View) -> Json:
    """A modal that was submitted; a response URL for each conversation chosen where that was asked for."""
    shown = screens.shape(workspace, view)
    urls = [
        _minted(platform, workspace, user, block, element, shown["state"]["values"])
        for block in view.content["blocks"]
        for element in [block.get("element", {})]
        if element.get("response_url_enabled")
    ]
    return {
        **_interaction(platform, workspace, user, "view_submission", view_id=view.id),
        "view": shown,
        "response_urls": [url for url in urls if url],
    }


def closing(platform: Platform, workspace: Workspace, user: User, view: View, *, is_cleared: bool) -> Json:
    """A modal that was closed without being submitted."""
    payload = _interaction(platform, workspace, user, "view_closed")
    del payload["trigger_id"]
    return payload | {"view": screens.shape(workspace, view), "is_cleared": is_cleared}


def shortcut(platform: Platform, workspace: Workspace, user: User, message: Message, callback_id: str) -> Json:
    """A shortcut that was chosen in a message's menu."""
    channel = workspace.channels[message.channel]
    key = platform.response_urls.issue(workspace.id, channel.id, user.id, thread_ts=message.thread_ts)
    return {
        **_interaction(platform, workspace, user, "message_action"),
        "callback_id": callback_id,
        "action_ts": _now(platform),
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "message": messages.shape(workspace, message),
        "response_url": _response_url(platform, "app", workspace, key),
    }


def global_shortcut(platform: Platform, workspace: Workspace, user: User, callback_id: str) -> Json:
    """A shortcut that was chosen outside of any message."""
    payload = _interaction(platform, workspace, user, "shortcut")
    return payload | {"callback_id": callback_id, "action_ts": _now(platform)}


def suggestion(workspace: Workspace, user: User, block_id: str, element: Json, query: str, place: Json) -> Json:
    """A question for the choices that fit what was typed; `place` holds `view` or `message` and `channel`."""
    return {
        "type": "block_suggestion",
        "user": _person(user),
        "container": place.pop("container"),
        "api_app_id": workspace.app_id,
        "token": VERIFICATION_TOKEN,
        "action_id": element["action_id"],
        "block_id": block_id,
        "value": query,
        "team": {"id": workspace.id, "domain": workspace.domain},
        "enterprise": None,
        "is_enterprise_install": False,
        **place,
    }


def event(platform: Platform, workspace: Workspace, event: Json) -> Json:
    """The outer part of an event."""
    channel = workspace.channels.get(str(event.get("channel")))
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.id,
        "context_team_id": workspace.id,
        "context_enterprise_id": None,
        "api_app_id": workspace.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{secrets.token_hex(5).upper()}",
        "event_time": int(platform.clock.now()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.id,
                "user_id": workspace.bot,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": channel is not None and channel.is_ext_shared,
        "event_context": secrets.token_hex(12),
    }


def said(workspace: Workspace, message: Message, kind: str) -> Json:
    """The inner part of an event about a message that a person wrote: `app_mention` or `message`."""
    channel = workspace.channels[message.channel]
    written: Json = {
        "type": kind,
        "user": message.user,
        "ts": message.ts,
        "client_msg_id": secrets.token_hex(16),
        "text": message.text,
        "team": workspace.users[message.user].team_id,
        "blocks": [],
        "channel": channel.id,
        "event_ts": message.ts,
    }
    if message.thread_ts:
        written["thread_ts"] = message.thread_ts
        written["parent_user_id"] = channel.messages[message.thread_ts].user
    return written | ({"channel_type": _CHANNEL_TYPE[channel.kind]} if kind == "message" else {})


def _interaction(
    platform: Platform, workspace: Workspace, user: User, kind: str, view_id: str | None = None
) -> dict[str, Any]:
    return {
        "type": kind,
        "user": _person(user),
        "api_app_id": workspace.app_id,
        "token": VERIFICATION_TOKEN,
        "trigger_id": platform.triggers.issue(workspace.id, user.id, view_id),
        "team": {"id": workspace.id, "domain": workspace.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _person(user: User) -> Json:
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id}


def _action(platform: Platform, element: Json, state: Json) -> Json:
    carried = ("type", "action_id", "block_id", "text", "value", "style", "placeholder")
    shown = {name: element[name] for name in carried if name in element}
    return {**shown, **state, "action_ts": _now(platform)}


def _minted(
    platform: Platform, workspace: Workspace, user: User, block: Json, element: Json, state: Json
) -> Json | None:
    channel = entries.content(state[block["block_id"]][element["action_id"]])
    if not channel:
        return None
    key = platform.response_urls.issue(workspace.id, channel, user.id)
    url = _response_url(platform, "app", workspace, key)
    ids = {"block_id": block["block_id"], "action_id": element["action_id"]}
    return {**ids, "channel_id": channel, "response_url": url}


def _response_url(platform: Platform, kind: str, workspace: Workspace, key: str) -> str:
    return f"{platform.base_url}/{kind}/{workspace.id}/{key}"


def _channel_name(channel: Channel) -> str:
    return {"im": "directmessage", "private": "privategroup"}.get(channel.kind, channel.name)


def _now(platform: Platform) -> str:
    return f"{platform.clock.now():.6f}"
