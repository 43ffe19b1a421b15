"""Deciding about requests: who clicked what, whether it counts, and what he is told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.approvers import Approvers, Rules
from bot.case import Ballot, Case
from bot.clock import Clock
from bot.commands import operation_from
from bot.errors import Forbidden, TryAgain, UserError
from bot.intake import Origin
from bot.notices import owing
from bot.operation import Operation
from bot.people import People
from bot.policy import Gate
from bot.progress import Differences, Plan
from bot.rulings import case_of
from bot.texts import deciding, refusals
from bot.worker.ending import expire
from storage import audit, decisions, moves, requests, workspaces
from storage.database import Database
from storage.decisions import APPROVED, CONFIRMED, REJECTED
from storage.states import RequestState
from storage.tables import Decision, Request

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 1.2
"""How long Slack is asked who counts, after up to 1.5 s for who clicked: it waits 3 s for us."""
MOST_LOOKS = 5
"""How often a click is judged anew, since the policy or the approvals changed while Slack was asked."""
NOTHING_CAME = (RequestState.REJECTED, RequestState.EXPIRED, RequestState.CANCELLED)
OPEN = (RequestState.PLANNING, RequestState.AWAITING_DECISION)
"""The states in which a request can be cancelled."""


TWICE = "already approved"
NEEDS_APPROVAL = (deciding.NEEDS_APPROVAL_NOW, "needs approval")


class _Outdated(Exception):
    """The rows say something else than when Slack was asked about the people."""


@dataclass(frozen=True)
class _Answer:
    """What somebody is told, and whether what he wanted was done."""

    text: str
    refused: bool = False


@dataclass(frozen=True)
class _Judges:
    """Who counts as an approver under one version of the rules, as far as Slack was asked."""

    rules: Rules
    approve: dict[str, bool]


class Decider:
    """The person's half of a decision: it checks who clicked, writes rows, and never waits for MailAPI."""

    def __init__(self, *, database: Database, people: People, approvers: Approvers, clock: Clock) -> None:
        self._database = database
        self._people = people
        self._approvers = approvers
        self._clock = clock

    async def approve(self, ballot: Ballot, origin: Origin) -> str:
        """Say yes to a plan; gives what happened. Raises `UserError`."""
        return await self._decide(ballot, origin, APPROVED)

    async def confirm(self, ballot: Ballot, origin: Origin) -> str:
        """Say yes to one's own plan; gives what happened. Raises `UserError`."""
        return await self._decide(ballot, origin, CONFIRMED)

    async def reject(self, ballot: Ballot, origin: Origin, reason: str) -> str:
        """Say no, with a reason as it was typed; gives what happened. Raises `UserError`."""
        return await self._decide(ballot, origin, REJECTED, reason)

    async def about_to_reject(self, ballot: Ballot, origin: Origin) -> str:
        """Make sure that this person may reject a plan now; gives the request's title. Raises `UserError`."""
        return await self._judged(ballot, origin, REJECTED, partial(self._may_reject, ballot, origin))

    async def closed(self, ballot: Ballot, workspace: str) -> str:
        """What somebody is told who closed the form for a reason; raises `UserError` where there is no such request."""
        request = await self._database.read(lambda session: requests.get(session, workspace, ballot.request))
        if request is None:
            raise UserError(refusals.UNKNOWN_REQUEST)
        return deciding.closed(_operation(request).title(), waits=request.state is RequestState.AWAITING_DECISION)

    async def note_unreadable(self, origin: Origin, action: str) -> None:
        """Write down that somebody used a button or form that no version of the bot could have posted for this."""
        await self._note_refusal(origin, action, None, "unreadable")

    async def cancel(self, request_id: int, origin: Origin) -> str:
        """Take a request back, as its asker can until it was approved; gives what happened. Raises `UserError`."""
        await self._actor(origin, "cancel", request_id)
        return _told(await self._database.write(partial(self._cancel, request_id, origin)))

    async def asked_before(self, request_id: int, origin: Origin) -> tuple[Operation, Request]:
        """What an ended request asked for, for its asker to ask again; raises `UserError`."""
        await self._actor(origin, "ask again", request_id)
        request = await self._database.read(lambda session: requests.get(session, origin.workspace, request_id))
        if request is None:
            raise UserError(refusals.UNKNOWN_REQUEST)
        if request.asker != origin.person:
            await self._note_refusal(origin, "ask again", request_id, "not the asker")
            raise Forbidden(deciding.NOT_YOURS_TO_REPEAT)
        return _operation(request), request

    async def _decide(self, ballot: Ballot, origin: Origin, verdict: str, reason: str | None = None) -> str:
        return await self._judged(ballot, origin, verdict, partial(self._count, ballot, origin, verdict, reason))

    async def _judged(
        self, ballot: Ballot, origin: Origin, verdict: str, act: Callable[[_Judges, Session], _Answer]
    ) -> str:
        """Ask Slack who counts, then `act` on the rows; anew where these have changed meanwhile."""
        actor = await self._actor(origin, verdict, ballot.request)
        for _ in range(MOST_LOOKS):
            judges = await self._judges(ballot, origin, verdict, actor)
            try:
                return _told(await self._database.write(partial(act, judges)))
            except _Outdated:
                log.info("judged anew", request=ballot.request)
        raise TryAgain(refusals.BUSY)

    async def _judges(self, ballot: Ballot, origin: Origin, verdict: str, actor: Actor) -> _Judges:
        """Whether the person, and each who said yes before, counts under the rules in force."""

        def read(session: Session) -> tuple[Rules, list[str]]:
            request = requests.get(session, origin.workspace, ballot.request)
            before = decisions.of_round(session, request) if request else []
            return Rules.of(session, origin.workspace), [decision.person for decision in before]

        rules, before = await self._database.read(read)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await asyncio.gather(
                    self._approvers.counts(origin.workspace, rules, actor),
                    *(self._approvers.may_approve(origin.workspace, rules, person) for person in before),
                )
        except (TryAgain, TimeoutError) as error:
            await self._note_refusal(origin, verdict, ballot.request, "could not check")
            raise error if isinstance(error, TryAgain) else TryAgain(refusals.WHO_APPROVES) from None
        return _Judges(rules, dict(zip((actor.id, *before), found, strict=True)))

    def _count(
        self, ballot: Ballot, origin: Origin, verdict: str, reason: str | None, judges: _Judges, session: Session
    ) -> _Answer:
        """Write the decision down, and move the request where it is the last one that it needs."""
        request = self._locked(session, ballot.request, origin)
        if request is None:
            return self._refused(session, origin, verdict, ballot.request, refusals.UNKNOWN_REQUEST, "unknown request")
        operation = _operation(request)
        case = case_of(session, request, operation)
        made = decisions.by_key(session, origin.workspace, origin.deduplication_key)
        if made is not None and made.round == request.round:
            return self._repeated(request, case, verdict, judges)
        no = self._hindrance(session, request, operation, case, ballot, origin, verdict, judges)
        if no is not None:
            return no
        if verdict == APPROVED and any(yes.person == origin.person for yes in case.yes):
            text = f"{deciding.ALREADY_YOURS} {_so_far(request, case, judges)}"
            self._audit(session, origin=origin, action=verdict, outcome="refused", request=request.id, why=TWICE)
            return _Answer(text)
        self._write_down(session, request, origin, verdict, reason)
        decisions.withdraw(session, request, _no_more(request, case, judges))
        case = case_of(session, request, operation)
        if verdict == REJECTED:
            return self._reject(session, request, origin, reason)
        return self._yes(session, request, case, judges, verdict)

    def _locked(self, session: Session, request_id: int, origin: Origin) -> Request | None:
        """The request, held until the transaction ends, if it is this workspace's.

        The workspace is held as well: whoever loses the right to approve now has approved before or does not at all.
        """
        if requests.get(session, origin.workspace, request_id) is None:
            return None
        request = requests.lock(session, request_id)
        workspaces.lock(session, origin.workspace)
        return request

    def _hindrance(
        self,
        session: Session,
        request: Request,
        operation: Operation,
        case: Case,
        ballot: Ballot,
        origin: Origin,
        verdict: str,
        judges: _Judges,
    ) -> _Answer | None:
        """Why this click does not count, if so: too late, of an older plan, or not this person's to make."""
        refuse = partial(self._refused, session, origin, verdict, request.id)
        if request.state is not RequestState.AWAITING_DECISION:
            return refuse(deciding.late(request, case), "too late")
        if request.expires_at is not None and request.expires_at <= self._clock():
            expire(session, request, now=self._clock())
            return refuse(deciding.late(request, case), "too late")
        if (ballot.round, ballot.hash) != (request.round, request.plan_hash):
            owing.refresh(session, request, now=self._clock())
            found = Plan.of(request).changes if ballot.round == request.round - 1 else Differences()
            return refuse(deciding.changed(operation, found), "an older plan")
        if Rules.of(session, origin.workspace) != judges.rules or _unknown_to(judges, case):
            raise _Outdated
        no = _not_his(request, case, origin.person, verdict, approver=judges.approve[origin.person])
        if no == NEEDS_APPROVAL:  # the card may say otherwise, and approvers were not called
            moves.put_off(session, Request, request.id, self._clock())
        return refuse(*no) if no else None

    def _repeated(self, request: Request, case: Case, verdict: str, judges: _Judges) -> _Answer:
        """The same click, delivered again: what was said before, as far as it is still true."""
        if request.state is RequestState.AWAITING_DECISION:
            if _unknown_to(judges, case):
                raise _Outdated
            return _Answer(_so_far(request, case, judges))
        if verdict != REJECTED and request.state in NOTHING_CAME:
            return _Answer(deciding.late(request, case))
        done = {REJECTED: deciding.REJECTED_NOW, CONFIRMED: deciding.CONFIRMED_NOW, APPROVED: deciding.APPROVED_NOW}
        return _Answer(done[verdict])

    def _write_down(self, session: Session, request: Request, origin: Origin, verdict: str, reason: str | None) -> None:
        decision = Decision(
            workspace_id=request.workspace_id,
            request_id=request.id,
            round=request.round,
            person=origin.person,
            verdict=verdict,
            reason=reason,
            deduplication_key=origin.deduplication_key,
            decided_at=self._clock(),
        )
        decisions.decide(session, decision)
        details = {"round": request.round, **({"reason": reason} if reason else {})}
        self._audit(session, origin=origin, action=verdict, outcome="done", request=request.id, **details)

    def _reject(self, session: Session, request: Request, origin: Origin, reason: str | None) -> _Answer:
        now = self._clock()
        ended: dict[str, Any] = {"ended_at": now, "ended_by": origin.person, "reason": reason, "due_at": None}
        requests.move(session, request.id, RequestState.AWAITING_DECISION, RequestState.REJECTED, **ended)
        session.refresh(request)
        owing.refresh(session, request, now=now)
        owing.thread(session, request, "rejected", deciding.rejected(request), now=now)
        return _Answer(deciding.REJECTED_NOW)

    def _yes(self, session: Session, request: Request, case: Case, judges: _Judges, verdict: str) -> _Answer:
        """One yes more; the last one that is needed lets the request go on."""
        now = self._clock()
        if case.ruling.gate is Gate.APPROVE and _counting(request, case, judges) < case.ruling.needed:
            owing.refresh(session, request, now=now)
            return _Answer(_so_far(request, case, judges))
        agreed = replace(Plan.of(request), ruling=case.ruling).stored()  # what it passed is what is asked of it later
        due: dict[str, Any] = {"due_at": now, "leased_until": None, "attempts": 0, "plan": agreed}
        requests.move(session, request.id, RequestState.AWAITING_DECISION, RequestState.APPROVED, **due)
        session.refresh(request)
        owing.refresh(session, request, now=now)
        if verdict != CONFIRMED:  # the asker knows what he just did
            message = deciding.approved(request.asker, case)
            owing.thread(session, request, f"approved:{request.round}", message, now=now)
        return _Answer(deciding.CONFIRMED_NOW if verdict == CONFIRMED else deciding.APPROVED_NOW)

    def _may_reject(self, ballot: Ballot, origin: Origin, judges: _Judges, session: Session) -> _Answer:
        request = self._locked(session, ballot.request, origin)
        if request is None:
            return self._refused(session, origin, REJECTED, ballot.request, refusals.UNKNOWN_REQUEST, "unknown request")
        operation = _operation(request)
        case = case_of(session, request, operation)
        no = self._hindrance(session, request, operation, case, ballot, origin, REJECTED, judges)
        return no or _Answer(operation.title())

    def _cancel(self, request_id: int, origin: Origin, session: Session) -> _Answer:
        request = self._locked(session, request_id, origin)
        if request is None:
            return self._refused(session, origin, "cancel", request_id, refusals.UNKNOWN_REQUEST, "unknown request")
        if request.asker != origin.person:
            return self._refused(session, origin, "cancel", request_id, deciding.NOT_YOURS_TO_CANCEL, "not the asker")
        if request.state is RequestState.CANCELLED and request.ended_by == origin.person:
            return _Answer(deciding.CANCELLED_NOW)
        if request.state not in OPEN:
            case = case_of(session, request, _operation(request))
            return self._refused(session, origin, "cancel", request_id, deciding.late(request, case), "too late")
        now = self._clock()
        ended: dict[str, Any] = {"ended_at": now, "ended_by": origin.person, "due_at": None}
        requests.move(session, request.id, request.state, RequestState.CANCELLED, **ended)
        session.refresh(request)
        owing.refresh(session, request, now=now)
        owing.thread(session, request, "cancelled", deciding.cancelled(request), now=now)
        self._audit(session, origin=origin, action="cancel", outcome="done", request=request_id)
        return _Answer(deciding.CANCELLED_NOW)

    async def _actor(self, origin: Origin, action: str, request_id: int) -> Actor:
        """Who clicked, where he may use Mailroom at all; raises `UserError`."""
        try:
            actor = await self._people.actor(origin.workspace, origin.person)
        except TryAgain:
            await self._note_refusal(origin, action, request_id, "could not check")
            raise
        if not access.may_ask(actor):
            await self._note_refusal(origin, action, request_id, "not a member")
            raise Forbidden(refusals.GUESTS)
        return actor

    async def _note_refusal(self, origin: Origin, action: str, request_id: int | None, why: str) -> None:
        write = partial(self._audit, origin=origin, action=action, outcome="refused", request=request_id, why=why)
        await self._database.write(write)

    def _refused(self, session: Session, origin: Origin, action: str, request_id: int, text: str, why: str) -> _Answer:
        """A refusal is written in the transaction that finds it, which is why it is an answer and not an error."""
        self._audit(session, origin=origin, action=action, outcome="refused", request=request_id, why=why)
        return _Answer(text, refused=True)

    def _audit(
        self, session: Session, *, origin: Origin, action: str, outcome: str, request: int | None, **details: Any
    ) -> None:
        audit.append(
            session,
            origin.workspace,
            at=self._clock(),
            actor=origin.person,
            action=action,
            outcome=outcome,
            subject=f"request:{request}" if request else "",
            details={"channel": origin.channel, **details},
        )


def _not_his(request: Request, case: Case, person: str, verdict: str, *, approver: bool) -> tuple[str, str] | None:
    """Why this is not this person's to decide, if so: what he is told, and the audit's word for it."""
    approves = case.ruling.gate is Gate.APPROVE
    if verdict == CONFIRMED:
        if person != request.asker:
            return deciding.NOT_YOURS_TO_CONFIRM, "not the asker"
        return NEEDS_APPROVAL if approves else None
    if not approves:
        return deciding.ONLY_TO_CONFIRM, "needs a confirmation"
    if access.may_decide(case.ruling, asker=request.asker, person=person, approver=approver):
        return None
    return (deciding.NOT_YOUR_OWN, "his own") if approver else (deciding.NOT_AN_APPROVER, "not an approver")


def _unknown_to(judges: _Judges, case: Case) -> bool:
    """Whether somebody has decided of whom Slack was not asked."""
    return any(decision.person not in judges.approve for decision in case.decisions)


def _counting(request: Request, case: Case, judges: _Judges) -> int:
    """How many have said yes whose yes counts by today's policy."""
    return sum(_counts(request, case, judges, yes.person) for yes in case.yes)


def _no_more(request: Request, case: Case, judges: _Judges) -> list[str]:
    """Whose earlier yes counts no more."""
    return [yes.person for yes in case.yes if not _counts(request, case, judges, yes.person)]


def _counts(request: Request, case: Case, judges: _Judges, person: str) -> bool:
    return access.may_decide(
        case.ruling, asker=request.asker, person=person, approver=judges.approve.get(person, False)
    )


def _so_far(request: Request, case: Case, judges: _Judges) -> str:
    return deciding.counted(_counting(request, case, judges), case.ruling.needed)


def _operation(request: Request) -> Operation:
    return operation_from(request.kind, request.parameters)


def _told(answer: _Answer) -> str:
    if answer.refused:
        raise UserError(answer.text)
    return answer.text
