"""Who may approve: the policy in force, and the people that it means, as Slack knows them now."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.people import People
from bot.policy import Policy
from storage import connections, policies

PATIENCE_SECONDS = 1.2
"""How long Slack is asked who counts, after up to 1.5 s for who did it: it waits 3 s for us."""
MOST_LOOKS = 5
"""How often somebody is judged anew, since the rows changed while Slack was asked."""


class Outdated(Exception):
    """The rows say something else than when Slack was asked about the people."""


@dataclass(frozen=True)
class Rules:
    """A workspace's policy in force, its version (0: the defaults), and who connected the key in force."""

    policy: Policy
    version: int = 0
    connected_by: str | None = None

    @classmethod
    def of(cls, session: Session, workspace: str) -> "Rules":
        """As the rows say."""
        laid_down = policies.current(session, workspace)
        connection = connections.in_force(session, workspace)
        return cls(
            Policy.read(laid_down.rules if laid_down else None),
            laid_down.version if laid_down else 0,
            connection.connected_by if connection else None,
        )

    @property
    def named(self) -> tuple[str, ...]:
        """The people that the policy names one by one, and who connected the key."""
        connector = [self.connected_by] if self.policy.connector and self.connected_by else []
        return tuple(dict.fromkeys((*self.policy.people, *connector)))


class Approvers:
    """Answers who may approve under given rules; what cannot be checked is never a yes."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def may_approve(self, workspace: str, rules: Rules, person: str) -> bool:
        """Whether somebody is an approver; raises `TryAgain` where Slack does not say."""
        actor = await self._people.actor(workspace, person)
        return await self.counts(workspace, rules, actor)

    async def counts(self, workspace: str, rules: Rules, actor: Actor) -> bool:
        """The same for somebody who is known already; the groups are asked only where nothing else says yes."""
        if access.may_approve(rules.policy, actor, connected_by=rules.connected_by, in_group=False):
            return True
        in_group = actor.full_member and await self.in_groups(workspace, rules.policy.groups, actor.id)
        return access.may_approve(rules.policy, actor, connected_by=rules.connected_by, in_group=in_group)

    async def in_groups(self, workspace: str, groups: Iterable[str], person: str) -> bool:
        """Whether somebody is in one of these user groups; raises `TryAgain`."""
        found = await asyncio.gather(*(self._people.group(workspace, group) for group in groups))
        return any(person in members for members in found)

    async def named(self, workspace: str, rules: Rules) -> tuple[str, ...]:
        """Whom the policy names, the people of its groups, and who connected the key; raises `TryAgain`."""
        found = await asyncio.gather(*(self._people.group(workspace, group) for group in rules.policy.groups))
        return tuple(dict.fromkeys((*rules.named, *(person for members in found for person in sorted(members)))))

    async def everybody(self, workspace: str, rules: Rules, admins: Iterable[Actor]) -> tuple[str, ...]:
        """The same, and `admins` (all that Slack has) where they count among the approvers; raises `TryAgain`."""
        by_role = [admin.id for admin in admins] if rules.policy.admins else []
        return tuple(dict.fromkeys((*await self.named(workspace, rules), *by_role)))
