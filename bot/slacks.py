"""The Slack of each workspace."""

from abc import ABC, abstractmethod

from bot.slack import Slack
from bot.slack_errors import TokenRefused


class NotInstalled(TokenRefused):
    """The workspace does not have the bot, or not any more: nothing can be asked or told there."""

    def __init__(self) -> None:
        super().__init__("not_installed")


class Unreadable(TokenRefused):
    """The workspace's token cannot be decrypted with the keys that this process has."""

    def __init__(self) -> None:
        super().__init__("unreadable_token")


class Ended(TokenRefused):
    """The workspace's token has come to its end, and Slack has given no other one for it."""

    def __init__(self) -> None:
        super().__init__("token_expired")


class Slacks(ABC):
    """Gives the Slack with which the bot speaks in a workspace."""

    nobody: Slack
    """One without a token, for what needs none, such as answering through a response URL."""
    install_url: str | None = None
    """Where the bot can be installed, if people can do that by themselves."""

    @abstractmethod
    async def of(self, workspace: str) -> Slack:
        """The workspace's Slack; raises `NotInstalled`, `Unreadable` or `Ended`."""

    @abstractmethod
    async def with_last_token(self, workspace: str) -> Slack:
        """As `of`, with the token that stands there, also one that has ended."""

    @abstractmethod
    async def probe(self) -> None:
        """Ask Slack anything, to notice whether it is there; raises `SlackError`."""

    @abstractmethod
    def forget(self, workspace: str) -> None:
        """Look anew at what is known of the workspace's token."""


class OneWorkspace(Slacks):
    """The one workspace whose token stands in the settings."""

    def __init__(self, slack: Slack) -> None:
        self._slack = slack
        self.nobody = slack

    async def of(self, workspace: str) -> Slack:
        """As above; no other workspace has the bot."""
        if workspace != self._slack.home.workspace:
            raise NotInstalled
        return self._slack

    async def with_last_token(self, workspace: str) -> Slack:
        """As above; it is the only one."""
        return await self.of(workspace)

    async def probe(self) -> None:
        """As above."""
        await self._slack.identity()

    def forget(self, workspace: str) -> None:
        """Nothing: the token stays until the next start."""
