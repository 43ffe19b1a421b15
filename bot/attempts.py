"""What people do and try: who they are, and an entry in the audit with what came of it, refused or not."""

import json
from functools import partial
from typing import Any, NoReturn

from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.clock import Clock
from bot.errors import Forbidden, TryAgain, UserError
from bot.origin import Origin
from bot.people import People
from bot.texts import refusals
from storage import audit, seen, workspaces
from storage.database import Database

REFUSED, SHOWN = "refused", "shown"
UNKNOWN = "unknown request"
"""Why something was refused that the person's workspace does not have."""
_ONCE = (REFUSED, SHOWN)
"""Outcomes of what leaves no row by which the same delivery would be known when it comes again."""


class Attempts:
    """Lets members in, and keeps the audit."""

    def __init__(self, *, database: Database, people: People, clock: Clock) -> None:
        self._database = database
        self._people = people
        self._clock = clock

    async def member(self, origin: Origin, action: str, subject: str = "", **details: Any) -> Actor:
        """Who the person is, where he may use Mailroom at all; raises `UserError`."""
        try:
            actor = await self._people.actor(origin.workspace, origin.person)
        except TryAgain:
            await self.note_refusal(origin, action, "could not check", subject, **details)
            raise
        if not access.may_ask(actor):
            await self.refuse(origin, action, refusals.GUESTS, "a guest", subject, **details)
        return actor

    async def refuse(
        self, origin: Origin, action: str, said: str, why: str, subject: str = "", **details: Any
    ) -> NoReturn:
        """Write the attempt down, with `why` in a word or two, and raise `Forbidden`."""
        await self.note_refusal(origin, action, why, subject, **details)
        raise Forbidden(said)

    async def refuse_unknown(self, origin: Origin, action: str, subject: str) -> NoReturn:
        """The same for what this workspace does not have; whether another one has it, nobody is told."""
        await self.refuse(origin, action, refusals.UNKNOWN_REQUEST, UNKNOWN, subject)

    async def note_refusal(self, origin: Origin, action: str, why: str, subject: str = "", **details: Any) -> None:
        """Write down that somebody was refused, in a transaction of its own."""
        note = partial(self.note, origin=origin, action=action, outcome=REFUSED, subject=subject, why=why, **details)
        await self._database.write(note)

    def refused(
        self,
        session: Session,
        origin: Origin,
        action: str,
        error: UserError,
        why: str,
        subject: str = "",
        **details: Any,
    ) -> UserError:
        """Write the attempt down in the transaction that finds it, which raising `error` would take back; gives it."""
        self.note(session, origin, action, REFUSED, subject, why=why, **details)
        return error

    def note(
        self, session: Session, origin: Origin, action: str, outcome: str, subject: str = "", **details: Any
    ) -> None:
        """Write down what somebody did or tried, and what came of it; the same of one delivery is written once."""
        details = {"channel": origin.channel, **details}
        if outcome in _ONCE and not self._first_time(session, origin, action, outcome, subject, details):
            return
        audit.append(
            session,
            origin.workspace,
            at=self._clock(),
            actor=origin.person,
            action=action,
            outcome=outcome,
            subject=subject,
            details=details,
        )

    def _first_time(self, session: Session, origin: Origin, *entry: Any) -> bool:
        """A form that is mended and submitted again is the same delivery with another entry."""
        workspaces.lock(session, origin.workspace)  # as whoever holds it and refuses something takes both
        key = json.dumps([origin.deduplication_key, origin.person, *entry], sort_keys=True)
        return seen.first_time(session, origin.workspace, key, now=self._clock())
