"""The titles of the forms, and the label and hint of each of their fields."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

CREATE_DOMAIN = "Create a domain"
CREATE_SUBDOMAINS = "Create sub-domains"
CREATE_MAILBOX = "Create a mailbox"
CREATE_BULK = "Create mailboxes"

NEW_DOMAIN = ("Domain", "Such as example.com. You need to be able to change its DNS.")
PARENT = ("Parent domain", "Type to find it.")
LABELS = ("Labels", "1 to 10, with spaces between them, such as team support billing.")
DOMAIN = ("Domain", "Type to find it.")
LOCAL_PART = ("Before the @", "Such as john for john@example.com.")
DISPLAY_NAME = ("Name", "Shown to those who get its mail.")
QUOTA = ("Quota", "Such as 1024, 1024MB or 1GB.")
PREFIX = ("Prefix", "team makes team1, team2 and so on.")
COUNT = ("How many", "1 to 1,000.")
QUOTA_OF_EACH = ("Quota of each", "Such as 512, 512MB or 1GB.")


class Element(StrEnum):
    """How a field is filled in."""

    TEXT = "text"
    NUMBER = "number"
    DOMAIN = "domain"
    """Chosen by typing, from the workspace's own domains."""


class Asked(Protocol):
    """A field, as far as a form shows it."""

    @property
    def name(self) -> str:
        """By which its value is known."""

    @property
    def label(self) -> str:
        """What stands above it."""

    @property
    def hint(self) -> str:
        """What stands below it."""

    @property
    def element(self) -> Element:
        """How it is filled in."""

    @property
    def optional(self) -> bool:
        """Whether it may be left out."""


class Sheet(Protocol):
    """A form, as far as it is shown."""

    @property
    def kind(self) -> str:
        """The operation that it is for."""

    @property
    def title(self) -> str:
        """What it makes."""

    @property
    def fields(self) -> Sequence[Asked]:
        """What there is to fill in."""
