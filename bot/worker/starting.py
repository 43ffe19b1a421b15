"""Starting steps on claimed rows in bounded pools, and what becomes of a step that fails or ends."""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.logs import about
from bot.outages import DATABASE, Outages
from bot.pool import Pool
from bot.worker import setting_aside
from bot.worker.claiming import Rows
from bot.worker.machine import Machine
from bot.worker.ticks import A_MOMENT, Ticks
from storage import moves
from storage.database import DatabaseUnavailable
from storage.tables import check_moments

log = structlog.get_logger(__name__)

Step = Callable[[Any], Coroutine[Any, Any, None]]

A_WHILE = 0.06
FEW = 1 / 3
"""Where no more of a pool is under way, room is filled again at once; before that, all that ends in a while together.

A tick costs nearly the same for one row as for many.
"""


class Starting:
    """Starts steps, of which none touches the next; a tick follows those that make room or bring news."""

    def __init__(self, *, machine: Machine, outages: Outages, ticks: Ticks) -> None:
        self._machine = machine
        self._outages = outages
        self._ticks = ticks

    async def share_out(self, rows: Rows, step: Step) -> None:
        """Start each row within its workspace's share; what has no room is given back for the next tick."""
        left = [row for row, pool in rows if not self._started(row, pool, step)]
        if left:
            await self._machine.database.write(partial(_give_back, left))
            self._ticks.note_news()
            self._ticks.now()

    def _started(self, row: Any, pool: Pool, step: Step) -> bool:
        if not pool.room(row.workspace_id):
            return False
        self.start(row, pool, step)
        return True

    def start(self, row: Any, pool: Pool, step: Step) -> None:
        """Start a step on one row, for which there is room."""
        self.run(pool, row.workspace_id, self.guarded(row, step))

    def run(self, pool: Pool, workspace: str, work: Coroutine[Any, Any, None]) -> None:
        """Start work for a workspace whose steps are guarded, such as those of a round on several rows."""
        pool.start(workspace, work, then=partial(self._made_room, pool))

    async def guarded(self, row: Any, step: Step) -> None:
        """A step on one row; what nobody foresaw is counted, so that no row is tried for ever.

        After one that brought news the next tick is a whole one.
        """
        with about(row):
            try:
                check_moments(row)
                await step(row)
            except DatabaseUnavailable as error:
                self._outages.failed(DATABASE, str(error))  # not the row's fault: its lease ends, and it is taken up
            except Exception as error:
                log.exception("a step failed", table=type(row).__name__, row=row.id, workspace=row.workspace_id)
                await self._note_fault(row, type(error).__name__)
        if row not in self._machine.uneventful:
            self._ticks.note_news()

    async def _note_fault(self, row: Any, reason: str) -> None:
        write = self._machine.database.write
        try:
            await write(partial(setting_aside.note_fault, self._machine, row, reason))
        except DatabaseUnavailable as error:
            self._outages.failed(DATABASE, str(error))
        except Exception:
            log.exception("a row cannot be set aside", table=type(row).__name__, row=row.id)
            await write(partial(setting_aside.bury, row))

    def _made_room(self, pool: Pool) -> None:
        few = int(pool.size * FEW)
        if pool.under_way == few:
            self._ticks.now()
        else:
            self._ticks.soon(A_WHILE if pool.under_way > few else A_MOMENT)


def _give_back(rows: Sequence[Any], session: Session) -> None:
    for row in rows:
        moves.put_off(session, row, row.due_at)
