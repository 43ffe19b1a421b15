"""Claiming what asks MailAPI: several kinds of work, each with its own bounds, in one transaction."""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from bot.pool import Pool
from storage import calls
from storage.calls import PutOff
from storage.tables import Call, Request

Claim = Callable[..., Sequence[Request] | Sequence[Call]]
Rows = list[tuple[Request | Call, Pool]]


@dataclass
class _Room:
    """How many rows may still be claimed for a pool, and of which workspaces none."""

    most: int
    busy: Collection[str]


class Claiming:
    """Claims rows for the pools that work on them: a share of each kind in turn.

    So neither what is begun nor what begins waits for ever where there is more than there is room.
    """

    def __init__(self, *kinds: tuple[Claim, Pool]) -> None:
        self._kinds = deque(kinds)

    @property
    def most(self) -> int:
        """How many may be claimed in all."""
        return sum(pool.most for pool in {pool for _, pool in self._kinds})

    def prepare(
        self, looks: Sequence[PutOff], *, now: datetime, most: int
    ) -> Callable[[Session], tuple[Rows, Collection[Pool]]]:
        """The transaction that gives back what was looked at without news, and claims rows in its place.

        It returns each with its pool, and the pools for which there may be more.
        """
        self._kinds.rotate()
        rooms = {pool: _Room(pool.most, pool.busy) for _, pool in self._kinds}
        kinds = [(claim, pool, rooms[pool]) for claim, pool in self._kinds]

        def claim_all(session: Session) -> tuple[Rows, Collection[Pool]]:
            # This may wait for a lock; claims wait for none.
            calls.put_off_together(session, looks)
            claimed: Rows = []
            more: set[Pool] = set()
            for claim, pool, room in kinds:
                wanted = min(room.most, most - len(claimed))
                rows = claim(session, now=now, most=wanted, busy=room.busy)
                claimed += [(row, pool) for row in rows]
                room.most -= len(rows)
                if 0 < wanted == len(rows):
                    more.add(pool)
            return claimed, more

        return claim_all
