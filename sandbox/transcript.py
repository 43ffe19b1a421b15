"""The conversation in the terminal, as it happens: who typed what, and who sees which answer where."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from rich.console import Console
from rich.text import Text

from sandbox.slack import ANA, BEN, BOT, GENERAL, MAIL, SlackControl
from sandbox.slack.blocks.visible import visible

NAMES = {ANA: "Ana", BEN: "Ben", BOT: "mailroom"}
CHANNELS = {MAIL: "#mail", GENERAL: "#general"}
MOST_LINES = 8
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_PERSON = re.compile(r"<@([A-Z0-9]+)>")
_CHANNEL = re.compile(r"<#([A-Z0-9]+)(?:\|[^>]*)?>")
_MARKS = re.compile(r"[*`\u2060]")

Entry = dict[str, Any]


class Transcript:
    """Prints what happens in a Slack sandbox."""

    def __init__(self, slack: SlackControl, console: Console) -> None:
        self._slack = slack
        self._console = console
        self._shown: dict[str, list[str]] = {}

    @asynccontextmanager
    async def printing(self) -> AsyncIterator[None]:
        """Print while the block runs, and at its end what came last."""
        stop = asyncio.Event()
        follower = asyncio.create_task(self._follow(stop))
        try:
            yield
        finally:
            stop.set()
            await follower

    async def _follow(self, stop: asyncio.Event) -> None:
        seen, last_round = 0, False
        while not last_round:
            last_round = stop.is_set()
            for entry in await self._slack.journal(after=seen, wait=0 if last_round else 0.2):
                seen = entry["seq"]
                self._print(entry)

    def _print(self, entry: Entry) -> None:
        match entry["kind"]:
            case "typed":
                self._line(self._where(entry["channel"]), NAMES[entry["user"]], "bold cyan", [entry["text"]])
            case "ephemeral_posted":
                self._say(entry, f"only {NAMES.get(entry['to'], 'one')} sees", "yellow")
            case "message_posted":
                self._say(entry, "mailroom", "bold green")
            case "message_updated":
                self._change(entry)
            case "view_opened" | "view_updated":
                view = entry["view"]
                self._line("form", f"{NAMES.get(entry['user'], '')} sees", "magenta", _lines(view["blocks"], ""))
            case "clicked":
                where = self._where(entry["channel"]) if entry["channel"] else "form"
                self._line(where, f"{NAMES[entry['user']]} clicks", "bold cyan", [entry["what"]])
            case "submitted":
                self._line("form", f"{NAMES[entry['user']]} submits", "bold cyan", [])
            case _:
                pass  # sockets, calls and the like are not conversation

    def _say(self, entry: Entry, who: str, style: str) -> None:
        lines = _lines(entry["blocks"], entry["text"])
        self._shown[entry["ts"]] = lines
        where = self._where(entry["channel"])
        self._line(f"{where} ↳" if entry["thread_ts"] else where, who, style, lines)

    def _change(self, entry: Entry) -> None:
        """Of an edit only the lines that are new."""
        lines = _lines(entry["blocks"], entry["text"])
        new = [line for line in lines if line not in self._shown.get(entry["ts"], [])]
        self._shown[entry["ts"]] = lines
        if new:
            self._line(self._where(entry["channel"]), "mailroom, in place", "green", new)

    def _where(self, channel: str) -> str:
        return CHANNELS.get(channel, "direct message")

    def _line(self, where: str, who: str, style: str, lines: list[str]) -> None:
        head = Text.assemble((f"{where:<16}", "dim"), (f"{who}: " if lines else who, style))
        shown = [*lines[:MOST_LINES], *([f"… {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else [])]
        for number, line in enumerate(shown or [""]):
            prefix = head if number == 0 else Text(" " * 18)
            self._console.print(prefix + Text(line), soft_wrap=True)


def _lines(blocks: list[dict[str, Any]], text: str) -> list[str]:
    return [line for line in _readable(visible(blocks, text)).splitlines() if line.strip()]


def _readable(mrkdwn: str) -> str:
    """Slack's markup as a person reads it."""
    text = _DATE.sub(r"\1", mrkdwn)
    text = _PERSON.sub(lambda found: f"@{NAMES.get(found[1], found[1])}", text)
    text = _CHANNEL.sub(lambda found: CHANNELS.get(found[1], "a channel"), text)
    return html.unescape(_MARKS.sub("", text))
