"""From what somebody filled into a form of the policy to the policy that he means, or to what is wrong with it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.policy import LONGEST_HOURS, LONGEST_ID, MOST_APPROVALS, MOST_NAMED, MOST_THRESHOLD, PARTS, Gate, Part, Policy
from bot.texts import policy_forms, refusals

Filled = Mapping[str, Sequence[str]]
"""What stands in each field: a text, an option or several, or nothing."""
Wrong = Mapping[str, str]
"""What is wrong, by field."""


def drafted(part: Part, filled: Filled, before: Policy, *, connected_by: str | None) -> Policy | Wrong:
    """The policy `before` with one part as it was filled in, or what is wrong or does not go together, by field."""
    reading = _Reading(filled)
    values = reading.values(part)
    if reading.wrong:
        return reading.wrong
    draft = before.with_values(values)
    return _conflict(part, draft, connected_by) or draft


def merged(part: Part, draft: Policy, seen: Policy, newest: Policy) -> Policy:
    """What somebody changed in `draft` against what he saw, put into what is in force by now."""
    changed = [name for name in seen.differing(draft) if name in PARTS[part]]
    return newest.with_values({name: getattr(draft, name) for name in changed})


class _Reading:
    """Reads the fields of a form, and collects what is wrong with them."""

    def __init__(self, filled: Filled) -> None:
        self._filled = filled
        self.wrong: dict[str, str] = {}

    def values(self, part: Part) -> dict[str, Any]:
        """The fields of the policy that this part is for; those that are wrong have any value."""
        match part:
            case Part.GATES:
                return self._gates()
            case Part.APPROVERS:
                return self._approvers()
            case Part.ASKERS:
                return self._askers()

    def _gates(self) -> dict[str, Any]:
        gates = {name: self._gate(name) for name in ("domains", "subdomains", "mailboxes")}
        return {**gates, "threshold": self._threshold()}

    def _approvers(self) -> dict[str, Any]:
        roles = self._filled.get(policy_forms.ROLES, ())
        return {
            "people": self._several("people"),
            "groups": self._several("groups"),
            "admins": policy_forms.ADMINS in roles,
            "connector": policy_forms.CONNECTOR in roles,
            "needed": self._number("needed", 1, MOST_APPROVALS),
            "own": policy_forms.OWN in self._filled.get(policy_forms.OWN, ()),
        }

    def _askers(self) -> dict[str, Any]:
        return {
            **{name: self._several(name) for name in ("askers", "asker_groups", "channels")},
            "expires_after_hours": self._number("expires_after_hours", 1, LONGEST_HOURS),
            "remind_after_hours": self._number("remind_after_hours", 0, LONGEST_HOURS),
        }

    def _gate(self, name: str) -> Gate:
        text = self._text(name)
        if text in tuple(Gate):
            return Gate(text)
        self.wrong[name] = policy_forms.NO_GATE
        return Gate.APPROVE

    def _threshold(self) -> int | None:
        text = self._text("threshold")
        number = _whole(text, 1, MOST_THRESHOLD)
        if text and number is None:
            self.wrong["threshold"] = policy_forms.NO_THRESHOLD
        return number

    def _number(self, name: str, least: int, most: int) -> int:
        text = self._text(name)
        number = _whole(text, least, most)
        if number is None:
            self.wrong[name] = policy_forms.no_number(least, most) if text else refusals.FILL_IN
        return least if number is None else number

    def _several(self, name: str) -> tuple[str, ...]:
        chosen = tuple(dict.fromkeys(self._filled.get(name, ())))
        if not all(map(_is_id, chosen)):
            self.wrong[name] = policy_forms.NOT_OFFERED
        elif len(chosen) > MOST_NAMED:
            self.wrong[name] = policy_forms.TOO_MANY
        return chosen[:MOST_NAMED]

    def _text(self, name: str) -> str:
        return next(iter(self._filled.get(name, ())), "").strip()


def _is_id(text: str) -> bool:
    """Whether it can be one of Slack's ids; a mention made of anything else might mention something else."""
    return len(text) <= LONGEST_ID and re.fullmatch("[A-Z0-9]+", text) is not None


def _whole(text: str, least: int, most: int) -> int | None:
    """A whole number within bounds, as people type it: also `1,000` and `11.0`, which a number field gives for 11."""
    match = re.fullmatch(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9})(?:\.0+)?", text)
    number = int(match[1].replace(",", "")) if match else None
    return number if number is not None and least <= number <= most else None


def _conflict(part: Part, draft: Policy, connected_by: str | None) -> dict[str, str]:
    """What does not go together, at the field of this form that can mend it."""
    match part:
        case Part.GATES:
            return _too_strict(draft, connected_by)
        case Part.APPROVERS:
            return _too_few(draft, connected_by)
        case Part.ASKERS if draft.remind_after_hours >= draft.expires_after_hours:
            return {"remind_after_hours": policy_forms.late_reminder(draft.expires_after_hours)}
        case Part.ASKERS:
            return {}


def _too_strict(draft: Policy, connected_by: str | None) -> dict[str, str]:
    most = draft.most_approvers(connected_by)
    if not draft.asks_approval or most is None or draft.needed <= most:
        return {}
    gates = [name for name in ("domains", "subdomains", "mailboxes") if getattr(draft, name) is Gate.APPROVE]
    why = policy_forms.too_few_approvers(draft.needed, most) if most else policy_forms.NOBODY_TO_APPROVE
    return {[*gates, "threshold"][0]: why}


def _too_few(draft: Policy, connected_by: str | None) -> dict[str, str]:
    most = draft.most_approvers(connected_by)
    if not draft.asks_approval or most is None or draft.needed <= most:
        return {}
    return {"needed": policy_forms.too_few(most)} if most else {"people": policy_forms.NOBODY_APPROVES}
