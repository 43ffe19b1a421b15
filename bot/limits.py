"""How much one person and one workspace may ask for."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.clock import Clock

MINUTE = timedelta(minutes=1)
MOST_PEOPLE = 10_000


@dataclass
class Rate:
    """Counts what each person does within a minute, in this process."""

    clock: Clock
    most: int
    _moments: dict[tuple[str, str], deque[datetime]] = field(default_factory=dict)

    def allows(self, workspace: str, person: str) -> bool:
        """Whether this person may do one thing more; it is counted where he may."""
        now = self.clock()
        if len(self._moments) >= MOST_PEOPLE:
            self._moments = {who: moments for who, moments in self._moments.items() if moments[-1] > now - MINUTE}
        moments = self._moments.setdefault((workspace, person), deque())
        while moments and moments[0] <= now - MINUTE:
            moments.popleft()
        if len(moments) >= self.most:
            return False
        moments.append(now)
        return True
