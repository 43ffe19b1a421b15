"""What Slack tells the app of what people do to it, field by field as in its reference. Dicts in, dicts out."""

from typing import Any

from sandbox.slack import entries, messages, screens
from sandbox.slack.delivery import places
from sandbox.slack.platform import Platform
from sandbox.slack.world import Channel, Json, Message, User, View, Workspace


def command(platform: Platform, workspace: Workspace, channel: Channel, user: User, line: str) -> Json:
    """A slash command; `line` is what was typed, with its slash."""
    name, _, text = line.partition(" ")
    key = platform.response_urls.issue(workspace.id, channel.id, user.id)
    organisation = platform.world.organisations.get(workspace.enterprise_id)
    return {
        "token": places.VERIFICATION_TOKEN,
        "team_id": workspace.id,
        "team_domain": workspace.domain,
        **({"enterprise_id": organisation.id, "enterprise_name": organisation.name} if organisation else {}),
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text.strip(),
        "api_app_id": workspace.app_id,
        "is_enterprise_install": str(places.is_wide(platform, workspace)).lower(),
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
    payload = _interaction(platform, workspace, user, "view_closed", in_view=True)
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
    payload = _interaction(platform, workspace, user, "shortcut", in_view=True)
    return payload | {"callback_id": callback_id, "action_ts": _now(platform)}


def suggestion(
    platform: Platform, workspace: Workspace, user: User, block_id: str, element: Json, query: str, place: Json
) -> Json:
    """A question for the choices that fit what was typed; `place` holds `view` or `message` and `channel`."""
    return {
        "type": "block_suggestion",
        "user": _person(user),
        "container": place.pop("container"),
        "api_app_id": workspace.app_id,
        "token": places.VERIFICATION_TOKEN,
        "action_id": element["action_id"],
        "block_id": block_id,
        "value": query,
        **places.where(platform, workspace, user, in_view="view" in place),
        **place,
    }


def _interaction(
    platform: Platform,
    workspace: Workspace,
    user: User,
    kind: str,
    *,
    view_id: str | None = None,
    in_view: bool = False,
) -> dict[str, Any]:
    return {
        "type": kind,
        "user": _person(user),
        "api_app_id": workspace.app_id,
        "token": places.VERIFICATION_TOKEN,
        "trigger_id": platform.triggers.issue(workspace.id, user.id, view_id),
        **places.where(platform, workspace, user, in_view=in_view or view_id is not None),
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
