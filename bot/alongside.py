"""What commands share that work on the rows beside a running bot."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.settings import Settings, SettingsError
from storage import schema
from storage.database import Database


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """The database of the settings, which is not made: raises `SettingsError` where there is none of this version.

    Raises `DatabaseUnavailable` where it does not answer.
    """
    if settings.sqlite_file is not None and not settings.sqlite_file.exists():
        raise SettingsError(f"DATABASE_URL names {settings.sqlite_file.absolute()}, and there is no such file.")
    database = Database.open(settings.database_url)
    try:
        if schema.current(database.engine) != schema.newest():
            raise SettingsError("The database is of another version: run `mailroom db upgrade`.")
        yield database
    finally:
        database.close()
