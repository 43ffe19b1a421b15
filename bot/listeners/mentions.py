"""Messages that mention the bot: commands whose requests live in a thread."""

import re

from bot.commands import help_message, is_command
from bot.intake import Intake
from bot.listeners.dispatch import Dispatch
from bot.listeners.doors import MentionDoor

_MENTION = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>[\s:,]*(?:/mail\s+)?")
"""The name, and what follows it where people write as to each other, or copy from the help."""


class Mentions:
    """What happens when somebody mentions the bot."""

    def __init__(self, *, intake: Intake, dispatch: Dispatch) -> None:
        self._intake = intake
        self._dispatch = dispatch

    async def mentioned(self, door: MentionDoor) -> None:
        """A command is carried out in its thread; anything else is answered once with help."""
        event = door.event
        if event.get("bot_id") or not event.get("user"):
            await door.ack()
            return
        line = _MENTION.sub("", str(event.get("text") or ""), count=1).strip()
        # What it asks for is done again, since who got it first may have died before: its own key keeps it single.
        door.silent = not await self._intake.first_time(door.origin.workspace, str(door.body["event_id"]))
        if is_command(line):
            await self._dispatch.line(door, line)
        else:
            await door.reply(help_message())
