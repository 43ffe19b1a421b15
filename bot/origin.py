"""Where something came from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """Who did something, where, and the key by which a repeated delivery of it is known."""

    workspace: str
    person: str
    channel: str
    deduplication_key: str
    thread: str | None = None
