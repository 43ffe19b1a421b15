"""Secrets at rest: encrypted, and bound to the workspace and the purpose that they were stored for."""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

VERSION = 1


class Undecryptable(Exception):
    """The stored text cannot be read with the keys at hand, or was stored for something else."""


class Vault:
    """Encrypts with the first of `keys` and decrypts with any of them.

    Raises `ValueError`, without the key in its text, where one is no Fernet key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:  # also where there is none
            raise ValueError(
                "An encryption key is not a Fernet key (32 bytes, base64): make one with `mailroom keys generate`."
            ) from None

    def __repr__(self) -> str:
        return "Vault()"

    def seal(self, value: str, *, workspace: str, purpose: str) -> str:
        """The encrypted text of `{v, workspace, purpose, value}`."""
        sealed = {"v": VERSION, "workspace": workspace, "purpose": purpose, "value": value}
        return self._fernet.encrypt(json.dumps(sealed).encode()).decode()

    def unseal(self, sealed: str, *, workspace: str, purpose: str) -> str:
        """The value again; raises `Undecryptable` for another key, workspace or purpose.

        Fernet itself binds a text to nothing, so what was bound is compared after decryption.
        """
        try:
            content = json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            raise Undecryptable("It was encrypted with another key, or changed since.") from None
        match content:
            case {"v": v, "workspace": w, "purpose": p, "value": str(value)} if (v, w, p) == (
                VERSION,
                workspace,
                purpose,
            ):
                return value
            case _:
                raise Undecryptable("It was stored for another workspace or purpose.")


def generate_key() -> str:
    """A new Fernet key."""
    return Fernet.generate_key().decode()


def key_from_file(path: Path) -> tuple[str, bool]:
    """The key in `path` and whether it was made just now, readable by its owner alone.

    It is written whole beside its place and then linked there, which only the first of several processes can: none
    reads half a key, and after a crash there is a whole one or none.
    """
    if path.exists():
        return _key_in(path), False
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(generate_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
        made = True
    except FileExistsError:
        made = False
    finally:
        Path(draft).unlink()
    _keep_entry(path.parent)
    return _key_in(path), made


def _key_in(path: Path) -> str:
    return path.read_text(encoding="ascii").strip()


def _keep_entry(folder: Path) -> None:
    """Make a file's place in its folder survive a power cut, where the system lets a folder be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
