"""The storm itself: people ask, the bot is killed and started again, things go wrong; then it comes to rest."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from time import monotonic
from typing import Any

from benchmarks import setting
from benchmarks.storm import truth, weather
from benchmarks.storm.people import People
from benchmarks.storm.rows import Rows, Unknown
from benchmarks.storm.truth import Truth
from benchmarks.storm.victim import Victim
from sandbox.mailapi import MailAPIControl
from sandbox.slack import SlackControl
from sandbox.slack.refusal import Impossible

DURING_THE_START = 0.2
"""How many of the kills come before the bot is ready."""
EARLIEST, LATEST = 0.2, 4.0
"""Seconds from the bot's being ready to its death, or from the beginning of its start."""
LATEST_IN_START = 2.5


class Unsettled(Exception):
    """The bot did not come to rest in time; the text says what is left."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to happen; two storms with one `seed` make the same choices, though not at the same moments."""

    seed: int
    kills: int
    commands: int
    faults: bool
    readable: bool
    people: int = 8
    pause: float = 1.8
    """How long each person waits before the next command, on average."""
    rest_seconds: float = 900.0
    """Where the machine is slow, much is left to be told after the storm, and Slack takes one message a second."""


@dataclass
class Outcome:
    """What happened."""

    truth: Truth
    people: People
    killed_at: list[datetime]
    unknown: list[Unknown]
    posts_unknown: int
    seconds: float
    rest_seconds: float

    def unknown_of_kills(self) -> list[int]:
        """How many creates each kill left unknown."""
        by_kill = [unknown for unknown in self.unknown if unknown.by_kill]
        found = [0] * len(self.killed_at)
        for unknown in by_kill:
            found[self._kill_of(unknown)] += 1
        return found

    def settled_in(self) -> list[float]:
        """The seconds from each kill to the end of what it left unknown."""
        settled = [(each, each.settled_at) for each in self.unknown if each.by_kill]
        return [(at - self.killed_at[self._kill_of(each)]).total_seconds() for each, at in settled if at is not None]

    def put_to_a_person(self) -> list[Unknown]:
        """The creates about which a person was asked."""
        return [each for each in self.unknown if each.asked]

    def asked_in_vain(self) -> list[Unknown]:
        """Those of them that a look should have found: MailAPI has some of what they make."""
        return [each for each in self.put_to_a_person() if self.truth.there & set(each.names)]

    def _kill_of(self, unknown: Unknown) -> int:
        """The kill that interrupted it: the first after it was sent."""
        later = (number for number, at in enumerate(self.killed_at) if at >= unknown.sent_at)
        return next(later, len(self.killed_at) - 1)


@dataclass
class Storm:
    """A bot, its two outsides, and what is to happen to it."""

    plan: Plan
    slack: SlackControl
    mailapi: MailAPIControl
    victim: Victim
    rows: Rows
    told: Callable[[int, int], None] = lambda kills, commands: None  # noqa: ARG005 - whoever watches gives his own
    killed_at: list[datetime] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = Random(self.plan.seed)  # noqa: S311 - a storm that can be repeated
        pause = self.plan.pause
        self.people = People(self.slack, self._chances(), pause=pause, over=lambda: self._over)

    async def rage(self) -> Outcome:
        """All of it, from the first start to the last word; raises `Unsettled`, or `Ended` where the bot gave up."""
        started = monotonic()
        everybody = await self._prepare()
        async with _beside(self.rows.watch()):
            async with _beside(*self._weather()):
                await self._all_through([self._kill_again_and_again(), *map(self.people.ask, everybody)])
            await weather.clear(self.slack, self.mailapi)
            resting = monotonic()
            await self._rest()
            rested = monotonic()
        found = await truth.tell(self.slack, self.mailapi, self.people.commands)
        unknown = list(self.rows.unknown.values())
        return Outcome(
            found, self.people, self.killed_at, unknown, len(self.rows.posts), rested - started, rested - resting
        )

    @property
    def _over(self) -> bool:
        return len(self.killed_at) >= self.plan.kills and self.people.acknowledged >= self.plan.commands

    async def _prepare(self) -> Iterable[str]:
        """A bot with a key and no gates, and people with domains; gives their ids."""
        domains = await self.people.arrive(self.plan.people)
        await setting.open_account(self.mailapi, *domains.values())
        await self.slack.may_read(allowed=self.plan.readable)
        await self.victim.start()
        await self._ready()
        await setting.connect(self.slack)
        await asyncio.to_thread(setting.without_gates, self.rows.url)
        return domains

    def _weather(self) -> list[Coroutine[Any, Any, None]]:
        if not self.plan.faults:
            return []
        slack, mailapi = self._chances(), self._chances()
        return [weather.worsen_slack(self.slack, slack), weather.worsen_mailapi(self.mailapi, mailapi)]

    def _chances(self) -> Random:
        return Random(self._chance.random())  # noqa: S311 - as above

    async def _all_through(self, works: list[Coroutine[Any, Any, None]]) -> None:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)

    async def _kill_again_and_again(self) -> None:
        """Until both numbers are reached; the last start stays."""
        chance = self._chances()
        while not self._over:
            if len(self.killed_at) < self.plan.kills:
                await self._live(chance)
                await self.victim.kill()
                self.killed_at.append(datetime.now(UTC))
                await self.victim.start()
            else:
                await self.victim.must_be_running()
                await asyncio.sleep(EARLIEST)
            self.told(len(self.killed_at), self.people.acknowledged)

    async def _live(self, chance: Random) -> None:
        """As long as the bot has until the next kill."""
        if chance.random() < DURING_THE_START:
            await asyncio.sleep(chance.uniform(EARLIEST, LATEST_IN_START))
        else:
            await self._ready()
            await asyncio.sleep(chance.uniform(EARLIEST, LATEST))

    async def _ready(self) -> None:
        """Wait until Slack can deliver; a start that takes long because of faults is waited for."""
        while True:
            try:
                await self.slack.connected(setting.SOCKETS)
            except Impossible:
                await self.victim.must_be_running()
            else:
                return

    async def _rest(self) -> None:
        until = monotonic() + self.plan.rest_seconds
        while left := await asyncio.to_thread(self.rows.unfinished):
            await self.victim.must_be_running()
            if monotonic() > until:
                raise Unsettled(f"After {self.plan.rest_seconds:.0f} s there were still: {', '.join(left)}.")
            await asyncio.sleep(EARLIEST)
        await asyncio.to_thread(self.rows.look)


@contextlib.asynccontextmanager
async def _beside(*works: Coroutine[Any, Any, None]) -> Any:
    """Let `works` go on as long as the block lasts; an error of theirs ends it."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
