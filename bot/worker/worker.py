"""The tick: claims what is due and hands it to bounded pools, which act and write what came of it."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot.approvers import Approvers
from bot.commands import LISTED_KINDS
from bot.logs import about
from bot.notices.telling import Teller
from bot.outages import DATABASE, MAILAPI, WORKER, Outages
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
    setting_aside,
    settling,
    telling_policy,
    watching,
)
from bot.worker.machine import Machine
from storage import calls, connections, moves, policies, probe, requests
from storage.calls import PutOff
from storage.database import DatabaseUnavailable
from storage.states import CallState, ConnectionState
from storage.tables import Call, Connection, Request

log = structlog.get_logger(__name__)

A_MOMENT = 0.02
A_WHILE = 0.06
FEW = 64
"""With no more than so many under way, room is filled again at once; before that, all that ends in a while together.

A tick costs nearly the same for one row as for many.
"""

Claim = Callable[..., Sequence[Request] | Sequence[Call]]


class Worker:
    """Drives the machine's half; `tick` may be called at any time and any number of times."""

    def __init__(
        self, *, machine: Machine, slacks: Slacks, approvers: Approvers, teller: Teller, pool: Pool, outages: Outages
    ) -> None:
        self._machine = machine
        self._slacks = slacks
        self._approvers = approvers
        self._outages = outages
        self._teller = teller
        self._pool = pool
        self._ticking: asyncio.Task[None] | None = None
        self._again = False
        self._whole = False
        self._soon: asyncio.TimerHandle | None = None
        self._in_turn: deque[Claim] = deque((calls.claim, requests.claim_planning))
        self._stopped = False
        self._ticked = time.monotonic()

    @property
    def since_tick(self) -> float:
        """How many seconds ago the last tick came to its end."""
        return time.monotonic() - self._ticked

    def nudge(self) -> None:
        """Tick now; several nudges in a row are one tick more."""
        self._whole = True
        self._go_on()

    def _go_on(self) -> None:
        if self._stopped:
            return
        if self._ticking is None:
            self._ticking = asyncio.create_task(self._tick_until_quiet())
        else:
            self._again = True

    def nudge_soon(self) -> None:
        """Tick in a moment, once for all that nudge until then.

        An acknowledgement that is about to leave is not to share the processor with it, and what ends in the same
        moment makes room together.
        """
        self._whole = True
        self._go_on_soon(A_MOMENT)

    def _go_on_soon(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._soon is not None and self._soon.when() <= loop.time() + seconds:
            return
        if self._soon is not None:
            self._soon.cancel()
        self._soon = loop.call_later(seconds, self._now)

    def _now(self) -> None:
        self._soon = None
        self._go_on()

    async def _tick_until_quiet(self) -> None:
        structlog.contextvars.clear_contextvars()  # those of whoever nudged: a tick is about nobody
        try:
            while True:
                self._again = False
                whole, self._whole = self._whole, False
                await (self.tick() if whole else self._refill())
                self._ticked = time.monotonic()
                if self._stopped or not self._again:
                    return
        finally:
            self._ticking = None

    async def tick(self) -> None:
        """Claim what is due and start it; in an outage of the database only now and then."""
        await self._claiming(self._claim)

    async def _refill(self) -> None:
        """Claim more work in the place of what ended without any news, of which nobody but its own row hears."""
        await self._claiming(self._claim_work)

    async def _claiming(self, claim: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if not self._outages.room(DATABASE, 1):
            return
        try:
            if self._outages.doubtful(DATABASE):
                await self._machine.database.write(probe.write)
            await claim()
        except DatabaseUnavailable as error:
            self._outages.failed(DATABASE, str(error))
        else:
            self._outages.works(DATABASE)

    async def stop(self, seconds: float) -> None:
        """Claim nothing more, and give what runs `seconds` to end."""
        self._stopped = True
        began = time.monotonic()
        if self._ticking is not None:
            await asyncio.wait([self._ticking], timeout=seconds)
        seconds -= time.monotonic() - began
        late = await asyncio.gather(self._pool.drain(seconds), self._teller.pool.drain(seconds))
        with suppress(DatabaseUnavailable):  # then the leases end by themselves
            await self._machine.uneventful.write()
        if any(late):
            log.warning("stopped with work under way, which the next start takes up", left=sum(late))

    async def _claim(self) -> None:
        """Each part by itself: one that fails in a way that nobody foresaw holds up none of the others."""
        failed = None
        for part in (
            self._recover,
            partial(self._teller.tick, self.nudge),
            self._claim_connections,
            self._claim_policies,
            self._claim_awaiting,
            self._claim_work,
        ):
            try:
                await part()
            except DatabaseUnavailable:
                raise
            except Exception as error:
                failed = type(error).__name__
                if not self._outages.lasts(WORKER):
                    log.exception("a part of the tick failed")
        if failed:
            self._outages.failed(WORKER, failed)
        else:
            self._outages.works(WORKER)

    async def _recover(self) -> None:
        await self._machine.database.write(partial(settling.recover, self._machine))

    async def _claim_work(self) -> None:
        """What asks MailAPI; in an outage of it a few at a time, or a question if nothing is due.

        In turn, so that neither what is begun nor what begins waits for ever where there is more than there is room.
        """
        most = self._outages.room(MAILAPI, self._pool.most)
        self._in_turn.rotate()
        looks = self._machine.uneventful.take()
        claim = partial(_claim_in_turn, looks, tuple(self._in_turn), self._machine.clock(), most, self._pool.busy)
        claimed = await self._machine.database.write(claim)
        # Where there may be more, the next comes at once.
        self._again = self._again or 0 < most == len(claimed)
        await self._begin(claimed)
        if most and not claimed and self._outages.lasts(MAILAPI):
            self._pool.start("", self._probe())

    async def _begin(self, rows: Sequence[Request | Call]) -> None:
        """Start a step on each of what was claimed; one round for all domains of a connection, one for each else."""
        of_connection: dict[int, list[Call]] = {}
        by_itself: list[Request | Call] = []
        for row in rows:
            if isinstance(row, Call) and row.connection_id is not None and _is_listed(row):
                of_connection.setdefault(row.connection_id, []).append(row)
            else:
                by_itself.append(row)
        await self._share_out(by_itself, self._step)
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
            self._start(connection.workspace_id, self._guarded(connection, self._check_or_announce))

    async def _check_or_announce(self, connection: Connection) -> None:
        if connection.state is ConnectionState.CHECKING:
            await checking.check(self._machine, connection)
        else:
            await announcing.announce(self._machine, self._slacks, self._approvers, connection)

    async def _claim_policies(self) -> None:
        claimed = await self._machine.database.write(
            partial(policies.claim_untold, now=self._machine.clock(), most=self._pool.free)
        )
        for version in claimed:
            tell = partial(telling_policy.tell, self._machine, self._slacks, self._approvers)
            self._start(version.workspace_id, self._guarded(version, tell))

    async def _claim_awaiting(self) -> None:
        """So many that each of them can be started; where there may be more, the next tick comes at once."""
        most = self._pool.most
        claim = partial(requests.claim_awaiting, now=self._machine.clock(), most=most, busy=self._pool.busy)
        claimed = await self._machine.database.write(claim)
        if 0 < most == len(claimed):
            self._whole = self._again = True
        await self._share_out(claimed, partial(attending.attend, self._machine, self._slacks, self._approvers))

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
        together = watching.watch_together([*due, *others], lambda call: self._guarded(call, watch))
        self._start(due[0].workspace_id, together)

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

    async def _share_out(self, rows: Sequence[Any], step: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        """Start each row within its workspace's share; what has no room is given back for the next tick."""
        left = [row for row in rows if not self._started(row, step)]
        if left:
            await self._machine.database.write(partial(_give_back, left))
            self._again = True

    def _started(self, row: Any, step: Callable[[Any], Coroutine[Any, Any, None]]) -> bool:
        if not self._pool.room(row.workspace_id):
            return False
        self._start(row.workspace_id, self._guarded(row, step))
        return True

    async def _guarded(self, row: Any, step: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
        """A step on one row; what nobody foresaw is counted, so that no row is tried for ever.

        After one that brought news the next tick is a whole one.
        """
        with about(row):
            try:
                await step(row)
            except DatabaseUnavailable as error:
                self._outages.failed(DATABASE, str(error))  # not the row's fault: its lease ends, and it is taken up
            except Exception as error:
                log.exception("a step failed", table=type(row).__name__, row=row.id, workspace=row.workspace_id)
                await self._note_fault(row, type(error).__name__)
        self._whole = self._whole or row not in self._machine.uneventful

    async def _note_fault(self, row: Any, reason: str) -> None:
        write = self._machine.database.write
        try:
            await write(partial(setting_aside.note_fault, self._machine, row, reason))
        except DatabaseUnavailable as error:
            self._outages.failed(DATABASE, str(error))
        except Exception:
            log.exception("a row cannot be set aside", table=type(row).__name__, row=row.id)
            await write(partial(setting_aside.bury, row))

    def _start(self, workspace: str, work: Coroutine[Any, Any, None]) -> None:
        self._pool.start(workspace, work, then=self._made_room)

    def _made_room(self) -> None:
        if self._pool.under_way == FEW:
            self._go_on()
        else:
            self._go_on_soon(A_WHILE if self._pool.under_way > FEW else A_MOMENT)


def _claim_in_turn(
    looks: Sequence[PutOff], claims: Sequence[Claim], now: datetime, most: int, busy: Collection[str], session: Session
) -> Sequence[Request | Call]:
    """Give back what was looked at without news, and claim so many rows in its place, in one transaction.

    What waits for a lock comes first, claims wait for none.
    """
    calls.put_off_together(session, looks)
    claimed: list[Request | Call] = []
    for claim in claims:
        claimed += claim(session, now=now, most=most - len(claimed), busy=busy)
    return claimed


def _is_listed(call: Call) -> bool:
    """Whether its end stands in a list of domains, which is the same for all of a connection."""
    return call.state is CallState.ACCEPTED and call.kind in LISTED_KINDS


def _give_back(rows: Sequence[Any], session: Session) -> None:
    for row in rows:
        moves.put_off(session, row, row.due_at)
