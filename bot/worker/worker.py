"""The tick: claims what is due and hands it to bounded pools, which act and write what came of it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial

import structlog

from bot.approvers import Approvers
from bot.commands import LISTED_KINDS
from bot.notices.telling import Teller
from bot.outages import DATABASE, MAILAPI, WORKER, Outages
from bot.people import People
from bot.pool import Pool
from bot.slacks import Slacks
from bot.worker import (
    announcing,
    attending,
    checking,
    outcomes,
    planning,
    probing,
    sending,
    settling,
    telling_policy,
    watching,
)
from bot.worker.claiming import Claiming, Rows
from bot.worker.machine import Machine
from bot.worker.starting import Starting
from bot.worker.ticks import Ticks
from storage import calls, connections, policies, probe, requests
from storage.database import DatabaseUnavailable
from storage.states import CallState, ConnectionState
from storage.tables import Call, Connection, Request

log = structlog.get_logger(__name__)


class Worker:
    """Drives the machine's half; `tick` may be called at any time and any number of times."""

    def __init__(
        self,
        *,
        machine: Machine,
        slacks: Slacks,
        people: People,
        approvers: Approvers,
        teller: Teller,
        pool: Pool,
        watches: Pool,
        outages: Outages,
    ) -> None:
        self._machine = machine
        self._slacks = slacks
        self._people = people
        self._approvers = approvers
        self._outages = outages
        self._teller = teller
        self._pool = pool
        self._watches = watches
        self._ticks = Ticks(tick=self.tick, refill=self._refill)
        self._starting = Starting(machine=machine, outages=outages, ticks=self._ticks)
        to_watch = (partial(calls.claim, states=calls.TO_WATCH), watches)
        # What is settled is only looked for, and does not wait behind all that is to be sent.
        to_settle = (partial(calls.claim, states=calls.TO_SETTLE, lease=settling.LEASE), watches)
        to_send = (partial(calls.claim, states=calls.TO_SEND), pool)
        self._everything = Claiming(to_watch, to_send, to_settle, (requests.claim_planning, pool))
        self._watching = Claiming(to_watch)

    @property
    def since_tick(self) -> float:
        """How many seconds ago the last tick came to its end."""
        return self._ticks.since

    def nudge(self) -> None:
        """Tick now; several nudges in a row are one tick more."""
        self._ticks.note_news()
        self._ticks.now()

    def nudge_soon(self) -> None:
        """Tick in a moment, once for all that nudge until then.

        An acknowledgement that is about to leave is not to share the processor with it.
        """
        self._ticks.note_news()
        self._ticks.soon()

    async def tick(self) -> None:
        """Claim what is due and start it; in an outage of the database only now and then."""
        await self._unless_out(self._claim_all)

    async def _refill(self) -> None:
        """Watch others in the place of those that ended without any news, of which nobody but their own rows hear."""
        await self._unless_out(partial(self._failed, partial(self._claim_work, self._watching)))

    async def _unless_out(self, claim: Callable[[], Awaitable[object]]) -> None:
        if not self._outages.room(DATABASE, 1):
            return
        doubtful = self._outages.doubtful(DATABASE)
        try:
            if doubtful:
                await self._machine.database.write(probe.write)
            await claim()
        except DatabaseUnavailable as error:
            self._outages.failed(DATABASE, str(error))
        else:
            if doubtful:  # claims alone, which may write nothing, do not tell that what failed meanwhile works
                self._outages.works(DATABASE)

    def end(self) -> None:
        """Claim and create nothing more; what is out already may end."""
        self._machine.ending = True
        self._machine.database.hurry()
        self._ticks.end()

    async def stop(self, seconds: float) -> None:
        """The same, and give what runs `seconds` to end."""
        self.end()
        began = time.monotonic()
        await self._ticks.stop(seconds)
        seconds -= time.monotonic() - began
        late = await asyncio.gather(*(pool.drain(seconds) for pool in (self._pool, self._watches, self._teller.pool)))
        with suppress(DatabaseUnavailable):  # then the leases end by themselves
            await self._machine.uneventful.write()
        if any(late):
            log.warning("stopped with work under way, which the next start takes up", left=sum(late))

    async def _claim_all(self) -> None:
        """Each part by itself: one that fails in a way that nobody foresaw holds up none of the others."""
        failed = False
        for part in (
            self._recover,
            partial(self._teller.tick, self.nudge),
            self._claim_connections,
            self._claim_policies,
            self._claim_awaiting,
            partial(self._claim_work, self._everything),
        ):
            failed |= await self._failed(part)
        if not failed:
            self._outages.works(WORKER)

    async def _failed(self, part: Callable[[], Awaitable[None]]) -> bool:
        """Do a part of the tick; whether it failed in a way that nobody foresaw, which is noted as an outage."""
        try:
            await part()
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if not self._outages.lasts(WORKER):
                log.exception("a part of the tick failed")
            self._outages.failed(WORKER, type(error).__name__)
            return True
        return False

    async def _recover(self) -> None:
        await self._machine.database.write(partial(settling.recover, self._machine))

    async def _claim_work(self, claiming: Claiming) -> None:
        """What asks MailAPI; in an outage of it a few at a time, or a question if nothing is due."""
        most = self._outages.room(MAILAPI, claiming.most)
        looks = self._machine.uneventful.take()
        claim = claiming.prepare(looks, now=self._machine.clock(), most=most)
        try:
            claimed, more = await self._machine.database.write(claim)
        except DatabaseUnavailable:
            self._machine.uneventful.keep(looks)
            raise
        if self._pool in more:
            self.nudge()
        elif more:
            self._ticks.now()
        await self._begin(claimed)
        if most and not claimed and self._outages.lasts(MAILAPI):
            self._pool.start("", self._probe())

    async def _begin(self, rows: Rows) -> None:
        """Start a step on each of what was claimed; one round for all domains of a connection, one for each else."""
        of_connection: dict[int, list[Call]] = {}
        by_itself: Rows = []
        for row, pool in rows:
            if isinstance(row, Call) and row.connection_id is not None and _is_listed(row):
                of_connection.setdefault(row.connection_id, []).append(row)
            else:
                by_itself.append((row, pool))
        await self._starting.share_out(by_itself, self._step)
        for connection_id, due in of_connection.items():
            await self._watch_domains(connection_id, due)

    async def _probe(self) -> None:
        try:
            await probing.probe(self._machine, self._outages)
        except DatabaseUnavailable as error:
            self._outages.failed(DATABASE, str(error))

    async def _claim_connections(self) -> None:
        claimed = await self._machine.database.write(
            partial(connections.claim_due, now=self._machine.clock(), most=self._pool.free)
        )
        for connection in claimed:
            self._starting.start(connection, self._pool, self._check_or_announce)

    async def _check_or_announce(self, connection: Connection) -> None:
        if connection.state is ConnectionState.CHECKING:
            await checking.check(self._machine, self._people, connection)
        else:
            await announcing.announce(self._machine, self._slacks, self._approvers, connection)

    async def _claim_policies(self) -> None:
        claimed = await self._machine.database.write(
            partial(policies.claim_untold, now=self._machine.clock(), most=self._pool.free)
        )
        for version in claimed:
            tell = partial(telling_policy.tell, self._machine, self._slacks, self._approvers)
            self._starting.start(version, self._pool, tell)

    async def _claim_awaiting(self) -> None:
        """So many that each of them can be started; where there may be more, the next tick comes at once."""
        most = self._pool.most
        claim = partial(requests.claim_awaiting, now=self._machine.clock(), most=most, busy=self._pool.busy)
        claimed = await self._machine.database.write(claim)
        if 0 < most == len(claimed):
            self.nudge()
        attend = partial(attending.attend, self._machine, self._slacks, self._approvers)
        await self._starting.share_out([(request, self._pool) for request in claimed], attend)

    async def _watch_domains(self, connection_id: int, due: Sequence[Call]) -> None:
        """All of a connection's domains in one round, also those that are not due yet."""
        claim = partial(
            calls.claim_watched,
            workspace_id=due[0].workspace_id,
            connection_id=connection_id,
            kinds=LISTED_KINDS,
            now=self._machine.clock(),
        )
        others = await self._machine.database.write(claim)
        watch = partial(watching.watch, self._machine)
        together = watching.watch_together([*due, *others], lambda call: self._starting.guarded(call, watch))
        self._starting.run(self._watches, due[0].workspace_id, together)

    async def _step(self, row: Request | Call) -> None:
        if isinstance(row, Request):
            await planning.plan(self._machine, row)
            return
        match row.state:
            case CallState.QUEUED:
                await sending.send(self._machine, row)
            case CallState.WAITING:
                await self._machine.database.write(partial(outcomes.open_window, self._machine, row))
            case CallState.ACCEPTED:
                await watching.watch(self._machine, row)
            case _:
                await settling.settle(self._machine, row)


def _is_listed(call: Call) -> bool:
    """Whether its end stands in a list of domains, which is the same for all of a connection."""
    return call.state is CallState.ACCEPTED and call.kind in LISTED_KINDS
