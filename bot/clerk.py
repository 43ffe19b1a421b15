"""What every decision begins and ends with: who clicked, the row that is held, and the entry in the audit."""

from dataclasses import dataclass
from typing import Any, NoReturn

from sqlmodel import Session

from bot.access import Actor
from bot.attempts import REFUSED, UNKNOWN, Attempts
from bot.clock import Clock
from bot.commands import operation_from
from bot.errors import UserError
from bot.operation import Operation
from bot.origin import Origin
from bot.texts import refusals
from storage import requests, workspaces
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
    """Knows the people, holds the rows, and keeps the audit of what is done to a request."""

    def __init__(self, *, database: Database, attempts: Attempts, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._attempts = attempts

    async def actor(self, origin: Origin, action: str, request_id: int) -> Actor:
        """Who clicked, where he may use Mailroom at all; raises `UserError`."""
        return await self._attempts.member(origin, action, _subject(request_id))

    async def refuse_unknown(self, origin: Origin, action: str, request_id: int) -> NoReturn:
        """Refuse what concerns a request that this workspace does not have; raises `UserError`."""
        await self._attempts.refuse_unknown(origin, action, _subject(request_id))

    def unknown(self, session: Session, origin: Origin, action: str, request_id: int) -> Answer:
        """The same in the transaction that finds it."""
        return self.refused(session, origin, action, request_id, refusals.UNKNOWN_REQUEST, UNKNOWN)

    async def note_refusal(self, origin: Origin, action: str, request_id: int | None, why: str) -> None:
        """Write down that somebody was refused."""
        await self._attempts.note_refusal(origin, action, why, _subject(request_id))

    def refused(self, session: Session, origin: Origin, action: str, request_id: int, text: str, why: str) -> Answer:
        """A refusal is written in the transaction that finds it, which is why it is an answer and not an error."""
        self.audit(session, origin=origin, action=action, outcome=REFUSED, request=request_id, why=why)
        return Answer(text, refused=True)

    def audit(
        self, session: Session, *, origin: Origin, action: str, outcome: str, request: int, **details: Any
    ) -> None:
        """Write down what somebody did or tried to a request, and what came of it."""
        self._attempts.note(session, origin, action, outcome, _subject(request), **details)

    def locked(self, session: Session, request_id: int, origin: Origin) -> Request | None:
        """The request, held until the transaction ends, if it is this workspace's.

        The workspace is held as well: whoever loses the right to approve now has approved before or does not at all.
        """
        request = requests.lock(session, origin.workspace, request_id)
        if request is not None:
            workspaces.lock(session, origin.workspace)
        return request


def _subject(request_id: int | None) -> str:
    return f"request:{request_id}" if request_id else ""


def operation_of(request: Request) -> Operation:
    """What a request asks for; raises `UserError` where it cannot be read any more."""
    try:
        return operation_from(request.kind, request.parameters)
    except ValueError:
        raise UserError(refusals.UNREADABLE_REQUEST) from None
