"""The limits of Slack's Web API: 429 holds for a method and a workspace, and for nothing else."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.notices.owing import COPY, COPY_EDIT, DIRECT, EDIT, FILE, ROOT, THREAD, VIEW

METHODS = {
    ROOT: "chat.postMessage",
    THREAD: "chat.postMessage",
    DIRECT: "chat.postMessage",
    COPY: "chat.postMessage",
    EDIT: "chat.update",
    COPY_EDIT: "chat.update",
    VIEW: "views.update",
    FILE: "files.completeUploadExternal",
}
"""What each kind of notice calls."""


@dataclass
class Limits:
    """Which methods Slack does not take from this process now, by workspace (docs.slack.dev, rate limits)."""

    clock: Clock
    _until: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def pause(self, workspace: str, method: str, wait: timedelta) -> None:
        """Slack said how long to wait."""
        key = (workspace, method)
        until = self.clock() + wait
        self._until[key] = max(until, self._until.get(key, until))

    def paused(self) -> list[tuple[str, str]]:
        """The workspaces and kinds of notices that have to wait."""
        now = self.clock()
        self._until = {key: until for key, until in self._until.items() if until > now}
        return [
            (workspace, kind) for workspace, method in self._until for kind, name in METHODS.items() if name == method
        ]
