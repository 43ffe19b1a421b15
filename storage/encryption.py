"""Secrets at rest: encrypted, and bound to the workspace, the row and the purpose that they were stored for."""

import base64
import hashlib
import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_WITHOUT_ROW, _WITH_ROW = 1, 2
"""The two forms of what is encrypted: where a workspace has one row only, nothing else tells that row."""
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

    def seal(self, value: str, *, workspace: str, purpose: str, row: str = "") -> str:
        """The encrypted text of `{v, workspace, purpose, value}`, and of `row` where the workspace has several."""
        sealed = {"v": _WITHOUT_ROW, "workspace": workspace, "purpose": purpose, "value": value}
        if row:
            sealed |= {"v": _WITH_ROW, "row": row}
        return self._fernet.encrypt(json.dumps(sealed).encode()).decode()

    def unseal(self, sealed: str, *, workspace: str, purpose: str, row: str = "") -> str:
        """The value again; raises `Undecryptable` for another key, workspace, row or purpose.

        Fernet itself binds a text to nothing, so what was bound is compared after decryption. A text from before rows
        were bound is taken in any.
        """
        try:
            content = json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            raise Undecryptable("It was encrypted with another key, or changed since.") from None
        match content:
            case {"v": v, "workspace": w, "purpose": p, "value": str(value)} if (w, p) == (workspace, purpose):
                if v == _WITHOUT_ROW or (v == _WITH_ROW and content.get("row") == row):
                    return value
        raise Undecryptable("It was stored for another workspace, row or purpose.")

    def resealed(self, sealed: str, *, workspace: str, purpose: str, row: str = "") -> str:
        """The value encrypted with the first key, which is the same text where it is already.

        Raises `Undecryptable` as `unseal` does.
        """
        value = self.unseal(sealed, workspace=workspace, purpose=purpose, row=row)
        return sealed if self.is_newest(sealed) else self.seal(value, workspace=workspace, purpose=purpose, row=row)

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
