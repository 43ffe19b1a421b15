"""Lists of any length: a page at a time, with buttons that turn it in place, totals, and all of it as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot import mrkdwn
from bot.mailapi import Domain, Mailbox
from bot.texts.message import Block, Message, actions, button, context, fits, section, table

PAGE = 25
TURN, GET_CSV = "turn_page", "get_csv"
_LONGEST_CELL = 255
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Listing:
    """A whole list, sorted and filtered; `summary` counts it and adds it up, `empty` says what to do where it is."""

    name: str
    summary: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    empty: str
    right: frozenset[int] = frozenset()

    @property
    def pages(self) -> int:
        """How many pages it has."""
        return max(1, -(-len(self.rows) // PAGE))

    def page(self, number: int, value: Any) -> Message:
        """Page `number`, counted from 1; `value(number)` is what a button to that page carries."""
        if not self.rows:
            return Message(self.empty)
        number = min(max(number, 1), self.pages)
        shown = self.rows[(number - 1) * PAGE : number * PAGE]
        where = f"Page {number} of {self.pages}" if self.pages > 1 else ""
        blocks = [
            section(self.summary),
            table(self.head, _fitting(self.head, shown), right=self.right),
            *([context(where)] if where else []),
        ]
        return Message(self.summary, [*blocks, actions(*self._buttons(number, value))])

    def _buttons(self, number: int, value: Any) -> list[Block]:
        turns = []
        if number > 1:
            turns.append({**button("Previous", TURN, value(number - 1)), "action_id": f"{TURN}:previous"})
        if number < self.pages:
            turns.append({**button("Next", TURN, value(number + 1)), "action_id": f"{TURN}:next"})
        return [*turns, button("Get CSV", GET_CSV, value(number))]

    def csv(self) -> str:
        """The whole list as CSV."""
        return as_csv(self.head, self.rows)


def _fitting(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Rows of one page as Slack takes them: what is too long is cut, the longest first; the CSV has it in full."""
    most = _LONGEST_CELL
    while not fits(head, rows):
        rows = [[mrkdwn.cut(cell, most) for cell in row] for row in rows]
        most -= most // 4
    return rows


def as_csv(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows as CSV, in which no cell is run as a formula by a spreadsheet."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in rows)
    return file.getvalue()


def domains(found: Sequence[Domain], wanted: str) -> Listing:
    """The account's domains."""
    matching = sorted((d for d in found if wanted in d.name), key=lambda d: d.name)
    mailboxes = sum(d.mailbox_count or 0 for d in matching)
    counted = f"{_counted(len(matching), 'domain', 'domains')} with {_counted(mailboxes, 'mailbox', 'mailboxes')}"
    empty = "There are no domains yet. Create the first with `/mail domain create example.com`."
    return Listing(
        name="domains",
        summary=f"{counted} in this MailAPI account{_with(wanted)}.",
        head=("Domain", "Status", "Quota", "Mailboxes", "Created"),
        rows=[(d.name, d.status, d.quota or "", _number(d.mailbox_count), _day(d)) for d in matching],
        empty=_no_match(wanted, "domain", "/mail domain list") if found else empty,
        right=frozenset({2, 3}),
    )


def mailboxes(domain: str, found: Sequence[Mailbox], quota_mb: int | None, wanted: str) -> Listing:
    """A domain's mailboxes, without credentials; `quota_mb` is the domain's."""
    matching = sorted((m for m in found if wanted in m.address.lower().rpartition("@")[0]), key=lambda m: m.address)
    used = sum(m.quota_mb or 0 for m in matching)
    of_domain = f" of the domain's {quota_mb:,} MB" if quota_mb else ""
    empty = (
        f"There are no mailboxes at {mrkdwn.domain_shown(domain)} yet. "
        f"Create one with {mrkdwn.code(f'/mail mailbox create john@{domain}')}."
    )
    counted = f"{_counted(len(matching), 'mailbox', 'mailboxes')} at {mrkdwn.domain_shown(domain)}"
    return Listing(
        name=f"mailboxes-{domain}",
        summary=f"{counted}{_with(wanted)}, with quotas of {used:,} MB{of_domain}.",
        head=("Mailbox", "Status", "Quota", "Created"),
        rows=[(m.address, m.status, m.quota or "", _day(m)) for m in matching],
        empty=_no_match(wanted, "mailbox", f"/mail mailbox list {domain}") if found else empty,
        right=frozenset({2}),
    )


def _with(wanted: str) -> str:
    return f" with {mrkdwn.code(wanted)} in the name" if wanted else ""


def _no_match(wanted: str, noun: str, command: str) -> str:
    return f"No {noun} has {mrkdwn.code(wanted)} in its name. {mrkdwn.code(command)} shows them all."


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _number(count: int | None) -> str:
    return "" if count is None else str(count)


def _day(row: Domain | Mailbox) -> str:
    return row.created.isoformat() if row.created else ""
