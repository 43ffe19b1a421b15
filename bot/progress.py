"""How far a request is: what became of each name that it asks for."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bot.findings import Findings
from bot.operation import Operation
from bot.policy import Ruling
from storage.states import CallState, RequestState
from storage.tables import Call, Request

HASH_LENGTH = 16


class Why(StrEnum):
    """Why a name was not made, where MailAPI's own words do not say it."""

    EXISTED = "existed"
    ASKED_FOR = "asked for"
    NO_REASON = "no reason"
    FORGOTTEN = "forgotten"


@dataclass(frozen=True)
class Outcome:
    """What became of one name: made (`ok`), not made, or still to come (`None`); `word` is what MailAPI says of it."""

    ok: bool | None
    word: str
    why: Why | None = None


PENDING = Outcome(ok=None, word="")


@dataclass(frozen=True)
class Differences:
    """In what a plan got worse than the one before it."""

    appeared: tuple[str, ...] = ()
    """Names that will not be made, since they exist now or another request makes them."""
    gone: tuple[str, ...] = ()
    """Names that will be made, since they no longer exist."""
    unready: str | None = None
    """The status of a domain that was ready."""
    exceeds: int = 0
    """By how many MB the quotas are too much now, where they were not."""
    stricter: bool = False
    """Whether it needs approval, which a confirmation is not."""

    @classmethod
    def read(cls, stored: dict[str, Any]) -> "Differences":
        """As they were stored with a plan."""
        names = {name: tuple(stored.get(name, ())) for name in ("appeared", "gone")}
        return cls(**{**stored, **names})

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self != Differences()


@dataclass(frozen=True)
class Plan:
    """What a look at MailAPI said before anything was sent."""

    existing: Mapping[str, str] = field(default_factory=dict)
    """The names that were there, each with its status as MailAPI words it."""
    in_flight: tuple[str, ...] = ()
    failure: str | None = None
    unplanned: str | None = None
    """Why there is no plan yet, where that takes long: what the root message says meanwhile."""
    findings: Findings = field(default_factory=Findings)
    ruling: Ruling | None = None
    """What the policy said when this was planned; `None` before that."""
    changes: Differences = field(default_factory=Differences)
    """In what it is worse than the plan that was agreed to before it."""
    made: tuple[str, ...] | None = None
    """Once the calls were pruned: the names that were made, where the request's state does not tell it of all."""

    @classmethod
    def of(cls, request: Request) -> "Plan":
        """The plan as it was stored, or an empty one; raises `ValueError` where it cannot be read."""
        stored = request.plan or {}
        try:
            return cls(
                dict(stored.get("existing", {})),
                tuple(stored.get("in_flight", ())),
                stored.get("failure"),
                stored.get("unplanned"),
                Findings.read(stored.get("findings") or {}),
                Ruling.read(stored["ruling"]) if stored.get("ruling") else None,
                Differences.read(stored.get("changes") or {}),
                tuple(stored["made"]) if stored.get("made") is not None else None,
            )
        except (AttributeError, LookupError, TypeError):
            raise ValueError("no plan") from None

    def stored(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "existing": dict(self.existing),
            "in_flight": list(self.in_flight),
            "failure": self.failure,
            "unplanned": self.unplanned,
            "findings": self.findings.stored(),
            "ruling": self.ruling.stored() if self.ruling else None,
            "changes": asdict(self.changes) if self.changes else None,
            "made": list(self.made) if self.made is not None else None,
        }

    @property
    def taken(self) -> frozenset[str]:
        """The names that are not made: they exist, or another request makes them."""
        return frozenset((*self.existing, *self.in_flight))

    def hash(self, operation: Operation) -> str:
        """What somebody agrees to, in short: the parameters, the names, what exists, the verdicts and the gate.

        Numbers that drift by themselves, such as quotas in use, are no part of it.
        """
        agreed = {
            "kind": operation.kind,
            "parameters": operation.parameters(),
            "names": operation.names(),
            "taken": sorted(self.taken),
            "verdicts": self.findings.verdicts,
            "ruling": (self.ruling.gate, self.ruling.needed, self.ruling.own) if self.ruling else None,
        }
        return hashlib.sha256(json.dumps(agreed, sort_keys=True).encode()).hexdigest()[:HASH_LENGTH]


def differences(before: Plan, now: Plan) -> Differences:
    """What somebody who agreed to the plan `before` has not agreed to; that a window closed is none of it."""
    unready = bool(before.findings.ready) and not now.findings.ready
    return Differences(
        appeared=tuple(sorted(now.taken - before.taken)),
        gone=tuple(sorted(before.taken - now.taken)),
        unready=(now.findings.status or "") if unready else None,
        exceeds=0 if before.findings.exceeds else now.findings.exceeds,
        stricter=bool(before.ruling and now.ruling and now.ruling.stricter_than(before.ruling)),
    )


@dataclass(frozen=True)
class Progress:
    """A request, its operation, and the outcome of each of its names, in order."""

    request: Request
    operation: Operation
    calls: Sequence[Call]
    plan: Plan
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request, operation: Operation, calls: Sequence[Call]) -> "Progress":
        """Put together what the rows say; raises `ValueError` where one of them cannot be read."""
        plan = Plan.of(request)
        known = _forgotten(request, operation, plan) if plan.made is not None else {}
        known |= _known(plan)
        for call in calls:
            try:
                known.update(_of_call(call))
            except (AttributeError, LookupError, TypeError):
                raise ValueError("no outcome") from None
        missing = Outcome(ok=False, word=plan.failure) if plan.failure else PENDING
        return cls(request, operation, calls, plan, {name: known.get(name, missing) for name in operation.names()})

    @property
    def made(self) -> int:
        """How many names are made."""
        return sum(outcome.ok is True for outcome in self.outcomes.values())

    @property
    def settled(self) -> int:
        """How many names have an end, good or bad."""
        return sum(outcome.ok is not None for outcome in self.outcomes.values())

    @property
    def total(self) -> int:
        """How many names were asked for."""
        return len(self.outcomes)

    @property
    def end(self) -> RequestState:
        """How the request ends, once all its calls have."""
        if self.made == self.total:
            return RequestState.DONE
        return RequestState.PARTLY_DONE if self.made else RequestState.FAILED

    def failures(self) -> Iterator[tuple[str, Outcome]]:
        """The names that were not made, and what became of them."""
        return ((name, outcome) for name, outcome in self.outcomes.items() if outcome.ok is False)


@dataclass(frozen=True)
class Unread:
    """A request whose rows cannot be read."""

    request: Request


def _forgotten(request: Request, operation: Operation, plan: Plan) -> dict[str, Outcome]:
    """What is left to be said where the calls were pruned."""
    made = operation.names() if request.state is RequestState.DONE else plan.made or ()
    not_made = Outcome(ok=False, word="", why=Why.FORGOTTEN)
    return dict.fromkeys(operation.names(), not_made) | dict.fromkeys(made, Outcome(ok=True, word=""))


def _known(plan: Plan) -> dict[str, Outcome]:
    existed = {name: Outcome(ok=False, word=word, why=Why.EXISTED) for name, word in plan.existing.items()}
    return existed | {name: Outcome(ok=False, word="", why=Why.ASKED_FOR) for name in plan.in_flight}


def _of_call(call: Call) -> dict[str, Outcome]:
    """What one call says of its names; one that was replaced leaves them to the calls after it."""
    told = {name: Outcome(ok=result["ok"], word=result["word"]) for name, result in (call.results or {}).items()}
    ended_badly = call.state in (CallState.FAILED, CallState.SET_ASIDE)
    # A cancelled call with a reason has none that took its place.
    if ended_badly or (call.state is CallState.CANCELLED and call.reason):
        failed = Outcome(ok=False, word=call.reason or "", why=None if call.reason else Why.NO_REASON)
        return dict.fromkeys(call.names or (), failed) | told
    return told
