"""How a request is decided: what it has to pass, who may say yes, and who did."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from bot.policy import Gate, Ruling
from storage.decisions import APPROVED, CONFIRMED
from storage.tables import Decision, Request

_BALLOT = re.compile(r"([0-9]{1,18})\.([0-9]{1,9})\.([0-9a-f]{1,64})")


MOST_MENTIONED = 20
"""How many people and groups a card mentions."""


@dataclass(frozen=True)
class Ballot:
    """What a button for a decision stands for: a request, as it was planned and shown when the button was."""

    request: int
    round: int
    hash: str

    @classmethod
    def of(cls, request: Request) -> Self:
        """For a request as it stands."""
        return cls(request.id, request.round, request.plan_hash or "0")

    @classmethod
    def read(cls, value: str) -> Self:
        """As a button carries it; raises `ValueError`."""
        found = _BALLOT.fullmatch(value)
        if found is None:
            raise ValueError("no ballot")
        return cls(int(found[1]), int(found[2]), found[3])

    def __str__(self) -> str:
        """For a button."""
        return f"{self.request}.{self.round}.{self.hash}"


@dataclass(frozen=True)
class Case:
    """What is to be decided about a request, as far as the rows say; `named` and `groups` are whom the policy names."""

    ruling: Ruling = field(default_factory=lambda: Ruling(Gate.NONE))
    decisions: Sequence[Decision] = ()
    named: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    admins: bool = False

    @property
    def yes(self) -> Sequence[Decision]:
        """The approvals, or the asker's confirmation."""
        return [decision for decision in self.decisions if decision.verdict in (APPROVED, CONFIRMED)]

    def on_card(self, asker: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The people and the groups that the card mentions: groups first, since each is many."""
        groups = self.groups[:MOST_MENTIONED]
        return self.callable(asker)[: MOST_MENTIONED - len(groups)], groups

    def callable(self, asker: str) -> tuple[str, ...]:
        """Whom the policy names, without an asker who may not approve his own."""
        return tuple(person for person in self.named if person != asker or self.ruling.own)
