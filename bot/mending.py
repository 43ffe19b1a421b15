"""Taking up rows that would never be found again, since what says when they are due is no moment."""

from functools import partial

import structlog

from bot.clock import Clock
from storage import moments
from storage.database import Database, DatabaseUnavailable

log = structlog.get_logger(__name__)


async def mend(database: Database, clock: Clock) -> None:
    """Let such rows be looked at now; at leisure, and in an outage of the database the next time."""
    try:
        columns = await database.read(moments.garbled, at_leisure=True)
        if columns:
            mended = await database.write(partial(moments.mend, columns=columns, now=clock()))
            log.warning(
                "moments that could not be read were set to now", columns=[str(c) for c in columns], rows=mended
            )
    except DatabaseUnavailable as error:
        log.warning("not looked for moments that cannot be read", reason=str(error))
