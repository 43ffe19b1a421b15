"""The limits of Slack's Web API: 429 holds for a method and a workspace, and for nothing else.

Whoever hears it puts a notice off with the reason, so that other processes, and the next start, know of it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.notices.owing import COPY, COPY_EDIT, DIRECT, EDIT, FILE, ROOT, THREAD, VIEW
from bot.slack_errors import Limited, asked_pause

POST, EDIT_POST, OPEN_DIRECT = "chat.postMessage", "chat.update", "conversations.open"
METHODS = {
    ROOT: {POST},
    THREAD: {POST},
    DIRECT: {OPEN_DIRECT, POST},
    COPY: {OPEN_DIRECT, POST},
    EDIT: {EDIT_POST},
    COPY_EDIT: {EDIT_POST},
    VIEW: {"views.update"},
    FILE: {"files.getUploadURLExternal", "files.completeUploadExternal"},
}
"""What each notice of a kind calls; one or the other calls more than that, and is checked then."""


@dataclass
class Limits:
    """Which methods Slack does not take now, by workspace (docs.slack.dev, rate limits)."""

    clock: Clock
    _until: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def pause(self, workspace: str, error: Limited) -> timedelta:
        """Let nothing of this workspace call the method that Slack limited; gives for how long."""
        wait = asked_pause(error)
        self.learn([(workspace, error.method, self.clock() + wait)])
        return wait

    def learn(self, limited: Sequence[tuple[str, str, datetime]]) -> None:
        """Let nothing of these workspaces call these methods until then, whoever heard it."""
        for workspace, method, until in limited:
            key = (workspace, method)
            self._until[key] = max(until, self._until.get(key, until))

    def paused(self) -> list[tuple[str, str]]:
        """The workspaces and kinds of notices that have to wait."""
        now = self.clock()
        self._until = {key: until for key, until in self._until.items() if until > now}
        return [
            (workspace, kind) for workspace, method in self._until for kind, names in METHODS.items() if method in names
        ]

    def check(self, workspace: str, method: str) -> None:
        """Right before a call that not each notice of its kind needs: raises `Limited` where it has to wait."""
        until = self._until.get((workspace, method))
        now = self.clock()
        if until is not None and until > now:
            raise Limited(method, (until - now).total_seconds())
