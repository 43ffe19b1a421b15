"""What can come of a request to MailAPI, named by what to do about it.

No error of this tree carries a URL, the key, or another exception as its cause or context.
"""


class MailAPIError(Exception):
    """A request had no good end; `reason` is one line that may be shown to a person once it is escaped."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Rejected(MailAPIError):
    """The provider understood and said no; repeating changes nothing.

    `reason` is the provider's wording, `status` the HTTP status that came with it. It is 200 where an error body
    came with a 200.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class KeyRefused(Rejected):
    """The key is invalid or the caller id does not own it: the connection is broken until a person replaces it."""


class NotFound(Rejected):
    """No such domain for this account, or no such task for this key."""


class Unavailable(MailAPIError):
    """Certainly not applied, and may be repeated later; for a read simply: ask again."""


class RateLimited(Unavailable):
    """Not applied, because too much was asked; `retry_after` is in seconds, `None` if the provider does not say."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class OutcomeUnknown(MailAPIError):
    """A create of which at least one byte may have left and whose answer is lost: look before repeating it."""
