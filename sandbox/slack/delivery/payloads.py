"""What Slack tells the app, field by field as in its reference. Dicts in, dicts out."""

import secrets
from typing import Any

from sandbox.slack import entries, granting, messages, screens
from sandbox.slack.installation import Installation
from sandbox.slack.platform import Platform
from sandbox.slack.world import Channel, Json, Message, User, View, Workspace

VERIFICATION_TOKEN = "sandbox-verification"  # noqa: S105 - deprecated by Slack, sent all the same, checked by nobody
_CHANNEL_TYPE = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}


def command(platform: Platform, workspace: Workspace, channel: Channel, user: User, line: str) -> Json:
    """A slash command; `line` is what was typed, with its slash."""
    name, _, text = line.partition(" ")
    key = platform.response_urls.issue(workspace.id, channel.id, user.id)
    organisation = platform.world.organisations.get(workspace.enterprise_id)
    return {
        "token": VERIFICATION_TOKEN,
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
        "is_enterprise_install": str(_is_wide(platform, workspace)).lower(),
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
        "token": VERIFICATION_TOKEN,
        "action_id": element["action_id"],
        "block_id": block_id,
        "value": query,
        **_installed(platform, workspace, user, in_view="view" in place),
        **place,
    }


def event(platform: Platform, workspace: Workspace, event: Json) -> Json:
    """The outer part of an event."""
    channel = workspace.channels.get(str(event.get("channel")))
    organisation = workspace.enterprise_id or None
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.id,
        **({"enterprise_id": organisation} if organisation else {}),
        "context_team_id": workspace.id,
        "context_enterprise_id": organisation,
        "api_app_id": workspace.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": _event_id(),
        "event_time": int(platform.clock.now()),
        "authorizations": [
            {
                "enterprise_id": organisation,
                "team_id": workspace.id,
                "user_id": workspace.bot,
                "is_bot": True,
                "is_enterprise_install": _is_wide(platform, workspace),
            }
        ],
        "is_ext_shared_channel": channel is not None and channel.is_ext_shared,
        "event_context": secrets.token_hex(12),
    }


def removal(platform: Platform, installation: Installation, kind: str) -> Json:
    """`app_uninstalled` or `tokens_revoked`, as of now; `team_id` is the organisation's id where all of it is meant."""
    workspace = granting.home(platform, installation)
    inner: Json = {"type": kind}
    if kind == "tokens_revoked":
        inner["tokens"] = {"oauth": [], "bot": [workspace.bot]}
    organisation = {"enterprise_id": workspace.enterprise_id} if workspace.enterprise_id else {}
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": installation.place,
        **organisation,
        "api_app_id": workspace.app_id,
        "event": inner,
        "type": "event_callback",
        "event_id": _event_id(),
        "event_time": int(platform.clock.now()),
    }


def said(workspace: Workspace, message: Message, kind: str, user: User) -> Json:
    """The inner part of an event about a message that `user` wrote: `app_mention` or `message`."""
    channel = workspace.channels[message.channel]
    written: Json = {
        "type": kind,
        "user": message.user,
        "ts": message.ts,
        "client_msg_id": secrets.token_hex(16),
        "text": message.text,
        "team": user.team_id,
        "blocks": [],
        "channel": channel.id,
        "event_ts": message.ts,
    }
    if user.team_id != workspace.id:
        written |= {"user_team": user.team_id, "source_team": user.team_id}
    if message.thread_ts:
        written["thread_ts"] = message.thread_ts
        written["parent_user_id"] = channel.messages[message.thread_ts].user
    return written | ({"channel_type": _CHANNEL_TYPE[channel.kind]} if kind == "message" else {})


def _event_id() -> str:
    return f"Ev{secrets.token_hex(5).upper()}"


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
        "token": VERIFICATION_TOKEN,
        "trigger_id": platform.triggers.issue(workspace.id, user.id, view_id),
        **_installed(platform, workspace, user, in_view=in_view or view_id is not None),
    }


def _installed(platform: Platform, workspace: Workspace, user: User, *, in_view: bool) -> Json:
    """Where an interaction happened; where it was in no message, `team` is that of the person or, in case, nobody's."""
    organisation = platform.world.organisations.get(workspace.enterprise_id)
    is_wide = _is_wide(platform, workspace)
    team: Json | None = _team(platform, user.team_id if in_view and user.is_stranger else workspace.id)
    return {
        "team": None if in_view and is_wide else team,
        "enterprise": {"id": organisation.id, "name": organisation.name} if organisation else None,
        "is_enterprise_install": is_wide,
    }


def _team(platform: Platform, team: str) -> Json:
    workspace = platform.world.workspaces.get(team)
    if workspace is None:
        return {"id": team, "domain": team.lower()}
    organisation = platform.world.organisations.get(workspace.enterprise_id)
    about = {"enterprise_id": organisation.id, "enterprise_name": organisation.name} if organisation else {}
    return {"id": team, "domain": workspace.domain, **about}


def _is_wide(platform: Platform, workspace: Workspace) -> bool:
    """Whether it is the organisation's installation that serves `workspace`."""
    installation = platform.world.installed_in(workspace.id)
    return installation is not None and installation.is_enterprise


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
