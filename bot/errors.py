"""What a person did that cannot be done, in words for that person."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Offer:
    """A form that is offered as a button, with what was right of what was typed; `kind` names the operation."""

    kind: str
    filled: Mapping[str, str] = field(default_factory=dict)


class UserError(Exception):
    """Answered privately with its text; nothing was written, sent or posted.

    The text is mrkdwn in which everything from outside is escaped already; `example` is a line to type instead,
    `offer` a form that does the same, `connect` whether the way on is to connect a key, and `domain` a word that is
    none.
    """

    def __init__(
        self,
        text: str,
        *,
        example: str | None = None,
        offer: Offer | None = None,
        connect: bool = False,
        domain: str | None = None,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.example = example
        self.offer = offer
        self.connect = connect
        self.domain = domain


class UsageError(UserError):
    """What was typed cannot be understood."""


class Forbidden(UserError):
    """The person may not do this; the attempt is audited."""


class TryAgain(UserError):
    """It could not be checked or written just now; the same thing may work in a moment."""


class NotADomain(ValueError):
    """A word that stands for a domain is none."""

    def __init__(self, text: str, word: str) -> None:
        super().__init__(text)
        self.word = word


class FieldError(ValueError):
    """A value is right by itself and wrong beside the others; `name` is the field to mend."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name
