"""What goes wrong on demand."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

FaultKind = Literal["ratelimited", "drop_before", "drop_after", "error", "status", "latency"]
KINDS: tuple[str, ...] = get_args(FaultKind)


@dataclass(kw_only=True)
class Fault:
    """Spoils the next `times` calls of `method` whose arguments hold `where`, after letting `skip` pass.

    With `place` only those of the installation in that team or organisation.
    """

    method: str
    kind: FaultKind
    times: int = 1
    skip: int = 0
    where: dict[str, Any] = field(default_factory=dict)
    place: str | None = None
    retry_after: int = 1
    error: str = "internal_error"
    status: int = 503
    seconds: float = 0.0
    applied: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault {self.kind!r}; there are {', '.join(KINDS)}.")

    def fits(self, method: str, arguments: dict[str, Any], place: str | None) -> bool:
        """Whether this call is one that it was asked for."""
        if self.place not in (None, place):
            return False
        return self.method in (method, "*") and all(arguments.get(name) == value for name, value in self.where.items())


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """An envelope that comes `times` times: all `at_once`, or each after the answer to the one before."""

    times: int = 2
    at_once: bool = False


class Faults:
    """The faults that are still to come, first asked for first; and which envelopes come more than once."""

    def __init__(self) -> None:
        self._coming: list[Fault] = []
        self.repeats: dict[str, list[Repeats]] = {}

    def add(self, fault: Fault) -> None:
        """Arm `fault`."""
        self._coming.append(fault)

    def take(self, method: str, arguments: dict[str, Any], place: str | None = None) -> Fault | None:
        """The fault for this call, counted down; `None` for a call that goes well."""
        for fault in self._coming:
            if fault.fits(method, arguments, place):
                return self._count_down(fault)
        return None

    def take_repeats(self, kind: str) -> Repeats:
        """How often the next envelope of `kind` comes."""
        asked = self.repeats.get(kind)
        return asked.pop(0) if asked else Repeats(times=1)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._coming.clear()
        self.repeats.clear()

    def _count_down(self, fault: Fault) -> Fault | None:
        if fault.skip > 0:
            fault.skip -= 1
            return None
        fault.times -= 1
        if fault.times <= 0:
            self._coming.remove(fault)
        return fault
