"""What every decision begins and ends with: who clicked, the row that is held, and the entry in the audit."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.clock import Clock
from bot.commands import operation_from
from bot.errors import Forbidden, TryAgain, UserError
from bot.intake import Origin
from bot.operation import Operation
from bot.people import People
from bot.texts import refusals
from storage import audit, requests, workspaces
from storage.database import Database
from storage.tables import Request


@dataclass(frozen=True)
class Answer:
    """What somebody is told, and whether what he wanted was done."""

    text: str
    refused: bool = False

    def said(self) -> str:
        """What was done; raises `UserError` where it was refused."""
        if self.refused:
            raise UserError(self.text)
        return self.text


class Clerk:
    """Knows the people, holds the rows, and keeps the audit."""

    def __init__(self, *, database: Database, people: People, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._people = people

    async def actor(self, origin: Origin, action: str, request_id: int) -> Actor:
        """Who clicked, where he may use Mailroom at all; raises `UserError`."""
        try:
            actor = await self._people.actor(origin.workspace, origin.person)
        except TryAgain:
            await self.note_refusal(origin, action, request_id, "could not check")
            raise
        if not access.may_ask(actor):
            await self.note_refusal(origin, action, request_id, "not a member")
            raise Forbidden(refusals.GUESTS)
        return actor

    async def note_refusal(self, origin: Origin, action: str, request_id: int | None, why: str) -> None:
        """Write down that somebody was refused."""
        write = partial(self.audit, origin=origin, action=action, outcome="refused", request=request_id, why=why)
        await self.database.write(write)

    def refused(self, session: Session, origin: Origin, action: str, request_id: int, text: str, why: str) -> Answer:
        """A refusal is written in the transaction that finds it, which is why it is an answer and not an error."""
        self.audit(session, origin=origin, action=action, outcome="refused", request=request_id, why=why)
        return Answer(text, refused=True)

    def audit(
        self, session: Session, *, origin: Origin, action: str, outcome: str, request: int | None, **details: Any
    ) -> None:
        """Write down what somebody did or tried to a request, and what came of it."""
        audit.append(
            session,
            origin.workspace,
            at=self.clock(),
            actor=origin.person,
            action=action,
            outcome=outcome,
            subject=f"request:{request}" if request else "",
            details={"channel": origin.channel, **details},
        )

    def locked(self, session: Session, request_id: int, origin: Origin) -> Request | None:
        """The request, held until the transaction ends, if it is this workspace's.

        The workspace is held as well: whoever loses the right to approve now has approved before or does not at all.
        """
        if requests.get(session, origin.workspace, request_id) is None:
            return None
        request = requests.lock(session, request_id)
        workspaces.lock(session, origin.workspace)
        return request


def operation_of(request: Request) -> Operation:
    """What a request asks for; raises `UserError` where it cannot be read any more."""
    try:
        return operation_from(request.kind, request.parameters)
    except ValueError:
        raise UserError(refusals.UNREADABLE_REQUEST) from None
