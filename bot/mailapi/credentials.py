import re
from dataclasses import dataclass

KEY_LENGTH = 32
"""Letters and digits in a key, from the provider's reference."""

MASK = b"*" * 8
"""What stands in the place of a key that the provider sends back."""


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A key and the user id of the account that owns it.

    Raises `ValueError`, whose text leaves the key out, unless the key is 32 ASCII letters and digits.
    """

    key: str
    caller_id: int

    def __post_init__(self) -> None:
        if not re.fullmatch(rf"[A-Za-z0-9]{{{KEY_LENGTH}}}", self.key):
            raise ValueError(f"A MailAPI key has {KEY_LENGTH} characters, letters and digits only.")

    def __repr__(self) -> str:
        return f"Credentials(key=<hidden>, caller_id={self.caller_id})"

    @property
    def last_four(self) -> str:
        """The end of the key, by which its owner tells it from another one."""
        return self.key[-4:]

    def masked(self, text: bytes) -> bytes:
        """`text` without the key, in whatever case the key stands in it."""
        return re.sub(self.key.encode(), MASK, text, flags=re.IGNORECASE)
