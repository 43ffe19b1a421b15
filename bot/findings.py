"""What a look at MailAPI says of the domain that a request is for, beside which of its names exist."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Self

from bot.operation import Operation, Sight, Standing


@dataclass(frozen=True)
class Findings:
    """Quotas are in MB; `None` where MailAPI says nothing of it, or nothing is to be said."""

    status: str | None = None
    """The domain's status, as MailAPI words it."""
    ready: bool | None = None
    quota_asked: int | None = None
    """Of all names that are to be made."""
    quota_used: int | None = None
    quota_limit: int | None = None
    window_opens: datetime | None = None
    """When MailAPI takes the next request for this domain, where that is later than now."""

    @classmethod
    def of(cls, operation: Operation, taken: Collection[str], sight: Sight, domains: Sight) -> Self:
        """From what stands where the names would be, and from the account's domains."""
        domain = domains.get(operation.scope)
        if domain is None:
            return cls()
        found = cls(domain.word, domain.standing is Standing.READY)
        if operation.quota_of_each is None:
            return found
        missing = sum(name not in taken for name in operation.names())
        used = sum(listed.quota_mb or 0 for listed in sight.values())
        asked = operation.quota_of_each * missing
        return replace(found, quota_asked=asked, quota_used=used, quota_limit=domain.quota_mb)

    @classmethod
    def read(cls, stored: dict[str, Any]) -> Self:
        """As they were stored with a plan."""
        opens = stored.get("window_opens")
        return cls(**{**stored, "window_opens": datetime.fromisoformat(opens) if opens else None})

    def stored(self) -> dict[str, Any]:
        """As they are stored."""
        return {**asdict(self), "window_opens": self.window_opens.isoformat() if self.window_opens else None}

    @property
    def exceeds(self) -> int:
        """By how many MB the quotas are more than the domain's; 0 where they are not, or nothing is known."""
        if self.quota_limit is None or self.quota_asked is None:
            return 0
        return max(0, (self.quota_used or 0) + self.quota_asked - self.quota_limit)

    @property
    def verdicts(self) -> tuple[bool | None, bool, bool]:
        """Whether the domain is ready, the quotas are too much, and a window is closed: no numbers that drift."""
        return (self.ready, self.exceeds > 0, self.window_opens is not None)
