"""Requests that wait for a decision: those who may decide are called and reminded, and what nobody decides expires."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlmodel import Session

from bot import mrkdwn
from bot.approvers import Approvers, Rules
from bot.case import Case
from bot.errors import TryAgain
from bot.notices import owing
from bot.operation import Operation
from bot.pace import retry_after
from bot.policy import Gate
from bot.rulings import case_of
from bot.slack import Slack
from bot.slack_errors import Refused, SlackError, asked_pause
from bot.slacks import Slacks
from bot.texts import deciding
from bot.texts.message import Message
from bot.worker.ending import expire
from bot.worker.machine import Machine, operation_of
from storage import decisions, moves, notices, policies, requests
from storage.states import RequestState
from storage.tables import Request

log = structlog.get_logger(__name__)

MOST_CALLED = 50
"""How many people are called for one request."""


@dataclass(frozen=True)
class Audience:
    """Whom a request is put to: people whom the channel shows it, and people who are not there.

    `deciders` is everybody who may decide now as far as it was asked: where the named are enough, not the admins, but
    the asker where he may, and whoever has approved already. `owners` are those who can change the policy.
    """

    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    mentioned: frozenset[str] = frozenset()
    """Whom the card itself mentions; Slack's admins are called only where those named are not enough."""
    deciders: frozenset[str] = frozenset()
    needed: int = 1
    own: bool = False
    """Whether the asker would be an approver if the policy let approvers approve their own."""
    owners: tuple[str, ...] = ()
    withdrawn: frozenset[str] = frozenset()
    """Those who approved and are no approvers any more."""
    barred: frozenset[str] = frozenset()
    """Whom the policy names although they may not decide: guests, people of other organisations, and who is gone."""


async def attend(machine: Machine, slacks: Slacks, approvers: Approvers, request: Request) -> None:
    """Do for a waiting request what is due: let it expire, call those who may decide, or remind them."""
    if request.expires_at is not None and request.expires_at <= machine.clock():
        await machine.database.write(partial(_expire, machine, request))
        return
    operation = operation_of(request)
    rules, case = await machine.database.read(
        lambda session: (Rules.of(session, request.workspace_id), case_of(session, request, operation))
    )
    try:
        slack = await slacks.of(request.workspace_id)
        audience = await _audience(slack, approvers, request, rules, case)
    except (TryAgain, SlackError) as error:
        log.info("could not ask Slack who is to decide", request=request.id, reason=type(error).__name__)
        due_at = machine.clock() + retry_after(request.attempts + 1, machine.pace, at_least=asked_pause(error))
        await machine.database.write(
            lambda session: moves.put_off(session, request, due_at, attempts=request.attempts + 1)
        )
        return
    await machine.database.write(partial(_call, machine, request, operation, rules, audience))


def _expire(machine: Machine, waiting: Request, session: Session) -> None:
    request = requests.lock(session, waiting.workspace_id, waiting.id)
    if request is not None:
        expire(session, request, now=machine.clock())


async def _audience(slack: Slack, approvers: Approvers, request: Request, rules: Rules, case: Case) -> Audience:
    """Who is to be called; raises `TryAgain` or `SlackError`."""
    workspace, asker, needed = request.workspace_id, request.asker, case.ruling.needed
    if case.ruling.gate is Gate.CONFIRM:
        return Audience(present=(asker,), mentioned=frozenset({asker}), deciders=frozenset({asker}))
    done = [decision.person for decision in case.yes]
    named = (await approvers.named(workspace, rules))[:MOST_CALLED]
    counts = await _counting(approvers, workspace, rules, (*named, *done, asker))
    others = [person for person in named if person in counts and person != asker]
    deciders = {*others, *(person for person in done if person in counts)}
    deciders |= {asker} & counts if case.ruling.own else set()
    admins = [] if len(deciders) >= needed else [admin.id for admin in await slack.admins(workspace, request.team_id)]
    by_role = [person for person in admins if person != asker] if rules.policy.admins else []
    asked = [person for person in dict.fromkeys((*others, *by_role)) if person not in done][:MOST_CALLED]
    there = await _members(slack, request)
    return Audience(
        present=tuple(person for person in asked if person in there),
        absent=tuple(person for person in asked if person not in there),
        mentioned=frozenset(case.on_card(asker)[0]).union(set(named) - set(rules.named)).intersection(others),
        deciders=frozenset({*deciders, *by_role}),
        needed=needed,
        own=asker in counts,
        owners=tuple(dict.fromkeys((*admins, *([rules.connected_by] if rules.connected_by else ())))),
        withdrawn=frozenset(done) - (counts if case.ruling.own else counts - {asker}),
        barred=frozenset(named) - counts,
    )


async def _counting(approvers: Approvers, workspace: str, rules: Rules, people: Collection[str]) -> frozenset[str]:
    """Those of these people who are approvers now: neither gone, nor guests; raises `TryAgain`."""
    once = tuple(dict.fromkeys(people))
    found = await asyncio.gather(*(approvers.may_approve(workspace, rules, person) for person in once))
    return frozenset(person for person, counts in zip(once, found, strict=True) if counts)


async def _members(slack: Slack, request: Request) -> Collection[str]:
    """Who sees the root message where it stands; nobody but the asker in a direct message, or where Slack won't say."""
    if request.in_direct_message:
        return ()
    try:
        return await slack.channel_members(request.home_channel)
    except Refused as error:
        log.info("could not ask Slack who is in a channel", request=request.id, reason=str(error))
        return ()


def _call(
    machine: Machine, request: Request, operation: Operation, rules: Rules, audience: Audience, session: Session
) -> None:
    """Call who was not called yet, remind who was where that is due, and say when to look at this again."""
    now = machine.clock()
    current = requests.lock(session, request.workspace_id, request.id)
    if current is None or current.state is not RequestState.AWAITING_DECISION or current.round != request.round:
        return
    if Rules.of(session, request.workspace_id) != rules or current.in_direct_message != request.in_direct_message:
        moves.put_off(session, request, now)
        return
    decisions.withdraw(session, current, audience.withdrawn)
    title = operation.title()
    first_time = current.called is None
    # Posting the root message called those whom it mentions and who are in the channel.
    on_card = audience.mentioned.intersection(audience.present)
    called = set(current.called if current.called is not None else on_card)
    new = [person for person in audience.present if person not in called]
    if new:
        _say(session, current, f"call:{'.'.join(new)}", deciding.call(title, _mentions(new)), now=now)
    for person in audience.absent:
        if not owing.copy(session, current, person, now=now) and person not in called:
            key = f"request:{current.id}:{current.round}:again"
            message = deciding.reminder_directly(current, title)
            owing.direct(session, current.workspace_id, person, key, message, now=now)
    if len(audience.deciders) < audience.needed:
        _nobody(session, current, title, rules, audience, now=now)
    elif not first_time and current.remind_at is not None and current.remind_at <= now:
        _remind(session, current, title, audience, now=now)
    current.called = sorted({*called, *audience.present, *audience.absent} - audience.barred)
    _set_alarm(current, rules, now=now)
    session.add(current)
    session.flush()
    if not first_time or audience.barred or _shows_an_older_policy(session, current):
        owing.refresh(session, current, now=now)


def _shows_an_older_policy(session: Session, request: Request) -> bool:
    """Whether the root message may have been posted before the policy in force."""
    laid_down = policies.current(session, request.workspace_id)
    root = notices.by_key(session, request.workspace_id, notices.root_key(request.id))
    return laid_down is not None and root is not None and laid_down.changed_at >= root.created_at


def _remind(session: Session, request: Request, title: str, audience: Audience, *, now: datetime) -> None:
    request.reminders += 1
    alone = (request.asker,) if request.asker in audience.deciders and not audience.absent else ()
    people = audience.present or alone
    if people:
        message = deciding.reminder(request, title, _mentions(people))
        _say(session, request, f"reminder:{request.reminders}", message, now=now)
    for person in audience.absent:
        key = f"request:{request.id}:{request.round}:reminder:{request.reminders}"
        owing.direct(session, request.workspace_id, person, key, deciding.reminder_directly(request, title), now=now)


def _set_alarm(request: Request, rules: Rules, *, now: datetime) -> None:
    """The next reminder comes after twice the time of the one before; whatever comes first is what is due next."""
    hours = rules.policy.remind_after_hours
    latest = now + timedelta(hours=hours * 2**request.reminders)
    over = request.remind_at is None or request.remind_at <= now
    request.remind_at = (latest if over else min(request.remind_at or latest, latest)) if hours else None
    moments = [moment for moment in (request.remind_at, request.expires_at) if moment is not None]
    request.due_at, request.leased_until, request.attempts = min(moments, default=None), None, 0


def _nobody(session: Session, request: Request, title: str, rules: Rules, audience: Audience, *, now: datetime) -> None:
    """Too few may decide: the asker hears it, and so do those who can change that."""
    owners = deciding.people(audience.owners[:MOST_CALLED]) or deciding.ADMINS
    if audience.deciders:
        message = deciding.too_few(request.asker, audience.needed, sorted(audience.deciders), owners)
    elif audience.own:
        message = deciding.only_the_asker(request.asker, owners)
    else:
        message = deciding.nobody(request.asker, owners)
    _say(session, request, f"nobody:{rules.version}", message, now=now)
    for owner in audience.owners[:MOST_CALLED]:
        if owner != request.asker:
            key = f"request:{request.id}:{request.round}:nobody:{rules.version}"
            direct = deciding.nobody_directly(request, title)
            owing.direct(session, request.workspace_id, owner, key, direct, now=now)


def _say(session: Session, request: Request, key: str, message: Message, *, now: datetime) -> None:
    owing.thread(session, request, f"round:{request.round}:{key}", message, now=now)


def _mentions(people: Sequence[str]) -> list[str]:
    return [mrkdwn.person(person) for person in people]
