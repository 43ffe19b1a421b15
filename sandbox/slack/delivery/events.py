"""What Slack tells the app by itself: events, field by field as in its reference. Dicts in, dicts out."""

import secrets
from collections.abc import Sequence

from sandbox.slack import granting
from sandbox.slack.delivery import places
from sandbox.slack.installation import Installation
from sandbox.slack.platform import Platform
from sandbox.slack.world import Json, Message, User, Workspace

_CHANNEL_TYPE = {"public": "channel", "private": "group", "im": "im", "mpim": "mpim"}


def event(platform: Platform, workspace: Workspace, event: Json) -> Json:
    """The outer part of an event."""
    channel = workspace.channels.get(str(event.get("channel")))
    organisation = workspace.enterprise_id or None
    return {
        "token": places.VERIFICATION_TOKEN,
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
                "is_enterprise_install": places.is_wide(platform, workspace),
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
        "token": places.VERIFICATION_TOKEN,
        "team_id": installation.place,
        **organisation,
        "api_app_id": workspace.app_id,
        "event": inner,
        "type": "event_callback",
        "event_id": _event_id(),
        "event_time": int(platform.clock.now()),
    }


def access(platform: Platform, installation: Installation, kind: str, teams: Sequence[str]) -> Json:
    """`team_access_granted` or `team_access_revoked` for teams of the organisation whose installation it is."""
    workspace = granting.home(platform, installation)
    return {
        "token": places.VERIFICATION_TOKEN,
        "team_id": None,
        "enterprise_id": installation.place,
        "api_app_id": workspace.app_id,
        "event": {"type": kind, "team_ids": list(teams), "event_ts": f"{platform.clock.now():.6f}"},
        "type": "event_callback",
        "event_id": _event_id(),
        "event_time": int(platform.clock.now()),
        "authorizations": [
            {
                "enterprise_id": installation.place,
                "team_id": None,
                "user_id": workspace.bot,
                "is_bot": True,
                "is_enterprise_install": True,
            }
        ],
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
