"""The root message of a request: what was asked for, by whom, and how far it is."""

from bot import mrkdwn
from bot.progress import Progress
from bot.texts.message import Message, context, section
from storage.states import CallState, RequestState

BAR = 20
"""How many characters the progress bar has."""
LATE = "MailAPI is slow to answer, so what exists already could not be checked yet. Nothing has been sent."
PAUSED = "MailAPI refuses this workspace's key, so this waits until somebody connects one with `/mail connect`."
MOVED = {
    "asked": "Mailroom cannot post in {channel}, so this request goes on here. "
    "To have it there next time, type `/invite @mailroom` in that channel.",
    "midway": "Mailroom can no longer post in {channel}, so the rest of this request is told here.",
}


def card(progress: Progress, *, moved: str | None = None) -> Message:
    """The root message as things stand; `moved` is the key of why it stands in a direct message."""
    request, operation = progress.request, progress.operation
    status = _status(progress)
    preface = MOVED[moved].format(channel=f"<#{request.asked_in}>") if moved else ""
    title = operation.title()
    return Message(
        f"{mrkdwn.person(request.asker)} asked for {title}. {status}",
        [
            *([section(preface)] if preface else []),
            section(f"*{title[0].upper()}{title[1:]}*\nAsked for by {mrkdwn.person(request.asker)}"),
            *([context(*operation.details())] if operation.details() else []),
            section(status),
            *_small_print(progress),
        ],
    )


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
    if progress.request.state is RequestState.PLANNING and progress.plan.unplanned:
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
