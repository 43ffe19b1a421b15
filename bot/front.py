"""The person's half, put together: Bolt, and all that listens on it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.amendments import Amendments
from bot.approvers import Approvers
from bot.attempts import Attempts
from bot.auditing import AuditReader
from bot.clerk import Clerk
from bot.connecting import Connecting
from bot.credentials import CredentialsViewer
from bot.decider import Decider
from bot.directory import Directory
from bot.explaining import Explainer
from bot.groups import Groups
from bot.intake import Intake
from bot.limits import Rate
from bot.listeners.audit import AuditClicks
from bot.listeners.clicks import Clicks
from bot.listeners.decisions import Decisions
from bot.listeners.dispatch import Dispatch
from bot.listeners.guard import Guard
from bot.listeners.mentions import Mentions
from bot.listeners.policy import PolicyForms
from bot.listeners.register import Handlers, register
from bot.listeners.removals import Removals
from bot.listeners.submissions import Submissions
from bot.metrics import Metrics
from bot.outages import Outages
from bot.people import People
from bot.pool import Pool
from bot.queries import Queries
from bot.settings import Settings
from bot.slacks import Slacks
from bot.standings import Standings
from bot.steering import Steering
from bot.uninstalling import Uninstalling
from bot.withdrawing import Withdrawals
from bot.worker.machine import Machine

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Doors:
    """What all that comes in from Slack needs: room for what follows an acknowledgement, and an eye for outages.

    `living` says how many processes take what comes in.
    """

    after: Pool
    directory: Directory
    uninstalling: Uninstalling
    outages: Outages
    metrics: Metrics
    living: Callable[[], int]


def build(
    settings: Settings,
    *,
    machine: Machine,
    slacks: Slacks,
    people: People,
    approvers: Approvers,
    nudge: Callable[[], None],
    doors: Doors,
) -> AsyncApp:
    """Bolt with the person's half on it; `nudge` is called after something was written."""
    app = _bolt(settings, slacks)
    database, clock = machine.database, machine.clock
    attempts = Attempts(database=database, people=people, clock=clock)
    intake = Intake(
        database=database,
        attempts=attempts,
        approvers=approvers,
        clock=clock,
        most_open=settings.mailroom_open_requests,
    )
    keys = Connecting(database=database, attempts=attempts, vault=machine.vault, clock=clock)
    steering = Steering(database=database, attempts=attempts, approvers=approvers, clock=clock, pace=machine.pace)
    directory = doors.directory
    queries = Queries(machine=machine, slacks=slacks)
    viewer = CredentialsViewer(machine=machine)
    reader = AuditReader(database=database, attempts=attempts, approvers=approvers, slacks=slacks)
    policies = PolicyForms(
        amendments=Amendments(database=database, attempts=attempts, people=people, clock=clock),
        groups=Groups(people),
        nudge=nudge,
    )
    dispatch = Dispatch(
        intake=intake,
        keys=keys,
        queries=queries,
        standings=Standings(database=database, clock=clock),
        explainer=Explainer(machine=machine, approvers=approvers, clock=clock),
        audit=reader,
        policies=policies,
        nudge=nudge,
    )
    clerk = Clerk(database=database, attempts=attempts, clock=clock)
    decider = Decider(clerk=clerk, approvers=approvers)
    register(
        app,
        Guard(
            slacks=slacks,
            after=doors.after,
            directory=directory,
            rate=Rate(clock, settings.mailroom_commands_a_minute, doors.living),
            outages=doors.outages,
            metrics=doors.metrics,
        ),
        Handlers(
            dispatch=dispatch,
            clicks=Clicks(
                intake=intake, steering=steering, dispatch=dispatch, queries=queries, credentials=viewer, nudge=nudge
            ),
            audit=AuditClicks(reader=reader, dispatch=dispatch),
            submissions=Submissions(intake=intake, keys=keys, directory=directory, people=people, nudge=nudge),
            decisions=Decisions(decider=decider, withdrawals=Withdrawals(clerk), dispatch=dispatch, nudge=nudge),
            mentions=Mentions(intake=intake, dispatch=dispatch),
            policy=policies,
            removals=Removals(database=database, slacks=slacks, uninstalling=doors.uninstalling, clock=clock),
        ),
    )
    app.error(_not_handled)
    return app


async def _not_handled(error: Exception) -> BoltResponse:
    """Our listeners raise nothing, so it is Bolt that failed at what was delivered, and would say that it is broken."""
    log.error("a delivery could not be handled", exc_info=error)
    return BoltResponse(status=400)


def _bolt(settings: Settings, slacks: Slacks) -> AsyncApp:
    """Bolt, acknowledging after the listener, with our own `authorize`, out of sight of SLACK_* in the environment."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> Any:
        """Lets all in, without a token: the guard asks for the workspace's, and says what is wrong in our words."""
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)

    with _slack_environment_hidden():
        return AsyncApp(
            name="mailroom",  # without one Bolt looks for its caller's file, which takes longer than all else here
            client=slacks.nobody.without_token(),
            signing_secret=settings.signing_secret or "unused in Socket Mode",
            authorize=authorize,
            process_before_response=True,
            request_verification_enabled=False,
        )


@contextmanager
def _slack_environment_hidden() -> Iterator[None]:
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("SLACK_")}
    try:
        yield
    finally:
        os.environ.update(hidden)
