"""`mailroom doctor`: what keeps the bot from its work, and what to do about it."""

import asyncio

from bot.clock import Clock, utc_now
from bot.doctor import installed, keys, process, provider, rows, workspace
from bot.doctor.finding import Finding, fine, wrong
from bot.settings import Mode, Settings

SETTINGS = "Settings"
_WAYS = {Mode.SOCKET: "Socket Mode", Mode.HTTP: "HTTP", Mode.OAUTH: "HTTP, installed by workspaces themselves"}


async def examine(settings: Settings, *, clock: Clock = utc_now) -> list[Finding]:
    """Look at everything that the bot needs, in the order in which it needs it.

    Changes nothing, makes no file, and works beside a running bot.
    """
    database, stored = await rows.look(settings, clock)
    encryption, accounts = keys.look(settings, stored)
    look = installed.look if settings.mode is Mode.OAUTH else workspace.look
    slack, mailapi, bot = await asyncio.gather(
        look(settings, stored, clock),
        provider.look(settings, stored, accounts),
        process.look(settings, stored),
    )
    return [_settings(settings), database, encryption, *slack, *mailapi, bot]


def unsettled(sentence: str) -> Finding:
    """A setting is missing or wrong, as `sentence` says; nothing else can be looked at."""
    return wrong(SETTINGS, sentence, "Set it where the bot gets its environment.")


def _settings(settings: Settings) -> Finding:
    way = _WAYS[settings.mode]
    file = settings.sqlite_file
    return fine(SETTINGS, f"complete; {way}, {f'SQLite in {file}' if file else 'PostgreSQL'}")
