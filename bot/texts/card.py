"""The root message of a request: what was asked for, by whom, and how far it is."""

from collections.abc import Iterator

from bot import mrkdwn
from bot.case import Case
from bot.findings import Findings
from bot.operation import Operation
from bot.progress import Plan, Progress
from bot.texts import deciding
from bot.texts.message import Block, Message, context, section
from storage.states import CallState, RequestState
from storage.tables import Request

BAR = 20
"""How many characters the progress bar has."""
LATE = "MailAPI is slow to answer, so what exists already could not be checked yet. Nothing has been sent."
PAUSED = "This workspace has no key that works, so this waits until somebody connects one with `/mail connect`."
UNREADABLE = (
    "*This request cannot be read any more* because of an error on our side. Nothing more is sent for it. Look at what "
    "exists with `/mail mailbox list` or `/mail domain list`, then ask again for what is missing."
)
MOVED = {
    "asked": "Mailroom cannot post in {channel}, so this request goes on here. "
    "To have it there next time, type `/invite @mailroom` in that channel.",
    "midway": "Mailroom can no longer post in {channel}, so the rest of this request is told here.",
}


def card(progress: Progress, case: Case | None = None, *, moved: str | None = None) -> Message:
    """The root message as things stand; `moved` is the key of why it stands in a direct message."""
    request = progress.request
    preface = MOVED[moved].format(channel=mrkdwn.channel(request.asked_in)) if moved else ""
    return _put_together(progress, case or Case(), _status(progress), preface=preface)


def copy(progress: Progress, case: Case) -> Message:
    """The card of an approver who is not in the channel; how far it is later is shown there alone."""
    status = "*In progress.*" if progress.request.state is RequestState.RUNNING else _status(progress)
    return _put_together(progress, case, status, where=_where(progress.request))


def _where(request: Request) -> str:
    """Where it was asked, and so why somebody has a card of his own."""
    if request.asked_in.startswith("D"):
        return " in a direct message"
    why = "where Mailroom cannot post" if request.in_direct_message else "where you are not"
    return f" in {mrkdwn.channel(request.asked_in)}, {why}"


def unreadable(request: Request) -> Message:
    """In place of the card of a request whose rows cannot be read: who asked, and what to do."""
    return Message(
        f"{mrkdwn.person(request.asker)} asked for something. {UNREADABLE}",
        [section(f"*Request {request.id}*\nAsked for by {mrkdwn.person(request.asker)}"), section(UNREADABLE)],
    )


def _put_together(progress: Progress, case: Case, status: str, *, preface: str = "", where: str = "") -> Message:
    request, operation = progress.request, progress.operation
    waits = request.state is RequestState.AWAITING_DECISION
    if waits:
        status = deciding.waiting(request, case)
    title = operation.title()
    return Message(
        f"{mrkdwn.person(request.asker)} asked for {title}. {_spoken(progress, case, status) if waits else status}",
        [
            *([section(preface)] if preface else []),
            section(f"*{title[0].upper()}{title[1:]}*\nAsked for by {mrkdwn.person(request.asker)}{where}"),
            *([context(*operation.details())] if operation.details() else []),
            *([section(plan_shown(progress))] if waits else []),
            section(status),
            *_decided(progress, case),
            *([] if waits else _small_print(progress)),
        ],
    )


def _spoken(progress: Progress, case: Case, status: str) -> str:
    """What screen readers get instead of the blocks: who is to act, on what, and how."""
    details = ", ".join(progress.operation.details())
    plan = ". ".join(plan_lines(progress.operation, progress.plan))
    return f"{status} {f'{details}. ' if details else ''}{plan}. {deciding.how(case)}"


def _decided(progress: Progress, case: Case) -> list[Block]:
    """The buttons while it waits; afterwards who decided, when and why."""
    request = progress.request
    if request.state is RequestState.AWAITING_DECISION:
        return [deciding.buttons(request, case), *deciding.small_print(request, case)]
    if request.state is RequestState.PLANNING:
        return [deciding.only_cancel(request)]
    said = deciding.outcome(request, case)
    reason = request.reason if request.state is RequestState.REJECTED else None
    return [*([context(said)] if said else []), *([deciding.reason_block(reason)] if reason else [])]


def plan_shown(progress: Progress) -> str:
    """What a look at MailAPI said, a line each: exactly what somebody agrees to."""
    return "\n".join(f"• {line}" for line in plan_lines(progress.operation, progress.plan))


def plan_lines(operation: Operation, plan: Plan) -> Iterator[str]:
    """What exists already, the domain, its quota and its window, as MailAPI says now."""
    total, existing = len(operation.names()), [name for name in operation.names() if name in plan.existing]
    if total == 1 and not existing:
        yield "It does not exist yet"
    elif not existing:
        yield f"None of the {operation.counted(total)} exists yet"
    else:
        counted = f"{len(existing)} of {operation.counted(total)}"
        yield f"{counted} exist already and stay as they are: {deciding.names(existing)}"
    if plan.in_flight:
        yield f"{operation.counted(len(plan.in_flight))} already asked for by another request"
    yield from _domain_lines(operation, plan.findings)


def _domain_lines(operation: Operation, findings: Findings) -> Iterator[str]:
    domain = mrkdwn.domain_shown(operation.scope)
    if findings.ready is not None:
        word = mrkdwn.code(findings.status or "nothing")
        yield f"{domain} is ready: {word}" if findings.ready else f"{domain} is *not ready*: MailAPI says {word}"
    if findings.quota_asked is not None and findings.quota_limit is not None:
        sums = f"{findings.quota_asked:,} MB asked for, {findings.quota_used or 0:,} MB in use, of the domain's "
        over = f": *{findings.exceeds:,} MB too much*" if findings.exceeds else ""
        yield f"Quotas: {sums}{findings.quota_limit:,} MB{over}"
    if findings.window_opens is not None:
        yield f"MailAPI takes the next sub-domain request for {domain} {mrkdwn.moment(findings.window_opens)}"
    elif operation.window is not None:
        yield f"MailAPI takes sub-domains of {domain} now, as far as is known here"


_STATUS = {
    RequestState.PLANNING: "*Checking* what exists already.",
    RequestState.AWAITING_DECISION: "*Waiting for a decision.*",
    RequestState.APPROVED: "*Starting.*",
    RequestState.FAILED: "*Failed:* nothing was created. The thread says why.",
    RequestState.CANCELLED: "*Cancelled:* nothing was created.",
    RequestState.REJECTED: "*Rejected:* nothing was created.",
    RequestState.EXPIRED: "*Expired:* nothing was created.",
}
_STATUS_OF_ONE = {RequestState.RUNNING: "*{running}*", RequestState.DONE: "*Done:* created."}
_STATUS_OF_MANY = {
    RequestState.RUNNING: "*{running}*\n{bar} finished",
    RequestState.DONE: "*Done:* {made} created.",
    RequestState.PARTLY_DONE: "*Partly done:* {made} created. The thread says which were not, and why.",
}


def _status(progress: Progress) -> str:
    if progress.request.state in (RequestState.PLANNING, RequestState.APPROVED) and progress.plan.unplanned:
        return progress.plan.unplanned
    total = progress.operation.counted(progress.total)
    worded = _STATUS | (_STATUS_OF_ONE if progress.total == 1 else _STATUS_OF_MANY)
    return worded[progress.request.state].format(
        made=f"{progress.made} of {total}", running=_running(progress), bar=_bar(progress)
    )


def _bar(progress: Progress) -> str:
    """How far it is, as a line; the count beside it says the same in words."""
    done = BAR * progress.settled // max(1, progress.total)
    return f"`{'█' * done}{'░' * (BAR - done)}` {progress.settled} of {progress.total}"


def _running(progress: Progress) -> str:
    states = {call.state for call in progress.calls}
    if CallState.UNKNOWN in states:
        return "Looking for a lost answer."
    if CallState.STALLED in states:
        return "Not finished after 24 hours."
    if CallState.WAITING in states and states <= {CallState.WAITING, CallState.DONE, CallState.FAILED}:
        return "Waiting until MailAPI takes it."
    return "In progress."


def _small_print(progress: Progress) -> list[dict[str, object]]:
    tasks = [f"MailAPI task {call.task_id}" for call in progress.calls if call.task_id][:3]
    existing, in_flight = len(progress.plan.existing), len(progress.plan.in_flight)
    notes = [
        *tasks,
        f"{progress.operation.counted(existing)} existed already and stay as they are" if existing else "",
        f"{progress.operation.counted(in_flight)} already asked for by another request" if in_flight else "",
    ]
    return [context(*notes)] if any(notes) else []
