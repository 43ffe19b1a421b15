"""Secrets at rest: encrypted, and bound to the workspace and the purpose that they were stored for."""

import base64
import hashlib
import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

VERSION = 1
_LABEL = b"mailroom encryption key fingerprint\n"


class Undecryptable(Exception):
    """The stored text cannot be read with the keys at hand, or was stored for something else."""


class Vault:
    """Encrypts with the first of `keys` and decrypts with any of them.

    Raises `ValueError`, without the key in its text, where one is no Fernet key.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            each = [Fernet(key) for key in keys]
            self._fernet = MultiFernet(each)
        except ValueError:  # also where there is none
            raise ValueError(
                "An encryption key is not a Fernet key (32 bytes, base64): make one with `mailroom keys generate`."
            ) from None
        self._first = each[0]
        self.fingerprints = tuple(fingerprint(key) for key in keys)
        """What the keys are called where they are not to be seen, in their order."""

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

    def resealed(self, sealed: str, *, workspace: str, purpose: str) -> str:
        """The value encrypted with the first key, which is the same text where it is already.

        Raises `Undecryptable` as `unseal` does.
        """
        value = self.unseal(sealed, workspace=workspace, purpose=purpose)
        return sealed if self.is_newest(sealed) else self.seal(value, workspace=workspace, purpose=purpose)

    def is_newest(self, sealed: str) -> bool:
        """Whether the first key encrypted it."""
        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return False
        return True


def generate_key() -> str:
    """A new Fernet key."""
    return Fernet.generate_key().decode()


def fingerprint(key: str) -> str:
    """What a key is called where it is not to be seen: the same for the same key, and nothing to find it by."""
    return hashlib.sha256(_LABEL + base64.urlsafe_b64decode(key)).hexdigest()[:16]
