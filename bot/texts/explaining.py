"""What a command would do, who would have to agree, and why: said without doing it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot import mrkdwn
from bot.case import Case
from bot.operation import Operation
from bot.policy import Gate, Policy, Subject
from bot.progress import Plan
from bot.texts import card, deciding, refusals
from bot.texts.message import Message, context, section

EXAMPLE = "/mail explain mailbox bulk example.com team 25"
INCOMPLETE = "To be explained, a command has to be complete: type it with everything that it needs."
NOTHING_TO_EXPLAIN = "Type the command that you want explained after `/mail explain`."
_SUBJECTS = {Subject.DOMAINS: "domains", Subject.SUBDOMAINS: "sub-domains", Subject.MAILBOXES: "mailboxes"}


@dataclass(frozen=True)
class Explained:
    """What is known of a command that nobody has given; `failure` is why it could not be carried out, if so."""

    operation: Operation
    plan: Plan
    case: Case
    policy: Policy
    failure: str | None = None
    channel: bool = True
    """Whether the policy lets people ask in this channel."""
    asker: bool = True
    """Whether the policy lets this person ask."""


def explanation(found: Explained) -> Message:
    """For somebody who types `/mail explain` before a command."""
    title = found.operation.title()
    head = f"*{title[0].upper()}{title[1:]}:* this is what would happen. Nothing was asked for."
    needs = " ".join(_needs(found))
    details = found.operation.details()
    return Message(
        f"{title[0].upper()}{title[1:]}: nothing was asked for. {needs}",
        [
            section(head),
            *([context(*details)] if details else []),
            section(_plan(found)),
            section(needs),
        ],
    )


def harmless(usage: str, summary: str) -> Message:
    """A command that creates nothing."""
    return Message(f"`{usage}`: {summary}. It creates nothing, so nobody has to agree; only you see the answer.")


def _plan(found: Explained) -> str:
    if found.failure is not None:
        return f"It would fail: {mrkdwn.escape(found.failure)}"
    return "\n".join(f"• {line}" for line in card.plan_lines(found.operation, found.plan))


def _needs(found: Explained) -> Sequence[str]:
    """Who would have to agree, and why."""
    limits = [
        *([] if found.channel else [refusals.other_channel(found.policy.channels)]),
        *([] if found.asker else [refusals.not_an_asker(found.policy.askers, found.policy.asker_groups)]),
    ]
    if limits:
        return limits
    if found.failure is not None:
        return ["So nothing would be created, and nobody asked to agree."]
    if found.plan.taken >= set(found.operation.names()):
        return ["Nothing is left to be created, so nobody would have to agree."]
    match found.case.ruling.gate:
        case Gate.NONE:
            return ["Nobody has to agree: it would be carried out at once."]
        case Gate.CONFIRM:
            return [f"You would have to confirm the plan, since the policy says so for {_subject(found)}."]
        case Gate.APPROVE:
            return [_count(found), _why(found), *_who(found)]


def _count(found: Explained) -> str:
    needed = found.case.ruling.needed
    return "*It would need approval.*" if needed == 1 else f"*It would need {needed} approvals.*"


def _why(found: Explained) -> str:
    ruling = found.case.ruling
    if ruling.counted is None or ruling.threshold is None:
        return f"The policy says so for {_subject(found)}."
    return (
        f"With it you would have asked for {ruling.counted:,} mailboxes on this domain within 24 hours, and from "
        f"{ruling.threshold:,} on the policy wants approval."
    )


def _who(found: Explained) -> Sequence[str]:
    own = "Approvers may approve their own." if found.case.ruling.own else "Nobody approves his own."
    return [deciding.may_approve(found.case), own]


def _subject(found: Explained) -> str:
    return _SUBJECTS[found.operation.subject]
