"""A policy in plain words: the whole of it, what a change of it changed, and who is told."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from bot import mrkdwn
from bot.policy import Gate, Part, Policy
from bot.texts.message import Block, Message, actions, button, context, section, sections

CHANGE = "change_policy"
"""The action of the buttons that open the forms; which form stands behind a colon and in the value."""
OWN_OPTION = "Approvers may approve their own requests"
"""The option in the form that lets them."""
BUTTONS: Mapping[Part, str] = {
    Part.GATES: "Change Gates",
    Part.APPROVERS: "Change Approvers",
    Part.ASKERS: "Change Askers",
}
_LONGEST_LIST, _LONGEST_CHANGE = 2_000, 900
"""How many characters of names stand in one line; Slack takes 13,200 in a message, and there are five lists."""
_GATES: Mapping[Gate, str] = {
    Gate.NONE: "nothing needed",
    Gate.CONFIRM: "confirmed by the asker",
    Gate.APPROVE: "approval",
}


@dataclass(frozen=True)
class Shown:
    """A policy as somebody looks at it; without `changed_by` it is the defaults."""

    policy: Policy
    connected_by: str | None = None
    changed_by: str | None = None
    changed_at: datetime | None = None
    may_edit: bool = False


def shown(standing: Shown) -> Message:
    """The whole policy, with the buttons that change it for those who may."""
    gates, approvers, askers = _gates(standing.policy), _approvers(standing), _askers(standing.policy)
    last = _last(standing)
    text = " ".join(("The policy of this workspace.", *gates, *approvers, *askers, last))
    return Message(
        text,
        [
            section("*What needs what*"),
            *_listed(gates),
            section("*Who may approve*"),
            *_listed(approvers),
            section("*Who may ask*"),
            *_listed(askers),
            context(last, _editors(standing)),
            *([_buttons()] if standing.may_edit else []),
        ],
    )


def _gates(policy: Policy) -> list[str]:
    return [
        f"Domains: {_GATES[policy.domains]}.",
        f"Sub-domains: {_GATES[policy.subdomains]}.",
        f"Mailboxes: {_GATES[policy.mailboxes]}{_by_number(policy)}.",
    ]


def _by_number(policy: Policy) -> str:
    if policy.mailboxes is Gate.APPROVE:
        return ""
    if policy.threshold is None:
        return ", however many"
    return f", and approval from {policy.threshold:,} mailboxes on, counted for each person and domain within 24 hours"


def _approvers(standing: Shown) -> list[str]:
    policy, connected_by = standing.policy, standing.connected_by
    connector = mrkdwn.person(connected_by) if connected_by else "nobody so far"
    who = [
        f"People: {_people(policy.people)}." if policy.people else "",
        f"User groups: {_groups(policy.groups)}." if policy.groups else "",
        "Slack's admins and owners." if policy.admins else "",
        f"Whoever connected the key: {connector}." if policy.connector else "",
    ]
    own = "may" if policy.own else "may not"
    count = f"{_counted(policy.needed, 'approval is', 'approvals are')} needed"
    return [
        *([line for line in who if line] or ["Nobody."]),
        f"{count}, and approvers {own} approve their own requests.",
    ]


def _askers(policy: Policy) -> list[str]:
    who = [
        f"People: {_people(policy.askers)}." if policy.askers else "",
        f"User groups: {_groups(policy.asker_groups)}." if policy.asker_groups else "",
    ]
    hours, first = policy.expires_after_hours, policy.remind_after_hours
    remind = f"are reminded after {_hours(first)}, then after twice as long each time" if first else "are not reminded"
    return [
        *([line for line in who if line] or ["Every full member of this workspace."]),
        f"Channels: {_channels(policy.channels)}.",
        f"A request that nobody decides expires after {_hours(hours)}; approvers {remind}.",
    ]


def _last(standing: Shown) -> str:
    if standing.changed_by is None or standing.changed_at is None:
        return "These are the defaults."
    return f"Changed last by {mrkdwn.person(standing.changed_by)} {mrkdwn.moment(standing.changed_at)}."


def _editors(standing: Shown) -> str:
    if standing.may_edit:
        return ""
    connector = f" ({mrkdwn.person(standing.connected_by)})" if standing.connected_by else ""
    return f"Admins, owners and whoever connected the key{connector} can change this."


def _listed(lines: Sequence[str]) -> list[Block]:
    return sections([f"• {line}" for line in lines])


def _buttons() -> Block:
    return actions(*({**button(text, CHANGE, part), "action_id": f"{CHANGE}:{part}"} for part, text in BUTTONS.items()))


_FIELDS: Mapping[str, tuple[str, Callable[[Policy], str]]] = {
    "domains": ("Domains", lambda policy: _GATES[policy.domains]),
    "subdomains": ("Sub-domains", lambda policy: _GATES[policy.subdomains]),
    "mailboxes": ("Mailboxes", lambda policy: _GATES[policy.mailboxes]),
    "threshold": ("Approval by number of mailboxes", lambda policy: _threshold(policy.threshold)),
    "people": ("People who may approve", lambda policy: _people(policy.people, _LONGEST_CHANGE)),
    "groups": ("User groups that may approve", lambda policy: _groups(policy.groups, _LONGEST_CHANGE)),
    "admins": ("Slack's admins may approve", lambda policy: _yes(yes=policy.admins)),
    "connector": ("Whoever connected the key may approve", lambda policy: _yes(yes=policy.connector)),
    "needed": ("Approvals needed", lambda policy: str(policy.needed)),
    "own": ("Approvers may approve their own requests", lambda policy: _yes(yes=policy.own)),
    "askers": ("People who may ask", lambda policy: _people(policy.askers, _LONGEST_CHANGE)),
    "asker_groups": ("User groups that may ask", lambda policy: _groups(policy.asker_groups, _LONGEST_CHANGE)),
    "channels": ("Channels to ask in", lambda policy: _channels(policy.channels, _LONGEST_CHANGE)),
    "expires_after_hours": ("A request expires after", lambda policy: _hours(policy.expires_after_hours)),
    "remind_after_hours": ("Approvers are reminded after", lambda policy: _reminder(policy.remind_after_hours)),
}
"""By field of the policy: its label, and what it says there."""


def changes(before: Policy, after: Policy) -> list[str]:
    """What a change changed, a line for each field: old → new."""
    fields = [_FIELDS[name] for name in before.differing(after)]
    return [f"{label}: {worded(before)} → {worded(after)}" for label, worded in fields]


def told(changed_by: str, before: Policy, after: Policy) -> Message:
    """To those whom a change concerns."""
    lead = f"{mrkdwn.person(changed_by)} changed what needs whose approval for domains and mailboxes."
    lines = changes(before, after)
    return Message(
        " ".join((lead, *(f"{line}." for line in lines))),
        [section(lead), *_listed(lines), context("`/mail policy` shows the whole of it")],
    )


def alone() -> Message:
    """To the only person who can approve anything."""
    return Message(
        "You are the only one here who can approve requests, and approving one's own is off: what you ask for "
        f"yourself and needs approval would wait for nobody. Type `/mail policy`, choose “{BUTTONS[Part.APPROVERS]}”, "
        f"and tick “{OWN_OPTION}”, or add other approvers there."
    )


def set_aside() -> Message:
    """To whoever changed the policy, where those whom it concerns could not be told."""
    return Message(
        "Your change of the policy is in force, but because of an error on our side, which is in the log, the "
        "approvers were not told. Please tell them; `/mail policy` shows everybody what it says now."
    )


def _people(ids: Sequence[str], longest: int = _LONGEST_LIST) -> str:
    return _named([mrkdwn.person(each) for each in ids], "nobody by name", longest)


def _groups(ids: Sequence[str], longest: int = _LONGEST_LIST) -> str:
    return _named([mrkdwn.group(each) for each in ids], "none", longest)


def _channels(ids: Sequence[str], longest: int = _LONGEST_LIST) -> str:
    return _named([mrkdwn.channel(each) for each in ids], "everywhere", longest)


def _named(mentions: Sequence[str], none: str, longest: int) -> str:
    """Mentions with commas between them, as many as fit, and how many more there are."""
    fitting = sum(length <= longest for length in accumulate(len(mention) + 2 for mention in mentions))
    rest = f" and {len(mentions) - fitting} more" if fitting < len(mentions) else ""
    return f"{', '.join(mentions[:fitting])}{rest}" or none


def _threshold(threshold: int | None) -> str:
    return "never" if threshold is None else f"from {threshold:,} on"


def _reminder(hours: int) -> str:
    return _hours(hours) if hours else "never"


def _hours(hours: int) -> str:
    return _counted(hours, "hour", "hours")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _yes(*, yes: bool) -> str:
    return "yes" if yes else "no"
