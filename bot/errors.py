"""What a person did that cannot be done, in words for that person."""


class UserError(Exception):
    """Answered privately with its text; nothing was written, sent or posted.

    The text is mrkdwn in which everything from outside is escaped already; `example` is a line to type instead.
    """

    def __init__(self, text: str, *, example: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.example = example


class UsageError(UserError):
    """What was typed cannot be understood."""


class Forbidden(UserError):
    """The person may not do this; the attempt is audited."""


class TryAgain(UserError):
    """It could not be checked or written just now; the same thing may work in a moment."""
