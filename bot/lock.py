"""One `mailroom run` at a time on a SQLite file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class AlreadyRunning(Exception):
    """Another process runs the bot on the same SQLite file."""


@contextmanager
def only_one(database: Path | None) -> Iterator[None]:
    """Hold the file's lock; without a file (PostgreSQL) any number may run. Raises `AlreadyRunning`.

    The lock is the operating system's, so it ends with the process, however that ends.
    """
    if database is None:
        yield
        return
    try:
        with FileLock(f"{database}.lock", timeout=0):
            yield
    except Timeout:
        raise AlreadyRunning(
            f"Another mailroom runs on {database.name} already. Stop it first, or use PostgreSQL for several processes."
        ) from None
