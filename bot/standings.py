"""How a workspace stands, read from the rows."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from bot.clock import Clock
from bot.commands import WINDOWS
from bot.notices.owing import progress_of
from bot.progress import Progress, Unread
from bot.texts.standing import MOST_SHOWN, Standing
from storage import calls, connections, requests
from storage.database import Database
from storage.requests import Onlooker
from storage.tables import Connection, Request

log = structlog.get_logger(__name__)

MOST_RECENT = 20
KEPT = timedelta(minutes=1)


class Standings:
    """Answers about a workspace that need nobody else."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._connected_at: dict[str, datetime] = {}

    async def connected(self, workspace: str) -> bool:
        """Whether there is a key; that there is one is taken as true for a minute."""
        seen = self._connected_at.get(workspace)
        if seen is not None and seen > self._clock() - KEPT:
            return True
        found = await self._database.read(lambda session: connections.in_force(session, workspace))
        if found is not None:
            self._connected_at[workspace] = self._clock()
        return found is not None

    async def of(self, workspace: str, onlooker: Onlooker) -> Standing:
        """The connection, what is under way as far as `onlooker` may see it, and which windows are open."""

        def read(session: Session) -> Standing:
            connection = connections.in_force(session, workspace)
            return Standing(
                connection=connection,
                open_requests=_progress(session, requests.open_ones(session, workspace, onlooker, most=MOST_SHOWN)),
                open_count=requests.count_open(session, workspace),
                unsent=requests.count_unsent(session, workspace),
                windows=_windows(session, connection, now=self._clock()) if connection else {},
                out=calls.count_out(session, workspace),
                watched=calls.count_watched(session, workspace),
            )

        return await self._database.read(read)

    async def recent(self, workspace: str, onlooker: Onlooker) -> Sequence[Progress | Unread]:
        """The newest requests that `onlooker` may see."""
        return await self._database.read(
            lambda session: _progress(session, requests.recent(session, workspace, onlooker, most=MOST_RECENT))
        )


def _windows(session: Session, connection: Connection, *, now: datetime) -> dict[str, datetime]:
    """When MailAPI takes the next request for a domain: by what was sent, or by what waits for it."""
    opens: dict[str, datetime] = {}
    for kind, length in WINDOWS.items():
        sent = calls.sent_since(session, connection, kind, since=now - length)
        opens |= {domain: sent_at + length for domain, sent_at in sent}
    waiting = calls.waiting(session, connection.workspace_id)
    return opens | {call.domain: call.due_at for call in waiting if call.due_at is not None}


def _progress(session: Session, found: Sequence[Request]) -> Sequence[Progress | Unread]:
    """How far each is, as far as it can be read."""
    shown: list[Progress | Unread] = []
    for request in found:
        try:
            shown.append(progress_of(session, request))
        except ValueError:
            log.warning("request cannot be read", request=request.id)
            shown.append(Unread(request))
    return shown
