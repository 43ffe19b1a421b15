"""The file beside a SQLite database that holds its encryption keys, readable by its owner alone."""

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from storage.encryption import generate_key


def read(path: Path) -> list[str]:
    """The keys, one on each line or separated by commas, the first of which encrypts; raises `OSError`."""
    return [key for key in re.split(r"[\s,]+", path.read_text(encoding="ascii", errors="replace")) if key]


def read_or_make(path: Path) -> tuple[list[str], bool]:
    """The keys in `path`, and whether it was made just now with a new one.

    Only the first of several processes can link its draft there: none reads half a key, and after a crash there is a
    whole one or none.
    """
    if path.exists():
        return read(path), False
    with _draft(path, [generate_key()]) as draft:
        try:
            os.link(draft, path)
            made = True
        except FileExistsError:
            made = False
    return read(path), made


def put_first(path: Path, key: str) -> None:
    """Put a key in front of those in `path`; at each moment it holds either those before or all of them.

    It stays its owner's, though an administrator may do this for him.
    """
    with _draft(path, [key, *read(path)]) as draft:
        owner, ours = path.stat(), draft.stat()
        if (owner.st_uid, owner.st_gid) != (ours.st_uid, ours.st_gid):
            os.chown(draft, owner.st_uid, owner.st_gid)
        draft.replace(path)


@contextmanager
def _draft(path: Path, keys: Sequence[str]) -> Iterator[Path]:
    """A whole file beside its place, for its owner alone; gone afterwards unless it took that place."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write("".join(f"{key}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
    _keep_entry(path.parent)


def _keep_entry(folder: Path) -> None:
    """Make a file's place in its folder survive a power cut, where the system lets a folder be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
