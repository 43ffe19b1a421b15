"""The composition root: builds every object once, and starts and stops them in order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

import structlog
from slack_bolt.async_app import AsyncApp
from starlette.routing import Route

from bot import front, http, mending, schedule, signing_on, way_in
from bot.approvers import Approvers
from bot.clock import Clock, utc_now
from bot.commands import KINDS, SUBCOMMANDS
from bot.directory import Directory
from bot.front import Doors
from bot.heartbeat import BEATS_EVERY, Heartbeat
from bot.listeners.doors import DELIVERIES
from bot.mailapi import MailAPI, Timeouts
from bot.metrics import Exposition, Metrics
from bot.notices import owing
from bot.notices.telling import Teller
from bot.outages import DATABASE, MAILAPI, SLACK, SOCKET_MODE, WORKER, Outages
from bot.pace import DEFAULT_PACE, Pace
from bot.people import People
from bot.pool import Pool
from bot.retention import Retention
from bot.schedule import Job
from bot.settings import Mode, Settings, SettingsError
from bot.shutdown import Shutdown
from bot.slack_errors import TELLING
from bot.slack_transport import outage_of
from bot.socket_mode import SocketMode
from bot.uninstalling import Uninstalling
from bot.worker import checking
from bot.worker.machine import Looks, Machine
from bot.worker.worker import Worker
from storage import audit, key_file, moves, nudging, schema
from storage.database import Database, DatabaseUnavailable
from storage.encryption import Vault

log = structlog.get_logger(__name__)

TIMEOUTS = Timeouts(pool=5, connect=5, write=10, read=15, total=20)
"""For MailAPI; the total is shorter than a lease, so that a call is not taken over while it is being sent."""

SOCKETS_EVERY = timedelta(seconds=1)
"""How often it is looked whether a Socket Mode connection is open."""
AT_ONCE = timedelta(0)
PRUNED_AFTER = timedelta(minutes=5)
"""When old rows are deleted first: not while a start has enough to do."""
NO_CONNECTION = "no Socket Mode connection is open"
SCHEDULER = "scheduler"
STANDSTILL_SECONDS = 30.0
"""Without a tick for so long, the clock that drives the machine's half is taken for stopped."""

OUTSIDE = (DATABASE, SLACK, MAILAPI, SOCKET_MODE, WORKER, SCHEDULER, *(outage_of(method) for method in sorted(TELLING)))
"""What may be out of order, by the names in `/readyz`."""
DRAIN_SECONDS = 8.0
"""What is in flight has this long to end when the bot stops."""


class Mailroom:
    """The running bot."""

    def __init__(
        self, *, worker: Worker, after: Pool, database: Database, socket_mode: SocketMode | None, outages: Outages
    ) -> None:
        self.worker = worker
        self.database = database
        self.after = after
        self.socket_mode = socket_mode
        self._outages = outages
        self.url: str | None = None

    async def causes(self) -> dict[str, str]:
        """What keeps the bot from working, by name; empty where nothing does."""
        found = self._outages.causes()
        if self.socket_mode is not None and not await self.socket_mode.connected():
            found[SOCKET_MODE] = NO_CONNECTION
        if self.worker.since_tick > STANDSTILL_SECONDS:
            found[SCHEDULER] = f"no tick for {self.worker.since_tick:.0f} s"
        return found

    async def state(self) -> http.State:
        """What `/readyz` answers."""
        return http.State(causes=await self.causes(), since_tick=self.worker.since_tick)

    async def tick(self) -> None:
        """Let the worker look for what is due."""
        self.worker.nudge()

    async def watch_sockets(self) -> None:
        """Notice whether Slack can deliver anything."""
        if self.socket_mode is not None:
            open_ = await self.socket_mode.connected()
            self._outages.about(SOCKET_MODE)(None if open_ else NO_CONNECTION)


@asynccontextmanager
async def running(
    settings: Settings, *, clock: Clock = utc_now, pace: Pace = DEFAULT_PACE, timeouts: Timeouts = TIMEOUTS
) -> AsyncIterator[Mailroom]:
    """The bot, from the first connection to the last; raises `SettingsError` where a token does not work.

    Raises `DatabaseUnavailable` where the database takes nothing while the bot starts.
    """
    async with AsyncExitStack() as stack:
        database = Database.open(settings.database_url)
        stack.callback(database.close)
        await database.apart(schema.upgrade)
        if not database.shared:
            await database.write(moves.release)
        vault = vault_for(settings)
        # Unwound from the last to the first: no new work, no new deliveries or nudges, then what is in flight, and
        # when nothing is written any more the heartbeat.
        shutdown = Shutdown(DRAIN_SECONDS)
        heartbeat = Heartbeat(database=database, clock=clock, fingerprints=vault.fingerprints)
        await heartbeat.begin()
        stack.push_async_callback(shutdown.at_last, heartbeat.end)
        outages, metrics = Outages(clock), counters()
        database.heard = metrics.moved
        provider = MailAPI.open(settings.mailapi_url, timeouts=timeouts, heard=outages.about(MAILAPI))
        mailapi = await stack.enter_async_context(provider)
        slacks = await stack.enter_async_context(signing_on.slacks(settings, database, vault, outages, clock))
        machine = Machine(database, mailapi, vault, clock, pace, Looks(clock, pace), metrics=metrics)
        await database.write(partial(checking.take_up_readable, machine))
        people = People(slacks=slacks, clock=clock)
        teller = Teller(
            database=database,
            slacks=slacks,
            people=people,
            clock=clock,
            pace=pace,
            pool=Pool(size=16, share=8, kept=4),
            outages=outages,
            metrics=metrics,
        )
        approvers = Approvers(people)
        worker = Worker(
            machine=machine,
            slacks=slacks,
            people=people,
            approvers=approvers,
            teller=teller,
            pool=Pool(size=64, share=8, kept=16),
            watches=Pool(size=192, share=24, kept=48),  # more than there are connections, so that none waits for us
            outages=outages,
        )
        after = Pool(size=64, share=16)
        stack.push_async_callback(shutdown.drain, worker, after)
        others = await stack.enter_async_context(nudging.carried(database, worker.nudge))
        nudge = partial(_nudge_all, worker, others)
        directory = Directory(machine=machine, clock=clock, after=after)
        uninstalling = Uninstalling(
            database=database,
            slacks=slacks,
            directory=directory,
            clock=clock,
            grace=timedelta(days=settings.mailroom_grace_days),
        )
        app = front.build(
            settings,
            machine=machine,
            slacks=slacks,
            people=people,
            approvers=approvers,
            nudge=nudge,
            doors=Doors(after, directory, uninstalling, outages, metrics, lambda: heartbeat.living),
        )
        socket_mode = None
        if settings.mode is Mode.SOCKET:
            connections = settings.mailroom_socket_connections
            socket_mode = SocketMode(app=app, app_token=settings.app_token, connections=connections)
        mailroom = Mailroom(worker=worker, after=after, database=database, socket_mode=socket_mode, outages=outages)
        exposition = Exposition(
            metrics,
            database=database,
            clock=clock,
            causes=mailroom.causes,
            since_tick=lambda: worker.since_tick,
            outside=OUTSIDE,
        )
        pages = way_in.routes(settings, machine, slacks, nudge, lambda: heartbeat.living)
        await _listen(stack, settings, mailroom, app, exposition, pages)
        retention = Retention(database=database, clock=clock, keep=timedelta(days=settings.mailroom_keep_days))
        jobs = [
            Job("tick", mailroom.tick, pace.tick),
            Job("watch sockets", mailroom.watch_sockets, SOCKETS_EVERY),
            # At once: the start may have waited for Slack for long.
            Job("heartbeat", heartbeat.beat, BEATS_EVERY, after=AT_ONCE),
            Job("mend", partial(mending.mend, database, clock), timedelta(hours=1), after=AT_ONCE),
            Job("audit heads", partial(_log_heads, database), timedelta(days=1), after=AT_ONCE),
            Job("prune", retention.prune, timedelta(days=1), after=PRUNED_AFTER),
        ]
        # Where one token stands in the settings, rows of installations are of an earlier time: nobody asks about them.
        if settings.mode is Mode.OAUTH:
            jobs.append(Job("look for removals", uninstalling.ask_due, pace.look_for_removals))
        await stack.enter_async_context(schedule.kept(jobs, after))
        stack.callback(worker.end)
        stack.callback(shutdown.begin)
        worker.nudge()
        log.info("running", mode=settings.mode.value, url=mailroom.url)
        yield mailroom


def counters() -> Metrics:
    """Metrics whose labels take the words of the code and no others."""
    return Metrics(commands=SUBCOMMANDS, deliveries=DELIVERIES, kinds=KINDS, notices=owing.KINDS)


def vault_for(settings: Settings) -> Vault:
    """The vault with the keys that were set, or, beside SQLite, with a key file made on the first run."""
    keys = settings.encryption_keys()
    path = settings.key_file
    try:
        if path is not None:
            keys, made = key_file.read_or_make(path)
            log.info("encryption key made" if made else "encryption key read", file=str(path))
        return Vault(keys)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path or 'MAILROOM_ENCRYPTION_KEYS'} cannot be used: {error}") from None


async def _listen(
    stack: AsyncExitStack,
    settings: Settings,
    mailroom: Mailroom,
    app: AsyncApp,
    exposition: Exposition,
    pages: Sequence[Route],
) -> None:
    """Open what Slack's deliveries come in through; in Socket Mode a taken port only costs the health checks."""
    in_socket_mode = mailroom.socket_mode is not None
    slacks_own = None if in_socket_mode else app
    routes = http.build(slacks_own, settings.signing_secret, mailroom.state, exposition.text, pages)
    serving = http.serve(routes, settings.mailroom_host, settings.mailroom_port)
    try:
        mailroom.url = await stack.enter_async_context(serving)
    except OSError as error:
        where = f"{settings.mailroom_host}:{settings.mailroom_port}"
        if not in_socket_mode:
            raise SettingsError(f"MAILROOM_PORT cannot be used: {where} is taken. Choose another one.") from None
        log.warning("no health checks: the port is taken", address=where, reason=error.strerror)
    if mailroom.socket_mode is not None:
        connecting = asyncio.create_task(mailroom.socket_mode.connect())
        stack.push_async_callback(mailroom.socket_mode.close)
        stack.callback(connecting.cancel)


def _nudge_all(worker: Worker, others: Callable[[], None]) -> None:
    """There is something to do: here, and for other processes, should this one be busy or end."""
    worker.nudge_soon()
    others()


async def _log_heads(database: Database) -> None:
    """Log where each workspace's audit ends.

    Whoever can write to the database can write a whole new chain there, but not into a log that was sent elsewhere:
    `mailroom audit verify --head` holds the audit against it.
    """
    try:
        heads = await database.read(audit.heads, at_leisure=True)
    except DatabaseUnavailable as error:
        log.warning("audit heads not read", reason=str(error))
        return
    for workspace, head in heads.items():
        log.info("audit head", workspace=workspace, seq=head.seq, hash=head.hash)
