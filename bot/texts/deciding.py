"""What people read about a decision: in the request's thread, directly, and as the answer to a click."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from bot import mrkdwn
from bot.case import Ballot, Case
from bot.operation import Operation
from bot.policy import Gate
from bot.progress import Differences
from bot.texts.message import Block, Message, actions, button, context, plain, section
from storage.decisions import CONFIRMED
from storage.states import RequestState
from storage.tables import Request

APPROVE, REJECT, CONFIRM = "approve_request", "reject_request", "confirm_request"
CANCEL, ASK_AGAIN = "cancel_request", "ask_again"
REJECTION = "rejection"
"""The callback id of the form for a reason."""
REASON = "reason"
LONGEST_REASON = 3_000
_SHOWN = 5
_MOST_NAMED = 20


def buttons(request: Request, case: Case) -> Block:
    """What can be clicked while a request waits; a new plan has new buttons."""
    ballot = str(Ballot.of(request))
    cancel = button("Cancel", CANCEL, ballot)
    if case.ruling.gate is Gate.CONFIRM:
        row = actions({**button("Confirm", CONFIRM, ballot), "style": "primary"}, cancel)
    else:
        approve = {**button("Approve", APPROVE, ballot), "style": "primary"}
        row = actions(approve, button("Reject", REJECT, ballot), cancel)
    return {**row, "block_id": f"decide:{ballot}"}


def only_cancel(request: Request) -> Block:
    """What can be clicked before there is a plan."""
    return actions(button("Cancel", CANCEL, str(Ballot.of(request))))


def waiting(request: Request, case: Case) -> str:
    """Who has to say yes."""
    if case.ruling.gate is Gate.CONFIRM:
        return f"*Waiting for {mrkdwn.person(request.asker)} to confirm.*"
    so_far = len(case.yes)
    counted = f": {so_far} of {case.ruling.needed}" if case.ruling.needed > 1 else ""
    by = f", by {people(decision.person for decision in case.yes)}." if so_far else ""
    return f"*Waiting for approval{counted}{'' if by else '.'}*{by} {_who(request, case)}".strip()


def may_approve(case: Case) -> str:
    """Who is an approver."""
    admins = [ADMINS] if case.admins else []
    named = [*(mrkdwn.person(person) for person in case.named), *(mrkdwn.group(group) for group in case.groups)]
    return f"Approvers are {_and([*named[:_MOST_NAMED], *admins])}." if named or admins else "There are no approvers."


def how(case: Case) -> str:
    """What is to be done, for those who do not see the buttons."""
    return "Confirm or cancel it." if case.ruling.gate is Gate.CONFIRM else "Approve or reject it."


def _who(request: Request, case: Case) -> str:
    done = {decision.person for decision in case.yes}
    people, groups = case.on_card(request.asker)
    asked = [
        *(mrkdwn.person(person) for person in people if person not in done),
        *(mrkdwn.group(group) for group in groups),
    ]
    also = "Slack's admins may also decide." if asked else "Slack's admins may decide."
    return " ".join(part for part in (f"Asked: {_or(asked)}." if asked else "", also if case.admins else "") if part)


def why(case: Case) -> str:
    """Why approval is needed, where it is for the number of mailboxes."""
    ruling = case.ruling
    if ruling.counted is None or ruling.threshold is None:
        return ""
    return f"{ruling.counted:,} mailboxes within 24 hours; from {ruling.threshold:,} on they need approval"


def outcome(request: Request, case: Case) -> str:
    """Who decided, and when; empty where nobody had to."""
    at = mrkdwn.moment(request.ended_at) if request.ended_at else ""
    match request.state:
        case RequestState.REJECTED | RequestState.CANCELLED:
            verb = "Rejected" if request.state is RequestState.REJECTED else "Cancelled"
            return f"{verb} by {mrkdwn.person(request.ended_by)} {at}" if request.ended_by else ""
        case RequestState.EXPIRED:
            return f"Expired {at}, since nobody had decided"
        case _:
            return _agreed(case)


def _agreed(case: Case) -> str:
    if not case.yes:
        return ""
    verb = "Confirmed" if case.yes[-1].verdict == CONFIRMED else "Approved"
    return f"{verb} by {people(decision.person for decision in case.yes)} {mrkdwn.moment(case.yes[-1].decided_at)}"


def reason_block(reason: str) -> Block:
    """A reason as it was typed: plain text, in which nothing pings or formats."""
    return {"type": "section", "text": plain(mrkdwn.cut(reason, LONGEST_REASON))}


# In the thread.


def approved(asker: str, case: Case) -> Message:
    """The asker hears that it goes on."""
    return Message(f"{mrkdwn.person(asker)} {_agreed(case)}. It is carried out now.")


def rejected(request: Request) -> Message:
    """The asker hears who said no, and why."""
    text = f"{mrkdwn.person(request.asker)} Rejected by {mrkdwn.person(request.ended_by or '')}. Nothing was created."
    if not request.reason:
        return Message(text)
    shown = mrkdwn.in_line(request.reason, 300)
    return Message(f"{text} Reason: {shown}", [section(f"{text} The reason:"), reason_block(request.reason)])


def cancelled(request: Request) -> Message:
    """Cancelled by its asker, who may have slipped on a phone."""
    text = f"Cancelled by {mrkdwn.person(request.ended_by or '')}. Nothing was created."
    return Message(text, [section(text), _ask_again(request)])


def expired(request: Request) -> Message:
    """Nobody decided."""
    text = (
        f"{mrkdwn.person(request.asker)} Nobody decided in time, so this has expired. Nothing was created. "
        "“Ask Again” makes a new request of it."
    )
    return Message(text, [section(text), _ask_again(request)])


def _ask_again(request: Request) -> Block:
    return actions(button("Ask Again", ASK_AGAIN, str(request.id)))


def looked_again(asker: str, operation: Operation, found: Differences) -> Message:
    """The plan that was agreed to is no longer what would happen."""
    lines = "\n".join(f"• {line}" for line in changes(operation, found))
    text = f"{mrkdwn.person(asker)} Before sending, MailAPI was looked at again, and this is no longer what was agreed:"
    foot = "Nothing was sent. It needs a decision again; its first message shows the new plan."
    return Message(f"{text}\n{lines}\n{foot}", [section(f"{text}\n{lines}"), section(foot)])


def changes(operation: Operation, found: Differences) -> Iterable[str]:
    """What is different, a line each."""
    if found.appeared:
        yield f"{operation.counted(len(found.appeared))} will not be created any more: {names(found.appeared)}"
    if found.gone:
        yield f"{operation.counted(len(found.gone))} more will be created: {names(found.gone)}"
    if found.unready is not None:
        yield f"The domain is not ready any more; MailAPI says {mrkdwn.code(found.unready or 'nothing')}"
    if found.exceeds:
        yield f"The quotas are {found.exceeds:,} MB more than the domain has"
    if found.stricter:
        yield "It needs approval now: the policy has changed, or other requests of the same person count too"


def call(title: str, mentions: Sequence[str]) -> Message:
    """To those who may decide, where the root message was there before; the asker need not hear of it."""
    return Message(f"{' '.join(mentions)} This waits for your decision: {title}. The buttons are in its first message.")


def reminder(request: Request, title: str, mentions: Sequence[str]) -> Message:
    """The same, when nobody has decided for a while."""
    expires = f" It expires {mrkdwn.moment(request.expires_at)}." if request.expires_at else ""
    return Message(
        f"{' '.join(mentions)} Still waiting for a decision: {title}.{expires} The buttons are in its first message."
    )


def reminder_directly(request: Request, title: str) -> Message:
    """To somebody who has a card of his own."""
    expires = f" It expires {mrkdwn.moment(request.expires_at)}." if request.expires_at else ""
    return Message(
        f"This waits for your decision: {title}, asked for by {mrkdwn.person(request.asker)}.{expires} "
        "The message with its buttons is in this conversation."
    )


def only_the_asker(asker: str, owners: str) -> Message:
    """Nobody but the asker may approve, and he may not."""
    return Message(
        f"{mrkdwn.person(asker)} You are the only one who may approve here, and the policy does not let approvers "
        f"approve their own requests. {owners} can allow that, or name more approvers, with `/mail policy`."
    )


def nobody(asker: str, owners: str) -> Message:
    """Nobody may approve."""
    return Message(
        f"{mrkdwn.person(asker)} Nobody may approve this now: the policy names nobody who can. "
        f"{owners} can name approvers with `/mail policy`; until then this waits."
    )


def too_few(asker: str, needed: int, deciders: Sequence[str], owners: str) -> Message:
    """More have to approve than may."""
    return Message(
        f"{mrkdwn.person(asker)} This needs {needed} approvals, and only {people(deciders)} may approve. "
        f"{owners} can name approvers with `/mail policy`; until then this waits."
    )


def nobody_directly(request: Request, title: str) -> Message:
    """To those who may change the policy."""
    return Message(
        f"Too few people may approve this: {title}, asked for by {mrkdwn.person(request.asker)}. Name approvers with "
        "`/mail policy`, or allow approvers to approve their own requests."
    )


ADMINS = "Slack's admins"


# Answers to a click; private, and without what only the thread should hear.


def counted(so_far: int, needed: int) -> str:
    """An approval that is not the last one."""
    return f"Your approval counts: {so_far} of {needed}."


APPROVED_NOW = "Approved. It is carried out now; the result follows in its thread."
CONFIRMED_NOW = "Confirmed. It is carried out now; the result follows in its thread."
REJECTED_NOW = "Rejected. Nothing was created, and the person who asked is told."
CANCELLED_NOW = "Cancelled. Nothing was created."
ALREADY_YOURS = "You approved this already."


def late(request: Request, case: Case) -> str:
    """Somebody else was faster, or it has ended otherwise, or there is nothing to decide about yet."""
    if request.state is RequestState.PLANNING:
        return "There is no plan to decide about yet. The buttons come with it."
    said = outcome(request, case)
    if not said:
        return "Too late. Its message shows how it stands."
    reason = f" Reason: {mrkdwn.in_line(request.reason, 300)}" if request.reason else ""
    return f"Too late. {said}.{reason}"


def asked_again(title: str, request: int) -> str:
    """“Ask Again” was clicked before."""
    return f"You asked for {title} again already, as request {request}. `/mail tasks mine` shows how it stands."


def changed(operation: Operation, found: Differences) -> str:
    """The button is of an older plan; what is different is known of the one before."""
    said = f"The plan for {operation.title()} has changed since this button, so nothing was decided."
    lines = "".join(f"\n• {line}" for line in changes(operation, found))
    return f"{said}{lines}\nIts message shows the new plan; decide there."


NOT_AN_APPROVER = "Only approvers may decide this, and the policy does not name you. `/mail policy` shows who they are."
NOT_YOUR_OWN = (
    "Somebody else has to approve this: the policy does not let approvers decide about their own requests. "
    "You can cancel it, or allow that with `/mail policy`, where you may."
)
NOT_YOURS_TO_CONFIRM = "Only the person who asked for this can confirm it."
NOT_YOURS_TO_CANCEL = "Only the person who asked for this can cancel it. Approvers can reject it."
NOT_YOURS_TO_REPEAT = "Only the person who asked for this can ask again. `/mail help` shows how to ask yourself."
NEEDS_APPROVAL_NOW = (
    "This needs an approver now: the policy has changed since you asked, or what you asked for besides counts too."
)
ONLY_TO_CONFIRM = "This needs nobody's approval: the person who asked confirms it, or cancels it."
NO_REASON = "Say why, so that the person who asked knows what to do."
LONG_REASON = f"A reason has at most {LONGEST_REASON:,} characters."


def closed(title: str, *, waits: bool) -> str:
    """The form for a reason was closed."""
    rest = "It still waits for a decision." if waits else "Its message shows how it stands."
    return f"You closed the form, so you have not rejected {title}. {rest}"


def rejection_form(title: str, metadata: str) -> Block:
    """Why not."""
    return {
        "type": "modal",
        "callback_id": REJECTION,
        "private_metadata": metadata,
        "notify_on_close": True,
        "title": plain("Reject request"),
        "submit": plain("Reject"),
        "close": plain("Cancel"),
        "blocks": [
            section(f"{title[0].upper()}{title[1:]}. Nothing will be created."),
            {
                "type": "input",
                "block_id": REASON,
                "label": plain("Reason"),
                "hint": plain("The person who asked reads it in the thread."),
                "element": {
                    "type": "plain_text_input",
                    "action_id": "value",
                    "multiline": True,
                    "max_length": LONGEST_REASON,
                },
            },
        ],
    }


def told(text: str) -> Block:
    """What came of a submitted form, in its place."""
    return {"type": "modal", "title": plain("Reject request"), "close": plain("Close"), "blocks": [section(text)]}


def people(ids: Iterable[str]) -> str:
    """Mentions, joined as a sentence joins them."""
    return _and([mrkdwn.person(person) for person in ids])


def _and(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _or(shown: Sequence[str]) -> str:
    return " or ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def names(names: Sequence[str]) -> str:
    """The first few names."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(mrkdwn.code(name) for name in names[:_SHOWN]) + more


def expires(at: datetime | None) -> str:
    """Until when somebody can decide."""
    return f"Expires {mrkdwn.moment(at)}" if at else ""


def small_print(request: Request, case: Case) -> list[Block]:
    """Why approval is needed, and until when."""
    parts = [part for part in (why(case), expires(request.expires_at)) if part]
    return [context(*parts)] if parts else []
