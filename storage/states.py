"""The states of requests, calls, notices, connections and installations, and the arrows between them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class RequestState(StrEnum):
    """Where a request stands on its way from a command to its completion."""

    PLANNING = "planning"
    AWAITING_DECISION = "awaiting_decision"
    APPROVED = "approved"
    RUNNING = "running"
    DONE = "done"
    PARTLY_DONE = "partly_done"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class CallState(StrEnum):
    """Where one create call to MailAPI stands."""

    QUEUED = "queued"
    WAITING = "waiting"
    SENDING = "sending"
    ACCEPTED = "accepted"
    UNKNOWN = "unknown"
    STALLED = "stalled"
    DONE = "done"
    PARTLY_DONE = "partly_done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ABANDONED = "abandoned"
    SET_ASIDE = "set_aside"


class NoticeState(StrEnum):
    """Where a Slack message that is owed stands."""

    OWED = "owed"
    SENDING = "sending"
    TOLD = "told"
    UNKNOWN = "unknown"
    DROPPED = "dropped"


class ConnectionState(StrEnum):
    """Where a workspace's MailAPI key stands."""

    CHECKING = "checking"
    IN_FORCE = "in_force"
    REPLACED = "replaced"
    REFUSED = "refused"
    ERASED = "erased"


class InstallationState(StrEnum):
    """Whether a workspace has the bot, or had it."""

    INSTALLED = "installed"
    UNINSTALLED = "uninstalled"


class PolicyState(StrEnum):
    """Whether a change of the policy was told to those whom it concerns."""

    UNTOLD = "untold"
    TOLD = "told"


_R, _C, _N, _K = RequestState, CallState, NoticeState, ConnectionState

REQUEST_ARROWS: Mapping[RequestState, frozenset[RequestState]] = {
    _R.PLANNING: frozenset({_R.AWAITING_DECISION, _R.APPROVED, _R.REJECTED, _R.EXPIRED, _R.CANCELLED}),
    _R.AWAITING_DECISION: frozenset({_R.APPROVED, _R.REJECTED, _R.EXPIRED, _R.CANCELLED}),
    _R.APPROVED: frozenset({_R.RUNNING, _R.AWAITING_DECISION}),
    _R.RUNNING: frozenset({_R.DONE, _R.PARTLY_DONE, _R.FAILED}),
    _R.DONE: frozenset(),
    _R.PARTLY_DONE: frozenset(),
    _R.FAILED: frozenset(),
    _R.REJECTED: frozenset(),
    _R.EXPIRED: frozenset(),
    _R.CANCELLED: frozenset(),
}
"""What may follow each state of a request; a state without an arrow out of it is an end."""

CALL_ARROWS: Mapping[CallState, frozenset[CallState]] = {
    _C.QUEUED: frozenset({_C.SENDING, _C.WAITING, _C.CANCELLED, _C.SET_ASIDE}),
    _C.WAITING: frozenset({_C.QUEUED, _C.CANCELLED, _C.SET_ASIDE}),
    _C.SENDING: frozenset({_C.ACCEPTED, _C.QUEUED, _C.FAILED, _C.UNKNOWN, _C.SET_ASIDE}),
    _C.ACCEPTED: frozenset({_C.DONE, _C.PARTLY_DONE, _C.FAILED, _C.STALLED, _C.SET_ASIDE}),
    _C.UNKNOWN: frozenset({_C.ACCEPTED, _C.DONE, _C.FAILED, _C.QUEUED, _C.ABANDONED, _C.SET_ASIDE}),
    _C.STALLED: frozenset({_C.ACCEPTED, _C.SET_ASIDE}),
    _C.DONE: frozenset(),
    _C.PARTLY_DONE: frozenset(),
    _C.FAILED: frozenset(),
    _C.CANCELLED: frozenset(),
    _C.ABANDONED: frozenset(),
    _C.SET_ASIDE: frozenset(),
}
"""What may follow each state of a call."""

NOTICE_ARROWS: Mapping[NoticeState, frozenset[NoticeState]] = {
    _N.OWED: frozenset({_N.SENDING}),
    _N.SENDING: frozenset({_N.TOLD, _N.OWED, _N.UNKNOWN}),
    _N.UNKNOWN: frozenset({_N.TOLD, _N.OWED, _N.DROPPED}),
    _N.TOLD: frozenset(),
    _N.DROPPED: frozenset(),
}
"""What may follow each state of a notice."""

CONNECTION_ARROWS: Mapping[ConnectionState, frozenset[ConnectionState]] = {
    _K.CHECKING: frozenset({_K.IN_FORCE, _K.REFUSED}),
    _K.IN_FORCE: frozenset({_K.REPLACED}),
    _K.REPLACED: frozenset({_K.ERASED}),
    _K.REFUSED: frozenset(),
    _K.ERASED: frozenset(),
}
"""What may follow each state of a connection."""

POLICY_ARROWS: Mapping[PolicyState, frozenset[PolicyState]] = {
    PolicyState.UNTOLD: frozenset({PolicyState.TOLD}),
    PolicyState.TOLD: frozenset(),
}
"""What may follow each state of a policy's version."""

State = TypeVar("State", RequestState, CallState, NoticeState, ConnectionState, PolicyState)


def ends(arrows: Mapping[State, frozenset[State]]) -> frozenset[State]:
    """The states that nothing follows."""
    return frozenset(state for state, following in arrows.items() if not following)


OPEN_REQUESTS: frozenset[RequestState] = frozenset(RequestState) - ends(REQUEST_ARROWS)
"""The states of a request of which something is still to come."""

OPEN_CALLS: frozenset[CallState] = frozenset(CallState) - ends(CALL_ARROWS)
"""The states of a call of which something is still to come."""
