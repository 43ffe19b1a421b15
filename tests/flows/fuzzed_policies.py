"""Forms of the policy as an admin might submit them, also such as would be taken if nobody had saved meanwhile."""

import json
from typing import Any

from hypothesis import strategies as st

from bot.policy import PARTS, Gate, Part
from bot.texts import policy_forms
from sandbox.slack import BEN, MAIL
from sandbox.slack.identity import ANA, GUS
from tests.flows.junk import JUNK, NO_DOTS

IN_FORCE = 1
"""The version that the policy has: none of these forms shows it, so that whatever stands in one, nothing is saved."""


def _metadata(version: int | None) -> st.SearchStrategy[str]:
    """What a form carries that shows this version, or, for `None`, one that never was or nothing that can be read."""
    if version is not None:
        return st.just(json.dumps({"version": version}))
    wrong = st.fixed_dictionaries({"version": st.integers() | JUNK}).map(json.dumps) | NO_DOTS
    return wrong.filter(lambda metadata: policy_forms.version_of(metadata) != IN_FORCE)


VERSION = st.sampled_from([0, 0, 0, 0, 2, None]).flatmap(_metadata)

_ID = st.sampled_from([ANA, BEN, GUS, MAIL, "", "x" * 32, "x" * 33]) | NO_DOTS
_TOO_MANY = [f"U{number}" for number in range(101)]
_IDS = st.sampled_from([0, 0, 1, 1, 1, 2, 3, 101]).flatmap(
    lambda size: st.just(_TOO_MANY) if size == len(_TOO_MANY) else st.lists(_ID, min_size=size, max_size=size)
)
_GATES = st.sampled_from([*Gate, *Gate, *Gate, "", "unheard"]) | NO_DOTS
_NUMBERS = st.sampled_from(
    ["1", "1", "1", "2", "10", "10", "11.0", "336", "1,000", "0", "-1", "1e5", "9" * 40, "much", "٣", "", None]
)
_CHOICES = st.lists(st.sampled_from([policy_forms.ADMINS, policy_forms.CONNECTOR, policy_forms.OWN, "unheard"]))


def _options(values: list[str]) -> list[dict[str, str]]:
    return [{"value": value} for value in values]


def _state(field: str) -> st.SearchStrategy[dict[str, Any]]:
    """What Slack says of a field, each kind under a name of its own."""
    match field:
        case "domains" | "subdomains" | "mailboxes":
            return _GATES.map(lambda gate: {"type": "static_select", "selected_option": {"value": gate}})
        case "people" | "askers":
            return _IDS.map(lambda ids: {"type": "multi_users_select", "selected_users": ids})
        case "channels":
            return _IDS.map(lambda ids: {"type": "multi_conversations_select", "selected_conversations": ids})
        case "groups" | "asker_groups":
            return _IDS.map(lambda ids: {"type": "multi_external_select", "selected_options": _options(ids)})
        case policy_forms.ROLES | policy_forms.OWN:
            return _CHOICES.map(lambda chosen: {"type": "checkboxes", "selected_options": _options(chosen)})
        case _:
            return _NUMBERS.map(lambda number: {"type": "number_input", "value": number})


def filled_forms() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    """Which part a form says that it is, mostly the one whose fields it has, and these."""
    return st.sampled_from(Part).flatmap(
        lambda part: st.tuples(st.sampled_from([part, part, part, *Part, "unheard"]), _fields_of(part))
    )


def _fields_of(part: Part) -> st.SearchStrategy[dict[str, Any]]:
    roles = {"admins", "connector"}
    fields = [policy_forms.ROLES if name in roles else name for name in PARTS[part]]
    return st.fixed_dictionaries({policy_forms.block_of(field, 0): _state(field) for field in fields})
