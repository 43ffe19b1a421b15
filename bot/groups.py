"""The workspace's user groups by their handles, for choosing."""

import asyncio
from collections.abc import Mapping

import structlog

from bot.errors import TryAgain
from bot.people import People

log = structlog.get_logger(__name__)

MOST = 100
"""Slack takes so many choices."""
PATIENCE_SECONDS = 0.7
"""How long a form is held back for the handles: its trigger lives for 3 s, and who asks for it was asked before."""


class Groups:
    """User groups, at most a minute old."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def search(self, workspace: str, typed: str) -> list[tuple[str, str]]:
        """The id and handle of those whose handle holds what was typed, those that begin with it first.

        Raises `TryAgain`.
        """
        wanted = typed.strip().lower().removeprefix("@")
        groups = await self._people.groups(workspace)
        found = [(group, handle) for group, handle in groups if wanted in handle.lower()]
        found.sort(key=lambda each: (not each[1].lower().startswith(wanted), each[1].lower()))
        return found[:MOST]

    async def handles(self, workspace: str) -> Mapping[str, str]:
        """The handle of each by its id; none where Slack does not say in a moment."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return dict(await self._people.groups(workspace))
        except (TryAgain, TimeoutError):
            log.info("user groups are shown by their ids", workspace=workspace)
            return {}
