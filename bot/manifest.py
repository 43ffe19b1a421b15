"""The Slack app manifest: what Slack has to know of the bot."""

from pathlib import Path
from typing import Any

import yaml

PLACES = (Path(__file__).parent.parent / "manifest.yml", Path(__file__).parent / "manifest.yml")
"""Beside the code in a checkout, inside the package where it is installed."""

OF_ORGANISATIONS = ("team_access_revoked",)
"""The events that Slack knows only for apps that organisations may install as a whole."""


def text(url: str | None = None, *, many_workspaces: bool = False) -> str:
    """The manifest as YAML, for Socket Mode, or for HTTP at `url`, where Slack reaches the bot.

    With `many_workspaces` others can install the app, whole organisations too, and its tokens expire.
    """
    source = next(place for place in PLACES if place.exists()).read_text(encoding="utf-8")
    if url is None:
        return source
    manifest = _over_http(yaml.safe_load(source), url.rstrip("/"))
    if many_workspaces:
        _for_many(manifest, url.rstrip("/"))
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)


def scopes() -> list[str]:
    """What the bot asks of a workspace that installs it; what is optional may be left out there."""
    return list(_scopes()["bot"])


def needed_scopes() -> list[str]:
    """Those without which the bot does not work."""
    optional = _scopes()["bot_optional"]
    return [scope for scope in scopes() if scope not in optional]


def _scopes() -> dict[str, list[str]]:
    return dict(yaml.safe_load(text())["oauth_config"]["scopes"])


def _over_http(manifest: dict[str, Any], url: str) -> dict[str, Any]:
    address = f"{url}/slack/events"
    for command in manifest["features"]["slash_commands"]:
        command["url"] = address
    manifest["settings"]["interactivity"] |= {"request_url": address, "message_menu_options_url": address}
    manifest["settings"]["event_subscriptions"]["request_url"] = address
    manifest["settings"]["socket_mode_enabled"] = False
    return manifest


def _for_many(manifest: dict[str, Any], url: str) -> None:
    manifest["oauth_config"] = {"redirect_urls": [f"{url}/slack/oauth_redirect"], **manifest["oauth_config"]}
    manifest["settings"] |= {"org_deploy_enabled": True, "token_rotation_enabled": True}
    manifest["settings"]["event_subscriptions"]["bot_events"].extend(OF_ORGANISATIONS)
