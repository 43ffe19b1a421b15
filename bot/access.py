"""Who may do what: rules that take values and return values."""

from dataclasses import dataclass, field

from bot.policy import Gate, Policy, Ruling


@dataclass(frozen=True)
class Actor:
    """A person as Slack describes him to a workspace; `name` is what people call him there, where Slack says it."""

    id: str
    admin: bool = False
    guest: bool = False
    outsider: bool = False
    deactivated: bool = False
    name: str = field(default="", compare=False)

    @property
    def full_member(self) -> bool:
        """Neither a guest, nor from another organisation, nor gone."""
        return not (self.guest or self.outsider or self.deactivated)


def may_ask(actor: Actor) -> bool:
    """Full members may ask for domains and mailboxes, and see lists."""
    return actor.full_member


def may_connect(actor: Actor, *, connected_by: str | None) -> bool:
    """Who may connect or replace the key; `connected_by` is who connected the one in force, or `None`.

    The very first connect is any full member's; afterwards it is for admins, owners and whoever connected.
    """
    if not actor.full_member:
        return False
    return connected_by is None or actor.admin or actor.id == connected_by


def may_steer(actor: Actor, *, asker: str) -> bool:
    """Who may answer a question about a request that is under way: its asker, and admins."""
    return actor.full_member and (actor.admin or actor.id == asker)


def may_edit_policy(actor: Actor, *, connected_by: str | None) -> bool:
    """Who may change the policy: admins, owners, and whoever connected the key in force."""
    return actor.full_member and (actor.admin or actor.id == connected_by)


def may_approve(policy: Policy, actor: Actor, *, connected_by: str | None, in_group: bool) -> bool:
    """Whether the policy counts somebody among the approvers; `in_group`: he is in one of its user groups."""
    if not actor.full_member:
        return False
    by_role = (policy.admins and actor.admin) or (policy.connector and actor.id == connected_by)
    return by_role or actor.id in policy.people or in_group


def may_ask_here(policy: Policy, actor: Actor, *, in_group: bool) -> bool:
    """Whether the policy lets somebody ask; `in_group`: he is in one of the user groups that may."""
    return actor.full_member and (not policy.limits_askers or actor.id in policy.askers or in_group)


def may_decide(ruling: Ruling, *, asker: str, person: str, approver: bool) -> bool:
    """Whether somebody's yes counts for a request: the asker's for a confirmation, an approver's for an approval."""
    if ruling.gate is Gate.CONFIRM:
        return person == asker
    return approver and (person != asker or ruling.own)
