"""A message and the blocks that it is made of, as Slack's Block Kit reference describes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Block = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """Blocks, and the text that notifications and screen readers get instead of them."""

    text: str
    blocks: list[Block] = field(default_factory=list)

    def content(self) -> dict[str, Any]:
        """As it is stored and sent; a message without blocks shows its text."""
        text = self.text if len(self.text) <= _TEXT else f"{self.text[: _TEXT - 1]}…"
        return {"text": text, "blocks": self.blocks or [section(self.text)]}


def mrkdwn(text: str) -> Block:
    """A text in which Slack itself finds no links, names or pings: only what we wrote as such."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def plain(text: str) -> Block:
    """A text without any formatting."""
    return {"type": "plain_text", "text": text, "emoji": False}


def section(text: str) -> Block:
    """A paragraph; text beyond Slack's 3,000 characters is cut."""
    return {"type": "section", "text": mrkdwn(text if len(text) <= _SECTION else text[: _SECTION - 1] + "…")}


def sections(lines: Sequence[str]) -> list[Block]:
    """Lines in as many paragraphs as they need, so that none is cut in the middle."""
    paragraphs: list[str] = []
    for line in lines:
        if paragraphs and len(paragraphs[-1]) + len(line) < _SECTION:
            paragraphs[-1] += f"\n{line}"
        else:
            paragraphs.append(line)
    return [section(paragraph) for paragraph in paragraphs]


def context(*parts: str) -> Block:
    """Small print, its parts joined by dots."""
    return {"type": "context", "elements": [mrkdwn(" · ".join(part for part in parts if part))]}


def actions(*elements: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(elements)}


def button(text: str, action: str, value: str) -> Block:
    """A button; its verb in title case, its `value` what the click means."""
    return {"type": "button", "text": plain(text), "action_id": action, "value": value}


_SECTION = 3_000
_TEXT = 4_000
"""Slack refuses an edit whose text is longer."""
MOST_ROWS = 99
"""Slack's table has at most 100 rows, one of which is the head."""
MOST_TABLE_CHARACTERS = 9_500
"""Slack takes 10,000 characters in the tables of a message."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> Block:
    """A table of plain cells, the columns in `right` aligned there; raises `ValueError` where it does not fit."""
    if not fits(head, rows):
        raise ValueError("The table is larger than Slack takes.")
    return {
        "type": "table",
        "rows": [[_cell(text) for text in row] for row in (head, *rows)],
        "column_settings": [
            {"align": "right" if column in right else "left", "is_wrapped": True} for column in range(len(head))
        ],
    }


def fits(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether Slack takes a table of these rows."""
    return len(rows) <= MOST_ROWS and sum(len(cell) for row in (head, *rows) for cell in row) <= MOST_TABLE_CHARACTERS


def first_rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """As many of the first rows as fit into a table."""
    count = min(len(rows), MOST_ROWS)
    while not fits(head, rows[:count]):
        count -= 1
    return rows[:count]


def _cell(text: str) -> Block:
    return {"type": "raw_text", "text": text or "–"}
