"""What `/metrics` tells: counters that are fed in a few places, and gauges that are read when somebody asks.

No label holds a name, a key, an address, a workspace or anything that somebody typed: each takes one of the words that
stand here or in a table of the code, and what is none of them is counted as `other`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client import exposition as text_format
from prometheus_client.metrics import MetricWrapperBase

from bot.clock import Clock
from storage import depths
from storage.database import Database, DatabaseUnavailable
from storage.depths import Depth
from storage.moves import Step
from storage.states import CallState, NoticeState, RequestState

CONTENT_TYPE = text_format.CONTENT_TYPE_LATEST
OTHER = "other"

ACKNOWLEDGED_WITHIN = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
"""In seconds; Slack gives 3."""
TOLD_WITHIN = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)
KEPT_SECONDS = 5.0
"""How long what was read of the database is shown again."""
PATIENCE_SECONDS = 1.0
"""How long somebody who asks waits for the database."""


class Outcome(StrEnum):
    """What came of a delivery."""

    DONE = "done"
    REFUSED = "refused"
    TOO_FAST = "too_fast"
    NOT_WRITTEN = "not_written"
    FAILED = "failed"


class Poll(StrEnum):
    """What a look at a call that MailAPI works on taught."""

    NEWS = "news"
    NOTHING_NEW = "nothing_new"
    NOT_FOUND = "not_found"
    KEY_REFUSED = "key_refused"
    IN_VAIN = "in_vain"


class Metrics:
    """The counters, in a registry of their own; the words are what their labels may say."""

    def __init__(
        self,
        *,
        commands: Collection[str] = (),
        deliveries: Collection[str] = (),
        kinds: Collection[str] = (),
        notices: Collection[str] = (),
    ) -> None:
        self.registry = CollectorRegistry()
        self._commands = frozenset(commands)
        self._kinds: Mapping[str, frozenset[str]] = {
            "request": frozenset(kinds),
            "call": frozenset(kinds),
            "notice": frozenset(notices),
        }
        self._handled = Histogram(
            "mailroom_acknowledgement_seconds",
            "From a delivery's arrival to the end of its answer to Slack.",
            ("delivery", "outcome"),
            buckets=ACKNOWLEDGED_WITHIN,
            registry=self.registry,
        )
        self._typed = self._counter("commands", "Typed lines, by subcommand.", "command", "outcome")
        self._moves = {
            "request": self._counter("requests", "Requests that came to a state.", "kind", "state"),
            "call": self._counter("calls", "Calls to MailAPI that came to a state.", "kind", "state"),
            "notice": self._counter("notices", "Messages that came to a state.", "kind", "state"),
        }
        self._polls = self._counter("polls", "Looks at calls that MailAPI works on.", "outcome")
        self._told = Histogram(
            "mailroom_notice_delay_seconds",
            "From when a message was owed to when Slack took it.",
            ("kind",),
            buckets=TOLD_WITHIN,
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        self._begin_at_nothing(deliveries)

    def _counter(self, what: str, said: str, *labels: str) -> Counter:
        return Counter(f"mailroom_{what}_total", said, labels, registry=self.registry)

    def _begin_at_nothing(self, deliveries: Collection[str]) -> None:
        """Show what has not happened yet as 0: an alert on a counter that is not there never fires."""
        _begin(self._handled, deliveries, tuple(Outcome))
        _begin(self._typed, self._commands, tuple(Outcome))
        _begin(self._polls, tuple(Poll))
        _begin(self._told, self._kinds["notice"])
        states = {"request": tuple(RequestState), "call": tuple(CallState), "notice": tuple(NoticeState)}
        for table, counter in self._moves.items():
            _begin(counter, self._kinds[table], states[table])

    def handled(self, delivery: str, command: str, outcome: Outcome, seconds: float) -> None:
        """A delivery was answered; `command` is the subcommand that it asked for, or empty."""
        self._handled.labels(delivery, outcome).observe(seconds)
        if command:
            self._typed.labels(_known(command, self._commands), outcome).inc()

    def polled(self, outcome: Poll) -> None:
        """Somebody looked how far a call is."""
        self._polls.labels(outcome).inc()

    def told(self, kind: str, delay: timedelta) -> None:
        """Slack took a message that was owed for so long."""
        self._told.labels(_known(kind, self._kinds["notice"])).observe(delay.total_seconds())

    def moved(self, step: Step) -> None:
        """A row has come to a state; of what has no kind nothing is counted."""
        if step.table in self._moves:
            self._moves[step.table].labels(_known(step.kind, self._kinds[step.table]), step.after).inc()


class Exposition:
    """What `/metrics` answers: the counters, and how things stand, which is read while somebody waits."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        database: Database,
        clock: Clock,
        causes: Callable[[], Awaitable[Mapping[str, str]]],
        since_tick: Callable[[], float],
        outside: Collection[str],
    ) -> None:
        self._metrics = metrics
        self._database = database
        self._clock = clock
        self._causes = causes
        self._since_tick = since_tick
        self._outside = tuple(outside)
        self._reading: asyncio.Task[None] | None = None
        self._answered = time.monotonic()
        self._rows = self._gauge("queue_rows", "Rows that wait to be worked on or are.", "table", "state", "standing")
        self._outage = self._gauge("outage", "1 while it is out of order.", "outside")
        self._database_age = self._gauge("database_age_seconds", "How long ago the database answered last.")
        self._scheduler_age = self._gauge("scheduler_age_seconds", "How long ago the scheduler ticked last.")

    def _gauge(self, what: str, said: str, *labels: str) -> Gauge:
        return Gauge(f"mailroom_{what}", said, labels, registry=self._metrics.registry)

    async def text(self) -> bytes:
        """All of it in Prometheus' text format, within `PATIENCE_SECONDS` or little more."""
        await self._look()
        causes = await self._causes()
        _begin(self._outage, {*self._outside, OTHER}, value=0)
        for outside in causes:
            self._outage.labels(_known(outside, self._outside)).set(1)
        self._database_age.set(time.monotonic() - self._answered)
        self._scheduler_age.set(self._since_tick())
        return generate_latest(self._metrics.registry)

    async def _look(self) -> None:
        """Have the rows counted unless that was done a moment ago; never twice at a time, however long it takes."""
        if self._reading is None or (self._reading.done() and time.monotonic() - self._answered > KEPT_SECONDS):
            self._reading = asyncio.create_task(self._read())
        await asyncio.wait([self._reading], timeout=PATIENCE_SECONDS)
        if not self._reading.done():
            self._rows.clear()

    async def _read(self) -> None:
        try:
            counted = await self._database.read(partial(depths.of_all, now=self._clock()))
        except DatabaseUnavailable:
            self._rows.clear()  # what stood there before would look as if it still did
        else:
            self._answered = time.monotonic()
            self._show(counted)

    def _show(self, counted: Sequence[Depth]) -> None:
        self._rows.clear()
        for depth in counted:
            self._rows.labels(depth.table, depth.state, "due").set(depth.due)
            self._rows.labels(depth.table, depth.state, "leased").set(depth.leased)


def age(since: datetime, now: datetime) -> timedelta:
    """How long ago something was; clocks of several processes may differ by a little."""
    return max(timedelta(), now - since)


def _known(word: str, words: Collection[str]) -> str:
    return word if word in words else OTHER


def _begin(metric: MetricWrapperBase, *words: Collection[str], value: float | None = None) -> None:
    for labels in product(*(tuple(each) for each in words)):
        child = metric.labels(*labels)
        if value is not None and isinstance(child, Gauge):
            child.set(value)
