"""The database's schema: where it stands, and bringing it up to date."""

from collections.abc import Callable
from pathlib import Path

import structlog
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from storage.database import named
from storage.engines import writing
from storage.tables import NAMING

log = structlog.get_logger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"

MIGRATING = 0x6D61696C
"""The advisory lock under which one process migrates while the others wait (PostgreSQL)."""

STANDSTILL_SECONDS = 60
"""How long a migration may do nothing at the database before it is given up, since all other starts wait for it."""


def upgrade(engine: Engine, revision: str = "head") -> str:
    """Bring the database up to `revision`, one process at a time; gives the revision it is at.

    A database that newer code has migrated is left as it is: during a rolling upgrade an older process may start once
    more. Raises `DatabaseUnavailable` where it cannot be reached, opened or locked.
    """
    return _migrate(engine, _upgrade, revision)


def downgrade(engine: Engine, revision: str) -> str:
    """Take the database back to `revision` (`base`: empty); gives the revision it is at."""
    return _migrate(engine, command.downgrade, revision)


def newest() -> str:
    """The revision that this code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("There are no migrations.")
    return head


def current(engine: Engine) -> str:
    """The revision that the database is at, or an empty text for an empty database.

    Raises `DatabaseUnavailable` where it cannot be reached or opened.
    """
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() or ""
    except DBAPIError as error:
        failure = named(error)
    raise failure


def differences(engine: Engine) -> list[object]:
    """What the database lacks or has beyond the models."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, NAMING))


def _upgrade(config: Config, revision: str) -> None:
    found = MigrationContext.configure(config.attributes["connection"]).get_current_revision() or ""
    if found > newest():  # revisions are numbers of four digits
        log.warning("the database is newer than this process", database=found, process=newest())
        return
    command.upgrade(config, revision)


def _migrate(engine: Engine, step: Callable[[Config, str], None], revision: str) -> str:
    try:
        with writing(engine).begin() as connection:
            if connection.dialect.name == "postgresql":
                # Others may migrate for as long as it takes, and so may we.
                connection.execute(text("SET LOCAL lock_timeout = 0"))
                connection.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{STANDSTILL_SECONDS}s'"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
            step(_config(connection), revision)
            return MigrationContext.configure(connection).get_current_revision() or ""
    except DBAPIError as error:
        failure = named(error)
    raise failure


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
