"""Several processes on one database: one after the other stands still beyond its lease, and the others are killed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import monotonic

from benchmarks.storm.storm import EARLIEST, Storm
from benchmarks.storm.victim import Victim
from storage.moves import LEASE

PROCESSES = 3
STANDS_STILL = LEASE.total_seconds() + 5
"""How many seconds a process stands still: what it had claimed is another's by then."""
RECOVERS = 5.0
"""How many seconds pass until the next one stands still."""
LATEST_TOGETHER = 8.0
"""At most so many seconds pass between two kills: each of the two that are not frozen also lives for a while."""


class Victims(Victim):
    """Processes of one bot as if they were one; they share their log."""

    def __init__(self, environment: Mapping[str, str], log: Path, *, module: str = "bot") -> None:
        super().__init__(environment, log, module=module)
        self.each = [Victim(environment, log, module=module) for _ in range(PROCESSES)]

    async def start(self) -> None:
        """Begin to start them, all at once."""
        await asyncio.gather(*(victim.start() for victim in self.each))

    async def kill(self) -> None:
        """End all of them with SIGKILL; raises `Ended` where one had ended by itself."""
        await asyncio.gather(*(victim.kill() for victim in self.each))

    async def must_be_running(self) -> None:
        """Raise `Ended`, with the end of the log, where one has ended by itself."""
        for victim in self.each:
            await victim.must_be_running()

    async def stop(self) -> None:
        """End them as an operator does, where they run."""
        await asyncio.gather(*(victim.stop() for victim in self.each))


@dataclass
class Together(Storm):
    """The storm over several processes; it ends with the round in which the plan's kills are reached."""

    victim: Victims

    async def _kill_again_and_again(self) -> None:
        chance = self._chances()
        while not self._over:
            if len(self.killed_at) < self.plan.kills:
                await self._round(chance)
            else:
                await self.victim.must_be_running()
                await asyncio.sleep(EARLIEST)
            self.told(len(self.killed_at), self.people.acknowledged)

    async def _round(self, chance: Random) -> None:
        frozen, *others = chance.sample(self.victim.each, PROCESSES)
        thaws = monotonic() + STANDS_STILL
        frozen.freeze()
        try:
            while (lives := chance.uniform(EARLIEST, LATEST_TOGETHER)) < thaws - monotonic():
                await asyncio.sleep(lives)
                await self._kill(chance.choice(others))
            await asyncio.sleep(thaws - monotonic())
        finally:
            frozen.thaw()
        await asyncio.sleep(RECOVERS)

    async def _kill(self, killed: Victim) -> None:
        await killed.kill()
        self.killed_at.append(datetime.now(UTC))
        await killed.start()
