"""Letting go of what nobody needs any more, in small transactions, so that commands come in between."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlmodel import Session

from bot.clock import Clock
from bot.notices.owing import progress_of
from bot.progress import Plan
from storage import installations, requests, retention
from storage.database import Database, DatabaseUnavailable
from storage.states import RequestState
from storage.tables import Request

log = structlog.get_logger(__name__)

BATCH = 500
"""How many rows one transaction deletes."""
REQUESTS = 20
"""The calls of how many requests one transaction deletes."""
STATES = timedelta(days=1)
"""How long it is known which installations came back from Slack: far longer than they may take."""
Id = TypeVar("Id", int, str, tuple[str, int])


class Retention:
    """Prunes once it is called; whether another process does the same at that moment makes no difference."""

    def __init__(self, *, database: Database, clock: Clock, keep: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep

    async def prune(self) -> None:
        """Delete what is old enough; in an outage of the database the rest waits for the next day."""
        before = self._clock() - self._keep
        try:
            gone = {
                "events": await self._each(retention.old_events, retention.forget_events, before, BATCH),
                "notices": await self._each(retention.old_notices, retention.forget_notices, before, BATCH),
                "requests": await self._each(retention.with_old_calls, _forget_calls, before, REQUESTS),
            }
            await self._database.write(partial(installations.forget_states, before=self._clock() - STATES))
            gone["workspaces"] = await self._workspaces()
        except DatabaseUnavailable as error:
            log.warning("not pruned", reason=str(error))
            return
        log.info("pruned", before=before.isoformat(), **gone)

    async def _workspaces(self) -> int:
        """Delete all that there is of those who removed the bot long enough ago."""
        now = self._clock()
        over = await self._database.read(partial(installations.to_delete, now=now))
        for workspace in over:
            await forget_workspace(self._database, workspace, now=now)
        return len(over)

    async def _each(
        self,
        find: Callable[..., Sequence[Id]],
        forget: Callable[[Session, Sequence[Id]], Any],
        before: datetime,
        most: int,
    ) -> int:
        """Look outside of the transaction that deletes: what is found has ended, and nothing changes it any more."""
        gone = 0
        while found := await self._database.read(partial(find, before=before, most=most), at_leisure=True):
            await self._database.write(partial(_run, forget, found))
            gone += len(found)
        return gone


async def forget_workspace(database: Database, workspace: str, *, now: datetime) -> None:
    """Delete all that there is of a workspace whose grace period is over, unless it has the bot again."""
    forget = partial(retention.forget_workspace, workspace_id=workspace, now=now, most=BATCH)
    while not await database.write(forget):
        log.debug("rows of a workspace are being deleted", workspace=workspace)
    log.info("all of a workspace was deleted", workspace=workspace)


def _run(forget: Callable[[Session, Sequence[Id]], Any], ids: Sequence[Id], session: Session) -> None:
    forget(session, ids)


def _forget_calls(session: Session, found: Sequence[tuple[str, int]]) -> None:
    for workspace, request_id in found:
        request = requests.lock(session, workspace, request_id)
        if request is not None:
            _keep_outcome(session, request)
            retention.forget_calls(session, request)


def _keep_outcome(session: Session, request: Request) -> None:
    """Note on the request which names were made, where its state does not tell that of all of them."""
    try:
        progress = progress_of(session, request)
    except ValueError:
        return  # what cannot be read is not shown either
    partly = request.state is RequestState.PARTLY_DONE
    made = tuple(name for name, outcome in progress.outcomes.items() if outcome.ok) if partly else ()
    request.plan = replace(Plan.of(request), made=made).stored()
    session.add(request)
    session.flush()
