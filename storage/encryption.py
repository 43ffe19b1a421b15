"""Secrets at rest: encrypted, and bound to the workspace and the purpose that they were stored for."""

import json
import os
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
        except ValueError:
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
        except InvalidToken:
            raise Undecryptable("It was encrypted with another key, or changed since.") from None
        if (content["v"], content["workspace"], content["purpose"]) != (VERSION, workspace, purpose):
            raise Undecryptable("It was stored for another workspace or purpose.")
        return str(content["value"])


def generate_key() -> str:
    """A new Fernet key."""
    return Fernet.generate_key().decode()


def key_from_file(path: Path) -> tuple[str, bool]:
    """The key in `path` and whether it was made just now, readable by its owner alone."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip(), False
    key = generate_key()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key, True
