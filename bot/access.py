"""Who may do what: rules that take values and return values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A person as Slack describes him to a workspace."""

    id: str
    admin: bool = False
    guest: bool = False
    outsider: bool = False
    deactivated: bool = False

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
