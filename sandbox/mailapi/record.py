import time
from collections import deque
from typing import Any

from pydantic import BaseModel, ConfigDict

_MOST_READS = 20_000
"""Reads are kept up to this number: a benchmark polls for hours."""


class RecordedRequest(BaseModel):
    """One request as it came in.

    `at` is when, in seconds since 1970; `parameters` is the JSON body or the query, with the key masked; `status` is
    what the client was shown, `None` if nothing; `applied` says whether the provider did what was asked, whatever the
    client was shown.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    at: float
    endpoint: str
    parameters: dict[str, Any]
    status: int | None
    applied: bool


class Record:
    """The requests to the eight endpoints since the start: all creates, and the latest reads."""

    def __init__(self) -> None:
        self._number = 0
        self._creates: list[RecordedRequest] = []
        self._reads: deque[RecordedRequest] = deque(maxlen=_MOST_READS)

    def add(self, endpoint: str, parameters: dict[str, Any], *, status: int | None, applied: bool) -> None:
        """Write a request down, before its answer is sent."""
        self._number += 1
        request = RecordedRequest(
            number=self._number,
            at=time.time(),
            endpoint=endpoint,
            parameters=_masked(parameters),
            status=status,
            applied=applied,
        )
        (self._creates if endpoint.startswith("create_") else self._reads).append(request)

    def all(self) -> list[RecordedRequest]:
        """In the order in which they were carried out."""
        return sorted([*self._creates, *self._reads], key=lambda request: request.number)

    def creates(self) -> list[RecordedRequest]:
        """Those creates that were applied."""
        return [request for request in self._creates if request.applied]

    def clear(self) -> None:
        """Forget them."""
        self._creates.clear()
        self._reads.clear()


def _masked(parameters: dict[str, Any]) -> dict[str, Any]:
    """The first four characters of the key are enough to tell accounts apart."""
    key = parameters.get("key")
    return parameters if key is None else {**parameters, "key": f"{str(key)[:4]}…"}
