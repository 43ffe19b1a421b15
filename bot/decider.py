"""Deciding about requests: who clicked what, whether it counts, and what he is told."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.access import Actor
from bot.approvers import MOST_LOOKS, PATIENCE_SECONDS, Approvers, Outdated, Rules
from bot.attempts import REFUSED
from bot.case import Ballot, Case
from bot.clerk import Answer, Clerk, operation_of
from bot.errors import TryAgain
from bot.judging import NEEDS_APPROVAL, Judges, not_his
from bot.notices import owing
from bot.operation import Operation
from bot.origin import Origin
from bot.policy import Gate
from bot.progress import Differences, Plan
from bot.rulings import case_of
from bot.texts import deciding, refusals
from bot.worker.ending import expire
from storage import decisions, requests
from storage.decisions import APPROVED, CONFIRMED, REJECTED
from storage.states import RequestState
from storage.tables import Decision, Request

log = structlog.get_logger(__name__)

NOTHING_CAME = (RequestState.REJECTED, RequestState.EXPIRED, RequestState.CANCELLED)
TWICE = "already approved"


class Decider:
    """The person's half of a decision: it checks who clicked, writes rows, and never waits for MailAPI."""

    def __init__(self, *, clerk: Clerk, approvers: Approvers) -> None:
        self._clerk = clerk
        self._approvers = approvers

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

    async def closed(self, ballot: Ballot, origin: Origin) -> str:
        """What somebody is told who closed the form for a reason; raises `UserError` where he cannot have opened it."""
        await self._clerk.actor(origin, REJECTED, ballot.request)
        request = await self._clerk.database.read(
            lambda session: requests.get(session, origin.workspace, ballot.request)
        )
        if request is None:
            await self._clerk.refuse_unknown(origin, REJECTED, ballot.request)
        return deciding.closed(operation_of(request).title(), waits=request.state is RequestState.AWAITING_DECISION)

    async def note_unreadable(self, origin: Origin, action: str) -> None:
        """Write down that somebody used a button or form that no version of the bot could have posted for this."""
        await self._clerk.note_refusal(origin, action, None, "unreadable")

    async def _decide(self, ballot: Ballot, origin: Origin, verdict: str, reason: str | None = None) -> str:
        return await self._judged(ballot, origin, verdict, partial(self._count, ballot, origin, verdict, reason))

    async def _judged(
        self, ballot: Ballot, origin: Origin, verdict: str, act: Callable[[Judges, Session], Answer]
    ) -> str:
        """Ask Slack who counts, then `act` on the rows; anew where these have changed meanwhile."""
        actor = await self._clerk.actor(origin, verdict, ballot.request)
        for _ in range(MOST_LOOKS):
            judges = await self._judges(ballot, origin, verdict, actor)
            try:
                return (await self._clerk.database.write(partial(act, judges))).said()
            except Outdated:
                log.info("judged anew", request=ballot.request)
        raise TryAgain(refusals.BUSY)

    async def _judges(self, ballot: Ballot, origin: Origin, verdict: str, actor: Actor) -> Judges:
        """Whether the person, and each who said yes before, counts under the rules in force."""

        def read(session: Session) -> tuple[Rules, list[str]]:
            request = requests.get(session, origin.workspace, ballot.request)
            before = decisions.of_round(session, request) if request else []
            return Rules.of(session, origin.workspace), [decision.person for decision in before]

        rules, before = await self._clerk.database.read(read)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await asyncio.gather(
                    self._approvers.counts(origin.workspace, rules, actor),
                    *(self._approvers.may_approve(origin.workspace, rules, person) for person in before),
                )
        except (TryAgain, TimeoutError) as error:
            await self._clerk.note_refusal(origin, verdict, ballot.request, "could not check")
            raise error if isinstance(error, TryAgain) else TryAgain(refusals.WHO_APPROVES) from None
        return Judges(rules, dict(zip((actor.id, *before), found, strict=True)))

    def _count(
        self, ballot: Ballot, origin: Origin, verdict: str, reason: str | None, judges: Judges, session: Session
    ) -> Answer:
        """Write the decision down, and move the request where it is the last one that it needs."""
        request = self._clerk.locked(session, ballot.request, origin)
        if request is None:
            return self._clerk.unknown(session, origin, verdict, ballot.request)
        operation = operation_of(request)
        case = case_of(session, request, operation)
        made = decisions.by_key(session, origin.workspace, origin.deduplication_key)
        if made is not None and made.round == request.round:
            return self._repeated(request, case, verdict, judges)
        no = self._hindrance(session, request, operation, case, ballot, origin, verdict, judges)
        if no is not None:
            return no
        if verdict == APPROVED and any(yes.person == origin.person for yes in case.yes):
            text = f"{deciding.ALREADY_YOURS} {judges.so_far(request, case)}"
            self._clerk.audit(session, origin=origin, action=verdict, outcome=REFUSED, request=request.id, why=TWICE)
            return Answer(text)
        self._write_down(session, request, origin, verdict, reason)
        decisions.withdraw(session, request, judges.no_more(request, case))
        case = case_of(session, request, operation)
        if verdict == REJECTED:
            return self._reject(session, request, origin, reason)
        return self._yes(session, request, case, judges, verdict)

    def _hindrance(
        self,
        session: Session,
        request: Request,
        operation: Operation,
        case: Case,
        ballot: Ballot,
        origin: Origin,
        verdict: str,
        judges: Judges,
    ) -> Answer | None:
        """Why this click does not count, if so: too late, of an older plan, or not this person's to make."""
        refuse = partial(self._clerk.refused, session, origin, verdict, request.id)
        if request.state is not RequestState.AWAITING_DECISION:
            return refuse(deciding.late(request, case), "too late")
        if request.expires_at is not None and request.expires_at <= self._clerk.clock():
            expire(session, request, now=self._clerk.clock())
            return refuse(deciding.late(request, case), "too late")
        if (ballot.round, ballot.hash) != (request.round, request.plan_hash):
            owing.refresh(session, request, now=self._clerk.clock())
            found = Plan.of(request).changes if ballot.round == request.round - 1 else Differences()
            return refuse(deciding.changed(operation, found), "an older plan")
        if Rules.of(session, origin.workspace) != judges.rules or not judges.know(case):
            raise Outdated
        no = not_his(request, case, origin.person, verdict, approver=judges.approve[origin.person])
        if no == NEEDS_APPROVAL:  # the card may say otherwise, and approvers were not called
            requests.wake(session, request, now=self._clerk.clock())
        return refuse(*no) if no else None

    def _repeated(self, request: Request, case: Case, verdict: str, judges: Judges) -> Answer:
        """The same click, delivered again: what was said before, as far as it is still true."""
        if request.state is RequestState.AWAITING_DECISION:
            if not judges.know(case):
                raise Outdated
            return Answer(judges.so_far(request, case))
        if verdict != REJECTED and request.state in NOTHING_CAME:
            return Answer(deciding.late(request, case))
        done = {REJECTED: deciding.REJECTED_NOW, CONFIRMED: deciding.CONFIRMED_NOW, APPROVED: deciding.APPROVED_NOW}
        return Answer(done[verdict])

    def _write_down(self, session: Session, request: Request, origin: Origin, verdict: str, reason: str | None) -> None:
        decision = Decision(
            workspace_id=request.workspace_id,
            request_id=request.id,
            round=request.round,
            person=origin.person,
            verdict=verdict,
            reason=reason,
            deduplication_key=origin.deduplication_key,
            decided_at=self._clerk.clock(),
        )
        decisions.decide(session, decision)
        details = {"round": request.round, **({"reason": reason} if reason else {})}
        self._clerk.audit(session, origin=origin, action=verdict, outcome="done", request=request.id, **details)

    def _reject(self, session: Session, request: Request, origin: Origin, reason: str | None) -> Answer:
        now = self._clerk.clock()
        ended: dict[str, Any] = {"ended_at": now, "ended_by": origin.person, "reason": reason, "due_at": None}
        requests.move(session, request, RequestState.AWAITING_DECISION, RequestState.REJECTED, **ended)
        session.refresh(request)
        owing.refresh(session, request, now=now)
        owing.thread(session, request, "rejected", deciding.rejected(request), now=now)
        return Answer(deciding.REJECTED_NOW)

    def _yes(self, session: Session, request: Request, case: Case, judges: Judges, verdict: str) -> Answer:
        """One yes more; the last one that is needed lets the request go on."""
        now = self._clerk.clock()
        if case.ruling.gate is Gate.APPROVE and judges.counting(request, case) < case.ruling.needed:
            owing.refresh(session, request, now=now)
            return Answer(judges.so_far(request, case))
        agreed = replace(Plan.of(request), ruling=case.ruling).stored()  # what it passed is what is asked of it later
        due: dict[str, Any] = {"due_at": now, "leased_until": None, "attempts": 0, "plan": agreed}
        requests.move(session, request, RequestState.AWAITING_DECISION, RequestState.APPROVED, **due)
        session.refresh(request)
        owing.refresh(session, request, now=now)
        if verdict != CONFIRMED:  # the asker knows what he just did
            message = deciding.approved(request.asker, case)
            owing.thread(session, request, f"approved:{request.round}", message, now=now)
        return Answer(deciding.CONFIRMED_NOW if verdict == CONFIRMED else deciding.APPROVED_NOW)

    def _may_reject(self, ballot: Ballot, origin: Origin, judges: Judges, session: Session) -> Answer:
        request = self._clerk.locked(session, ballot.request, origin)
        if request is None:
            return self._clerk.unknown(session, origin, REJECTED, ballot.request)
        operation = operation_of(request)
        case = case_of(session, request, operation)
        no = self._hindrance(session, request, operation, case, ballot, origin, REJECTED, judges)
        return no or Answer(operation.title())
