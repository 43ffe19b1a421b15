"""The forms in which a policy is changed, what may be wrong in them, and what came of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot import mrkdwn
from bot.policy import LONGEST_HOURS, MOST_APPROVALS, MOST_NAMED, MOST_THRESHOLD, Gate, Part, Policy
from bot.texts import policies
from bot.texts.message import Block, context, plain, section, sections

POLICY = "policy:"
"""What the callback id of each form begins with; its part follows."""
FIND_GROUP = "find_group"
"""The action id of the fields in which user groups are chosen by typing."""
ROLES, ADMINS, CONNECTOR = "roles", "admins", "connector"
"""The field for those who may approve by what they are, and its two options."""
OWN = "own"
"""The field, and its only option."""
VALUE = "value"
_LONGEST_OPTION = 75
_LAST_VERSION = 2**31 - 1
"""What the column holds."""
_TITLES: Mapping[Part, str] = {
    Part.GATES: "Policy: gates",
    Part.APPROVERS: "Policy: approvers",
    Part.ASKERS: "Policy: askers",
}
_GATES: Mapping[Gate, str] = {
    Gate.NONE: "Nothing",
    Gate.CONFIRM: "The asker's confirmation",
    Gate.APPROVE: "Approval",
}


@dataclass(frozen=True)
class Sheet:
    """A form as it is filled at first: the policy that it shows and which version that is.

    `handles` are the names of user groups by their ids, as far as they are known.
    """

    part: Part
    policy: Policy
    version: int
    handles: Mapping[str, str]


def form(sheet: Sheet, notice: Sequence[Block] = ()) -> Block:
    """One part of the policy to fill in; below `notice`, if there is anything to say first."""
    return {
        "type": "modal",
        "callback_id": f"{POLICY}{sheet.part}",
        "private_metadata": json.dumps({"version": sheet.version}),
        "title": plain(_TITLES[sheet.part]),
        "submit": plain("Save"),
        "close": plain("Cancel"),
        "blocks": [*notice, *_fields(sheet)],
    }


def version_of(metadata: str) -> int | None:
    """The version that a form shows, from its metadata, which Slack gives back as it got it."""
    try:
        version = int(json.loads(metadata)["version"])
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    return version if 0 <= version <= _LAST_VERSION else None


def field_of(block_id: str) -> str:
    """The field that a block of a form stands for."""
    return block_id.partition(":")[0]


def block_of(field: str, version: int) -> str:
    """The block of a field.

    It differs from version to version: into a block that was there before, Slack would put what stood in it then.
    """
    return f"{field}:{version}"


def _fields(sheet: Sheet) -> list[Block]:
    match sheet.part:
        case Part.GATES:
            return _gate_fields(sheet)
        case Part.APPROVERS:
            return _approver_fields(sheet)
        case Part.ASKERS:
            return _asker_fields(sheet)


def _gate_fields(sheet: Sheet) -> list[Block]:
    policy = sheet.policy
    counted = "Counted for each person and domain within 24 hours. Empty: however many."
    return [
        _field(sheet, "domains", "Domains need", "", _gate(policy.domains)),
        _field(sheet, "subdomains", "Sub-domains need", "", _gate(policy.subdomains)),
        _field(sheet, "mailboxes", "Mailboxes need", "", _gate(policy.mailboxes)),
        _optional(
            _field(sheet, "threshold", "Approval from how many mailboxes on", counted, _number(policy.threshold))
        ),
    ]


def _approver_fields(sheet: Sheet) -> list[Block]:
    policy = sheet.policy
    everybody = [_option(ADMINS, "Slack's admins and owners"), _option(CONNECTOR, "Whoever connected the key")]
    chosen = [option for option in everybody if getattr(policy, option["value"])]
    own = [_option(OWN, policies.OWN_OPTION)]
    needed = _field(sheet, "needed", "How many approvals", f"1 to {MOST_APPROVALS}.", _number(policy.needed))
    return [
        _optional(_field(sheet, "people", "People", "Each of them may approve.", _users(policy.people))),
        _optional(_field(sheet, "groups", "User groups", "Type to find them.", _groups(policy.groups, sheet))),
        _optional(_field(sheet, ROLES, "Also", "", _boxes(everybody, chosen))),
        needed,
        _optional(_field(sheet, OWN, "Own requests", "", _boxes(own, own if policy.own else []))),
    ]


def _asker_fields(sheet: Sheet) -> list[Block]:
    policy = sheet.policy
    nobody = "Without people and groups every full member may ask."
    expires, remind = (
        f"1 to {LONGEST_HOURS}.",
        f"0 to {LONGEST_HOURS}; 0 for never. Each later one takes twice as long.",
    )
    return [
        _optional(_field(sheet, "askers", "People", nobody, _users(policy.askers))),
        _optional(
            _field(sheet, "asker_groups", "User groups", "Type to find them.", _groups(policy.asker_groups, sheet))
        ),
        _optional(_field(sheet, "channels", "Channels", "Empty: everywhere.", _conversations(policy.channels))),
        _field(
            sheet, "expires_after_hours", "Hours until a request expires", expires, _number(policy.expires_after_hours)
        ),
        _field(
            sheet, "remind_after_hours", "Hours until the first reminder", remind, _number(policy.remind_after_hours)
        ),
    ]


def _field(sheet: Sheet, name: str, label: str, hint: str, element: Block) -> Block:
    return {
        "type": "input",
        "block_id": block_of(name, sheet.version),
        "label": plain(label),
        **({"hint": plain(hint)} if hint else {}),
        "element": {"action_id": VALUE, **element},
    }


def _optional(block: Block) -> Block:
    return {**block, "optional": True}


def _gate(gate: Gate) -> Block:
    options = {each: _option(each, text) for each, text in _GATES.items()}
    return {"type": "static_select", "options": [*options.values()], "initial_option": options[gate]}


def _number(number: int | None) -> Block:
    start = {} if number is None else {"initial_value": str(number)}
    return {"type": "number_input", "is_decimal_allowed": False, **start}


def _users(ids: Sequence[str]) -> Block:
    return _several("multi_users_select", "initial_users", ids)


def _conversations(ids: Sequence[str]) -> Block:
    element = _several("multi_conversations_select", "initial_conversations", ids)
    return {**element, "filter": {"include": ["public", "private"], "exclude_bot_users": True}}


def _groups(ids: Sequence[str], sheet: Sheet) -> Block:
    chosen = [group_option(each, sheet.handles.get(each)) for each in ids]
    element = _several("multi_external_select", "initial_options", chosen)
    return {**element, "action_id": FIND_GROUP, "min_query_length": 0}


def _several(kind: str, initial: str, chosen: Sequence[object]) -> Block:
    return {"type": kind, "max_selected_items": MOST_NAMED, **({initial: list(chosen)} if chosen else {})}


def _boxes(options: Sequence[Block], chosen: Sequence[Block]) -> Block:
    return {"type": "checkboxes", "options": list(options), **({"initial_options": list(chosen)} if chosen else {})}


def group_option(group: str, handle: str | None) -> Block:
    """A user group to choose, by its handle, or by its id where Slack does not say the handle."""
    return _option(group, mrkdwn.cut(f"@{handle}" if handle else group, _LONGEST_OPTION))


def _option(value: str, text: str) -> Block:
    return {"text": plain(text), "value": value}


# What may be wrong in a form, at its field.

NO_GATE = "Choose what it needs."
NO_THRESHOLD = f"Type a whole number from 1 to {MOST_THRESHOLD:,}, or nothing for no approval by number."
NOBODY_APPROVES = (
    "Nobody could approve anything then. Name somebody, tick a box, or change the gates first so that nothing needs "
    "approval."
)
NOBODY_TO_APPROVE = f"Nobody may approve at present. Name approvers first, with “{policies.BUTTONS[Part.APPROVERS]}”."
NOT_OFFERED = "Choose again, from what is offered."
TOO_MANY = f"Choose up to {MOST_NAMED}."


def no_members(names: Sequence[str]) -> str:
    """Somebody who can never do what the field is for."""
    who = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"Choose full members alone. These are guests, of another organisation, or gone: {who}."


def no_number(least: int, most: int) -> str:
    """Something that is not a whole number within bounds."""
    return f"Type a whole number from {least} to {most:,}."


def too_few(most: int) -> str:
    """More approvals than people who could give them."""
    people = "1 person" if most == 1 else f"{most} people"
    return f"Only {people} may approve, so this many approvals can never come. Ask for {most}, or name more approvers."


def too_few_approvers(needed: int, most: int) -> str:
    """The same, where it is not the number that is being changed."""
    people = "1 person" if most == 1 else f"{most} people"
    first = policies.BUTTONS[Part.APPROVERS]
    return f"{needed} approvals are needed, and only {people} may approve. Change that first, with “{first}”."


def late_reminder(expires: int) -> str:
    """A reminder of what has expired by then."""
    return f"A request has expired by then. Type less than {expires}, or 0 for never."


# What came of a form.


def saved(before: Policy, after: Policy) -> Block:
    """What was changed, or that nothing was."""
    lines = policies.changes(before, after)
    if not lines:
        return _told([section("Nothing was changed.")])
    small_print = context("Those who may approve hear of it", "`/mail policy` shows the whole of it")
    return _told([section("*Saved.*"), *sections([f"• {line}" for line in lines]), small_print])


def refused(text: str) -> Block:
    """Nothing was changed, since the person may not."""
    return _told([section(text)])


def overtaken(sheet: Sheet, by: str, at: datetime, meanwhile: Sequence[str]) -> Block:
    """The form again, since somebody else has saved; `meanwhile` is what that changed."""
    lead = (
        f"*Not saved yet.* {mrkdwn.person(by)} changed the policy {mrkdwn.moment(at)}, while you had this open. "
        "What you entered stands in the form again; everything else is as it is now. Look at both, then save again."
    )
    return form(sheet, [section(lead), *sections([f"• {line}" for line in meanwhile])])


def _told(blocks: list[Block]) -> Block:
    return {"type": "modal", "title": plain("Policy"), "close": plain("Close"), "blocks": blocks}
