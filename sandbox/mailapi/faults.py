"""What may go wrong between the provider and its client, on demand."""

from dataclasses import dataclass
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

EndpointName = Literal[
    "list_domain",
    "create_domain",
    "create_subdomain",
    "create_mailbox_single",
    "create_mailbox_bulk",
    "list_mailbox",
    "get_mailbox_single",
    "get_mailbox_bulk",
]
ENDPOINT_NAMES: tuple[EndpointName, ...] = get_args(EndpointName)

FaultKind = Literal[
    "latency", "status", "html", "malformed", "empty", "reset_before", "reset_after", "drop", "rate_limited"
]

_APPLIED = frozenset({"latency", "malformed", "empty", "reset_after", "drop"})


class Fault(BaseModel):
    """A fault of the next `times` requests to an endpoint; `times` of `None` is until it is cleared.

    - `latency`: applied, answered after `seconds`.
    - `status`: not applied; the error contract under `status` (500) with `reason`. A `status` of 200 is allowed.
    - `html`: not applied; a proxy's page under `status` (502).
    - `malformed`, `empty`: applied; answered with half a JSON document, or with no body, under `status` (200).
    - `reset_before`, `reset_after`: not applied, or applied; then the connection is reset.
    - `drop`: applied; no answer ever, the connection stays open until the client gives up.
    - `rate_limited`: not applied; 429, with `Retry-After` if `retry_after` is given.

    Except for `latency`, `applied` says otherwise whether the request is carried out; `seconds` delays any kind.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: EndpointName | Literal["any"]
    kind: FaultKind
    times: int | None = Field(default=1, ge=1)
    seconds: float = Field(default=0.0, ge=0)
    status: int | None = Field(default=None, ge=200, le=599)
    reason: str = "Internal server error."
    retry_after: int | None = None
    applied: bool | None = None

    def applies_request(self) -> bool:
        """Whether the request is carried out although its client does not hear of it."""
        if self.kind == "latency" or self.applied is None:
            return self.kind in _APPLIED
        return self.applied

    def concerns(self, endpoint: EndpointName) -> bool:
        """Whether requests to the endpoint meet this fault."""
        return self.endpoint in ("any", endpoint)


@dataclass
class _Armed:
    fault: Fault
    left: float


class Faults:
    """The faults still to come, met in the order in which they were set."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        """Let it happen."""
        self._armed.append(_Armed(fault, float("inf") if fault.times is None else fault.times))

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self._armed.clear()

    def take(self, endpoint: EndpointName) -> Fault | None:
        """The fault that a request to the endpoint meets now, which is thereby used up once."""
        armed = next((armed for armed in self._armed if armed.fault.concerns(endpoint)), None)
        if armed is None:
            return None
        armed.left -= 1
        if armed.left <= 0:
            self._armed.remove(armed)
        return armed.fault
