"""Rows that are changed behind the bot's back, and what is found of it afterwards."""

from typing import Any

from sqlalchemy import text
from sqlmodel import Session, select

from storage.states import OPEN_CALLS, OPEN_REQUESTS
from storage.tables import AuditEntry, Call, Connection, Notice, Request
from tests.flows.stage import Mailroom

WRONG = '{"unheard": "of"}'
GARBLED = '{"domain": "exa'


async def execute(mailroom: Mailroom, statement: str, **values: Any) -> None:
    """Change rows by hand."""
    assert mailroom.bot is not None

    def run(session: Session) -> None:
        session.connection().execute(text(statement), values)

    await mailroom.bot.database.write(run)


async def rows(mailroom: Mailroom, table: type[Request | Call | Notice | Connection | AuditEntry]) -> list[Any]:
    """All rows of a table, in order."""
    assert mailroom.bot is not None
    return await mailroom.bot.database.read(lambda session: list(session.exec(select(table).order_by("id")).all()))


async def open_rows(mailroom: Mailroom) -> list[Request | Call]:
    """Requests and calls of which something is still to come."""
    found = [row for row in await rows(mailroom, Request) if row.state in OPEN_REQUESTS]
    return [*found, *(row for row in await rows(mailroom, Call) if row.state in OPEN_CALLS)]


async def set_aside(mailroom: Mailroom) -> list[str]:
    """What the audit says was set aside."""
    return [entry.subject for entry in await rows(mailroom, AuditEntry) if entry.action == "set aside"]
