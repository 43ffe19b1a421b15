"""What the asker and approvers do about a request under way: how a call goes on, and who sees credentials."""

from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.approvers import MOST_LOOKS, Approvers, Outdated, Rules
from bot.attempts import SHOWN, UNKNOWN, Attempts
from bot.clock import Clock
from bot.commands import operation_from
from bot.errors import TryAgain, UserError
from bot.notices import owing
from bot.origin import Origin
from bot.pace import Pace
from bot.texts import refusals, thread
from bot.texts.message import Message
from bot.worker.planning import add_calls
from storage import calls, connections, notices, requests
from storage.database import Database
from storage.states import CallState
from storage.tables import Call, Request

log = structlog.get_logger(__name__)


class Steering:
    """Lets the asker and approvers answer what was asked about a request."""

    def __init__(
        self, *, database: Database, attempts: Attempts, approvers: Approvers, clock: Clock, pace: Pace
    ) -> None:
        self._database = database
        self._attempts = attempts
        self._approvers = approvers
        self._clock = clock
        self._pace = pace

    async def may_see_credentials(self, request_id: int, origin: Origin) -> Request:
        """The request whose credentials this person wants to see; that he looks is audited. Raises `UserError`."""
        actor = await self._attempts.member(origin, "credentials")
        request, rules = await self._database.read(
            lambda session: (requests.get(session, origin.workspace, request_id), Rules.of(session, origin.workspace))
        )
        subject = f"request:{request_id}"
        if request is None:
            await self._attempts.refuse_unknown(origin, "credentials", subject)
        if not await self._may_steer(actor, request, rules):
            await self._attempts.refuse(
                origin, "credentials", refusals.NOT_YOUR_CREDENTIALS, "not an approver", subject
            )
        await self._database.write(lambda session: self._attempts.note(session, origin, "credentials", SHOWN, subject))
        return request

    async def go_on(self, action: str, call_id: int, origin: Origin) -> str:
        """A person's answer to a question about a call; gives what happened. Raises `UserError`."""
        actor = await self._attempts.member(origin, action)
        for _ in range(MOST_LOOKS):
            rules = await self._rules_for(actor, action, call_id, origin)
            try:
                came = await self._database.write(partial(self._go_on, action, call_id, origin, actor, rules))
            except Outdated:
                log.info("judged anew", call=call_id)
                continue
            if isinstance(came, UserError):
                raise came
            return came
        raise TryAgain(refusals.BUSY)

    async def _rules_for(self, actor: Actor, action: str, call_id: int, origin: Origin) -> Rules:
        """The rules in force, by which this person may say how the call goes on; raises `UserError`."""
        request, rules = await self._database.read(partial(_asked_by, origin.workspace, call_id))
        subject = f"call:{call_id}"
        if request is None:
            await self._attempts.refuse_unknown(origin, action, subject)
        if not await self._may_steer(actor, request, rules):
            await self._attempts.refuse(origin, action, refusals.NOT_YOUR_REQUEST, "not an approver", subject)
        return rules

    async def _may_steer(self, actor: Actor, request: Request, rules: Rules) -> bool:
        """The person who asked, and whoever approves by these rules; raises `TryAgain` where Slack does not say."""
        if access.may_steer(actor, asker=request.asker):
            return True
        return await self._approvers.counts(request.workspace_id, rules, actor)

    def _go_on(
        self, action: str, call_id: int, origin: Origin, actor: Actor, rules: Rules, session: Session
    ) -> str | UserError:
        """What happened, or why nothing did, which is written down either way.

        Raises `Outdated` where the person may by other rules than those in force now.
        """
        refused = partial(self._attempts.refused, session, origin, action, subject=f"call:{call_id}")
        found = calls.get(session, origin.workspace, call_id)
        request = requests.lock(session, found.workspace_id, found.request_id) if found else None
        # Read again where nobody else can change it: two people may answer at once.
        call = calls.lock(session, origin.workspace, call_id)
        if call is None or request is None:
            return refused(UserError(refusals.UNKNOWN_REQUEST), UNKNOWN)
        said = thread.chosen(origin.person, action)
        key = f"call:{call_id}:{action}:{origin.deduplication_key}"
        if notices.by_key(session, origin.workspace, f"request:{request.id}:{key}") is not None:
            return said  # the same click, delivered again
        if not access.may_steer(actor, asker=request.asker) and Rules.of(session, origin.workspace) != rules:
            raise Outdated
        if not self._steer(session, action, call, request):
            return refused(UserError(refusals.DECIDED), "too late")
        session.expire_all()
        owing.thread(session, request, key, Message(said), now=self._clock())
        owing.refresh(session, request, now=self._clock())
        self._attempts.note(session, origin, action, "done", f"call:{call_id}")
        return said

    def _steer(self, session: Session, action: str, call: Call, request: Request) -> bool:
        now = self._clock()
        due: dict[str, Any] = {"due_at": now, "leased_until": None, "attempts": 0}
        if action == thread.KEEP_WATCHING:
            if call.state is not CallState.STALLED:
                return False
            until = now + self._pace.watch_for
            _can_be_looked_for(session, call)
            return calls.move(session, call, CallState.STALLED, CallState.ACCEPTED, watch_until=until, **due)
        if call.state is not CallState.UNKNOWN or call.due_at is not None:
            return False
        if action == thread.LOOK_AGAIN:
            _can_be_looked_for(session, call)
            return calls.put_off(session, call, now, grew_at=now, attempts=0)
        return self._send_again(session, call, request)

    def _send_again(self, session: Session, call: Call, request: Request) -> bool:
        """What may have happened in part is sent again name by name, and looked at before each is sent."""
        singles = operation_from(call.kind, call.parameters).singly()
        if len(singles) == 1:
            again: dict[str, Any] = {"due_at": self._clock(), "leased_until": None, "looked_at": None, "attempts": 0}
            return calls.move(session, call, CallState.UNKNOWN, CallState.QUEUED, **again)
        moved = calls.move(session, call, CallState.UNKNOWN, CallState.ABANDONED, ended_at=self._clock())
        if moved:
            before: dict[str, Any] = {
                "grew_at": call.grew_at,
                "sent_at": call.sent_at,
                "connection_id": call.connection_id,
            }
            add_calls(session, request, singles, call.existing or (), None, now=self._clock(), **before)
        return moved


def _can_be_looked_for(session: Session, call: Call) -> None:
    """Raise `UserError` where the call's key is erased and the one in force, if any, is of another account."""
    own = connections.get(session, call.workspace_id, call.connection_id) if call.connection_id is not None else None
    if own is not None and connections.to_look_with(session, call) is None:
        raise UserError(refusals.no_key_to_look_with(own.caller_id))


def _asked_by(workspace: str, call_id: int, session: Session) -> tuple[Request | None, Rules]:
    """The request that a call belongs to, `None` where the workspace has no such call, and the rules in force."""
    call = calls.get(session, workspace, call_id)
    request = requests.get(session, workspace, call.request_id) if call else None
    return request, Rules.of(session, workspace)
