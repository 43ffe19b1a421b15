"""A workspace's policy: what needs whose approval, and who may ask; and what it says of one request."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

MOST_NAMED = 100
"""How many people, groups or channels a list of the policy may have: Slack's selects take 100."""
LONGEST_ID = 32
"""Longer than any id of Slack's."""
MOST_APPROVALS = 10
LONGEST_HOURS = 24 * 14
COUNTED_WITHIN = timedelta(hours=24)
"""Within this time mailboxes of one person on one domain are counted together."""

Ids = Annotated[tuple[Annotated[str, Field(max_length=LONGEST_ID)], ...], Field(max_length=MOST_NAMED)]


class Gate(StrEnum):
    """What a request has to pass before anything is sent."""

    NONE = "none"
    CONFIRM = "confirm"
    """The asker has to say yes to the plan."""
    APPROVE = "approve"
    """Approvers have to."""


_STRICTNESS = tuple(Gate)


class Subject(StrEnum):
    """What a request is about, as far as the policy tells them apart."""

    DOMAINS = "domains"
    SUBDOMAINS = "subdomains"
    MAILBOXES = "mailboxes"


class Part(StrEnum):
    """What one form of the policy changes."""

    GATES = "gates"
    APPROVERS = "approvers"
    ASKERS = "askers"


PARTS: Mapping[Part, tuple[str, ...]] = {
    Part.GATES: ("domains", "subdomains", "mailboxes", "threshold"),
    Part.APPROVERS: ("people", "groups", "admins", "connector", "needed", "own"),
    Part.ASKERS: ("askers", "asker_groups", "channels", "expires_after_hours", "remind_after_hours"),
}
"""The fields of the policy that each form changes."""
MOST_THRESHOLD = 1_000_000


class Policy(BaseModel):
    """What a workspace has laid down; the defaults are in force until somebody changes them.

    From `threshold` mailboxes on (`None`: however many) a person's mailboxes on one domain within 24 hours need
    approval. No `askers` and no `asker_groups` is everybody, no `channels` is everywhere.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    domains: Gate = Gate.APPROVE
    subdomains: Gate = Gate.APPROVE
    mailboxes: Gate = Gate.NONE
    threshold: Annotated[int, Field(ge=1, le=MOST_THRESHOLD)] | None = 11
    people: Ids = ()
    groups: Ids = ()
    admins: bool = True
    connector: bool = True
    """Whether whoever connected the key in force may approve."""
    needed: Annotated[int, Field(ge=1, le=MOST_APPROVALS)] = 1
    own: bool = False
    askers: Ids = ()
    asker_groups: Ids = ()
    channels: Ids = ()
    expires_after_hours: Annotated[int, Field(ge=1, le=LONGEST_HOURS)] = 24
    remind_after_hours: Annotated[int, Field(ge=0, le=LONGEST_HOURS)] = 4
    """When approvers are reminded first, each later reminder after twice the time; 0 for never."""

    @classmethod
    def read(cls, rules: dict[str, Any] | None) -> Self:
        """As it was stored; `None` where nobody has changed it yet."""
        return cls.model_validate(rules or {})

    def stored(self) -> dict[str, Any]:
        """As it is stored."""
        return self.model_dump(mode="json")

    @property
    def limits_askers(self) -> bool:
        """Whether only some may ask."""
        return bool(self.askers or self.asker_groups)

    @property
    def asks_approval(self) -> bool:
        """Whether anything at all may need approval."""
        return Gate.APPROVE in (self.domains, self.subdomains, self.mailboxes) or self.threshold is not None

    def most_approvers(self, connected_by: str | None) -> int | None:
        """How many people could approve; `None` where Slack alone knows, which has the groups and the admins."""
        if self.groups or self.admins:
            return None
        return len({*self.people, *([connected_by] if self.connector else [])})

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """The same with some fields changed; raises `ValidationError` where one of them cannot be."""
        return type(self)(**{**dict(self), **values})

    def differing(self, other: "Policy") -> tuple[str, ...]:
        """The fields in which another policy says something else."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) != getattr(other, name))

    def gate_of(self, subject: Subject) -> Gate:
        """What every request of this subject has to pass, whatever its size."""
        return {Subject.DOMAINS: self.domains, Subject.SUBDOMAINS: self.subdomains, Subject.MAILBOXES: self.mailboxes}[
            subject
        ]


@dataclass(frozen=True)
class Ruling:
    """What the policy says of one request.

    `counted` are the person's mailboxes on the domain within 24 hours, these included, where their number (and
    `threshold`) is why approval is needed.
    """

    gate: Gate
    needed: int = 1
    own: bool = False
    counted: int | None = None
    threshold: int | None = None

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Self:
        """As it was stored with a plan."""
        return cls(**{**stored, "gate": Gate(stored["gate"])})

    def stored(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    def stricter_than(self, other: "Ruling") -> bool:
        """Whether its gate asks for more."""
        return _STRICTNESS.index(self.gate) > _STRICTNESS.index(other.gate)

    def at_least(self, today: "Ruling") -> "Ruling":
        """The stricter of both in each respect: what was planned, and what today's policy says."""
        gate = max(self.gate, today.gate, key=_STRICTNESS.index)
        why = self if gate is self.gate else today
        return replace(why, gate=gate, needed=max(self.needed, today.needed), own=self.own and today.own)


def ruling(policy: Policy, subject: Subject, size: int, *, earlier: int) -> Ruling:
    """What the policy says of a request for `size` names.

    `earlier` mailboxes the same person got, or is getting, on the same domain within 24 hours without approval.
    """
    gate, counted = policy.gate_of(subject), earlier + size
    plain = Ruling(gate, policy.needed, policy.own)
    by_number = subject is Subject.MAILBOXES and policy.threshold is not None and counted >= policy.threshold
    if by_number and gate is not Gate.APPROVE:
        return replace(plain, gate=Gate.APPROVE, counted=counted, threshold=policy.threshold)
    return plain
