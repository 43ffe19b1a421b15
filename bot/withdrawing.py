"""Taking a request back, and asking for it again: what the person who asked can do by himself."""

from functools import partial
from typing import Any

from sqlmodel import Session

from bot.clerk import Answer, Clerk, operation_of
from bot.errors import Forbidden, UserError
from bot.notices import owing
from bot.operation import Operation
from bot.origin import Origin
from bot.rulings import case_of
from bot.texts import deciding
from storage import requests
from storage.states import RequestState
from storage.tables import Request

OPEN = (RequestState.PLANNING, RequestState.AWAITING_DECISION)
"""The states in which a request can be cancelled."""


def once_more(request_id: int) -> str:
    """The key of what asks again for a request: there is one of it."""
    return f"again:{request_id}"


class Withdrawals:
    """The asker's half of a decision."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk

    async def cancel(self, request_id: int, origin: Origin) -> str:
        """Take a request back, as its asker can until it was approved; gives what happened. Raises `UserError`."""
        await self._clerk.actor(origin, "cancel", request_id)
        answer = await self._clerk.database.write(partial(self._cancel, request_id, origin))
        return answer.said()

    async def asked_before(self, request_id: int, origin: Origin) -> tuple[Operation, Request]:
        """What an ended request asked for, for its asker to ask again; raises `UserError`."""
        await self._clerk.actor(origin, "ask again", request_id)
        request = await self._clerk.database.read(lambda session: requests.get(session, origin.workspace, request_id))
        if request is None:
            await self._clerk.refuse_unknown(origin, "ask again", request_id)
        if request.asker != origin.person:
            await self._clerk.note_refusal(origin, "ask again", request_id, "not the asker")
            raise Forbidden(deciding.NOT_YOURS_TO_REPEAT)
        key = once_more(request_id)
        after = await self._clerk.database.read(lambda session: requests.by_key(session, origin.workspace, key))
        if after is not None:
            raise UserError(deciding.asked_again(operation_of(request).title(), after.id))
        return operation_of(request), request

    def _cancel(self, request_id: int, origin: Origin, session: Session) -> Answer:
        request = self._clerk.locked(session, request_id, origin)
        if request is None:
            return self._clerk.unknown(session, origin, "cancel", request_id)
        if request.asker != origin.person:
            return self._clerk.refused(
                session, origin, "cancel", request_id, deciding.NOT_YOURS_TO_CANCEL, "not the asker"
            )
        if request.state is RequestState.CANCELLED and request.ended_by == origin.person:
            return Answer(deciding.CANCELLED_NOW)
        if request.state not in OPEN:
            case = case_of(session, request, operation_of(request))
            return self._clerk.refused(session, origin, "cancel", request_id, deciding.late(request, case), "too late")
        now = self._clerk.clock()
        ended: dict[str, Any] = {"ended_at": now, "ended_by": origin.person, "due_at": None}
        requests.move(session, request, request.state, RequestState.CANCELLED, **ended)
        session.refresh(request)
        owing.refresh(session, request, now=now)
        owing.thread(session, request, "cancelled", deciding.cancelled(request), now=now)
        self._clerk.audit(session, origin=origin, action="cancel", outcome="done", request=request_id)
        return Answer(deciding.CANCELLED_NOW)
