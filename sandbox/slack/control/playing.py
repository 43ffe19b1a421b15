"""Control: the rest of the playground. Each takes the platform and the request's JSON."""

from typing import Any

from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Impossible
from sandbox.slack.world import Json


async def playground(platform: Platform, _asked: Json) -> Any:
    """{}: what can be played with here, and what the composer and the messages' menus offer."""
    around = platform.playground
    features = around.manifest.get("features", {})
    commands = features.get("slash_commands") or [{"command": "/mail"}]
    return {
        "team": platform.home.name,
        "bot": platform.home.bot,
        "bot_control": around.kill_bot is not None and around.restart_bot is not None,
        "mailapi": around.mailapi is not None,
        "wire": around.wire is not None,
        "command": commands[0]["command"],
        "usages": [vars(usage) for usage in around.usages],
        "shortcuts": [each for each in features.get("shortcuts", []) if each["type"] == "message"],
        "read_only": bool(features.get("app_home", {}).get("messages_tab_read_only_enabled")),
    }


async def kills_bot(platform: Platform, _asked: Json) -> Any:
    """{}: end the bot without a word."""
    if platform.playground.kill_bot is None:
        raise Impossible("The bot cannot be ended from here.")
    await platform.playground.kill_bot()
    return {}


async def restarts_bot(platform: Platform, _asked: Json) -> Any:
    """{}: start the bot again."""
    if platform.playground.restart_bot is None:
        raise Impossible("The bot cannot be started from here.")
    await platform.playground.restart_bot()
    return {}


async def mailapi(platform: Platform, asked: Json) -> Any:
    """{word, asked}: do something to the provider."""
    if platform.playground.mailapi is None:
        raise Impossible("There is no provider here.")
    await platform.playground.mailapi(asked["word"], asked.get("asked", {}))
    return {}
