"""Where a request is to live, kept in a form while somebody fills it in: a submission says nothing of it."""

import json
from dataclasses import asdict, dataclass, replace

from bot.origin import Origin

_LONGEST_ID = 32
"""Longer than any channel's id or message's moment, and what the columns hold."""


@dataclass(frozen=True)
class Whereabouts:
    """A channel, and the thread there, if it is one."""

    channel: str
    thread: str | None = None

    @classmethod
    def of(cls, origin: Origin) -> "Whereabouts":
        """Where something was asked."""
        return cls(origin.channel, origin.thread)

    @classmethod
    def read(cls, metadata: str) -> "Whereabouts":
        """From a form's metadata, which Slack gives back as it got it; anything else is nowhere."""
        try:
            kept = json.loads(metadata)
            channel, thread = str(kept["channel"]), kept["thread"] and str(kept["thread"])
        except (ValueError, TypeError, KeyError):
            return cls("")
        if len(channel) > _LONGEST_ID or len(thread or "") > _LONGEST_ID:
            return cls("")
        return cls(channel, thread)

    def metadata(self) -> str:
        """For a form."""
        return json.dumps(asdict(self))

    def at(self, origin: Origin) -> Origin:
        """The same origin, at this place."""
        return replace(origin, channel=self.channel, thread=self.thread)
