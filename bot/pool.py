"""A bounded number of tasks at a time, which we drain ourselves."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from storage.database import DatabaseUnavailable

log = structlog.get_logger(__name__)


class Pool:
    """Runs coroutines: at most `size` in all, and at most `share` for one workspace, or more while others need less.

    `kept` places are left for those that have not had their share; by default nobody has more than that.
    APScheduler's own shutdown cancels what runs, and a task that nobody references may vanish: hence this.
    """

    def __init__(self, *, size: int, share: int, kept: int | None = None) -> None:
        self._size = size
        self._share = share
        self._kept = size - share if kept is None else kept
        self._running: dict[asyncio.Task[None], str] = {}
        self._of_workspace: Counter[str] = Counter()
        self._closed = False

    @property
    def size(self) -> int:
        """How many there may be in all."""
        return self._size

    @property
    def free(self) -> int:
        """How many more may be started."""
        return 0 if self._closed else self._size - len(self._running)

    @property
    def under_way(self) -> int:
        """How many have not ended."""
        return len(self._running)

    @property
    def busy(self) -> tuple[str, ...]:
        """The workspaces for which nothing more may be started."""
        return tuple(workspace for workspace in self._of_workspace if not self.room(workspace))

    @property
    def most(self) -> int:
        """How many pieces of work may be claimed at a time: so few that there is room for each, whosever it is."""
        there = [self.room(workspace) for workspace in self._of_workspace]
        return min([self.room(""), *(room for room in there if room)])

    def room(self, workspace: str) -> int:
        """How many more may be started for this workspace."""
        own = max(self._share - self._of_workspace[workspace], self.free - self._kept)
        return max(0, min(self.free, own))

    def start(self, workspace: str, work: Coroutine[Any, Any, None], *, then: Callable[[], None] | None = None) -> None:
        """Run `work` for a workspace, and call `then` at its end.

        An error of it is logged with its traceback and touches nothing else.
        Whoever can wait asks for `room` first. Once the pool is drained, nothing is run.
        """
        if self._closed:
            work.close()
            return
        task = asyncio.create_task(_guarded(work))
        self._running[task] = workspace
        self._of_workspace[workspace] += 1
        task.add_done_callback(self._ended)
        if then is not None:
            task.add_done_callback(lambda _: then())

    def _ended(self, task: asyncio.Task[None]) -> None:
        workspace = self._running.pop(task)
        self._of_workspace[workspace] -= 1
        if not self._of_workspace[workspace]:
            del self._of_workspace[workspace]

    async def drain(self, seconds: float) -> int:
        """Start nothing more, wait for what runs, and cancel what is left after `seconds`; gives how many.

        What is cancelled stands in the database as begun, and is found there at the next start.
        """
        self._closed = True
        if not self._running:
            return 0
        _, late = await asyncio.wait(list(self._running), timeout=max(0.0, seconds))
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        return len(late)


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except DatabaseUnavailable as error:  # it stands in the rows as begun, and is taken up when its lease is over
        log.warning("work not written down", reason=str(error))
    except Exception:
        log.exception("work failed")
