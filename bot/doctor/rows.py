import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlmodel import Session

from bot.clock import Clock
from bot.doctor.finding import Finding, fine, wrong
from bot.settings import Settings
from storage import connections, installations, processes, requests, schema, sealed, workspaces
from storage.database import Database, DatabaseUnavailable
from storage.sealed import PLACES, Place, Text
from storage.tables import Connection, Installation, Process

CHECK = "Database"
_UNREACHABLE = "Look at DATABASE_URL, at the server or the file's rights, and at the room on its disk."
_UPGRADE = "Run `mailroom db upgrade`, or start `mailroom run`, which does the same."


@dataclass(frozen=True)
class Stored:
    """What the rows say that has to be held against the outside."""

    connections: Sequence[Connection]
    """The one in force of each workspace that has one."""
    installations: Sequence[Installation]
    """Of the workspaces that have installed the bot by themselves."""
    channels: frozenset[str]
    """Where requests that have not ended have their threads, direct messages left out."""
    processes: Sequence[Process]
    """Those that are alive, as they say themselves."""
    secrets: Sequence[tuple[Place, Text]]
    """All that is stored encrypted, also what only calls of earlier still need."""


async def look(settings: Settings, clock: Clock) -> tuple[Finding, Stored | None]:
    """Whether the database is there and of this version; the rows only where it is."""
    file = settings.sqlite_file
    if file is not None and not file.exists():
        advice = "Start `mailroom run`, which makes it, or look at DATABASE_URL and the folder that this runs in."
        return wrong(CHECK, f"There is no file {file.absolute()}.", advice), None
    database = Database.open(settings.database_url)
    try:
        revision = await asyncio.to_thread(schema.current, database.engine)
        if revision != schema.newest():
            return _of_another_version(revision), None
        return fine(CHECK, f"reachable, at revision {revision}, the newest"), await database.read(
            partial(_stored, clock)
        )
    except DatabaseUnavailable as error:
        return wrong(CHECK, f"It cannot be used: {str(error).rstrip('.?')}.", _UNREACHABLE), None
    finally:
        database.close()


def _of_another_version(revision: str) -> Finding:
    if not revision:
        return wrong(CHECK, "It is empty.", _UPGRADE)
    if revision < schema.newest():  # revisions are numbers of four digits
        return wrong(CHECK, f"It is at revision {revision}, and this Mailroom needs {schema.newest()}.", _UPGRADE)
    found = f"It is at revision {revision}, which is newer than this Mailroom knows ({schema.newest()})."
    return wrong(CHECK, found, "Install the newer Mailroom here too.")


def _stored(clock: Clock, session: Session) -> Stored:
    now = clock()
    known = workspaces.known(session)
    in_force = [connections.in_force(session, each) for each in known]
    homes = [request.home_channel for each in known for request in requests.open_ones(session, each)]
    return Stored(
        connections=[each for each in in_force if each is not None],
        installations=installations.in_force(session),
        channels=frozenset(each for each in homes if each.startswith("C")),
        processes=processes.living(session, now=now),
        secrets=[
            (place, text)
            for place in PLACES
            for each in known
            for text in sealed.of_workspace(session, each, place, now=now)
        ],
    )
