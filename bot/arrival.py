"""When a delivery came, so that it can be told how long Slack has waited for the answer."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Tell = Callable[[float], None]


class Arrival:
    """A delivery on its way: whoever receives it begins it, whoever handles it names it."""

    def __init__(self) -> None:
        self._at = time.perf_counter()
        self._tells: list[Tell] = []

    @contextmanager
    def until_answered(self) -> Iterator[None]:
        """What is handled in this block is this delivery, and its answer is written when the block ends."""
        before = _current.set(self)
        try:
            yield
        finally:
            _current.reset(before)
            seconds = time.perf_counter() - self._at
            for tell in self._tells:
                tell(seconds)


_current: ContextVar[Arrival | None] = ContextVar("arrival", default=None)


def once_answered(tell: Tell) -> None:
    """Have `tell` told how many seconds lie between the arrival of what is being handled and the end of its answer."""
    arrival = _current.get()
    if arrival is not None:
        arrival._tells.append(tell)  # noqa: SLF001 - of this module
