"""Changing a workspace's policy: who may, what a form changes in it, and who was first."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from sqlmodel import Session

from bot import access
from bot.access import Actor
from bot.approvers import PATIENCE_SECONDS, Rules
from bot.attempts import Attempts
from bot.clock import Clock
from bot.drafting import Filled, Wrong, drafted, merged
from bot.errors import Forbidden, TryAgain, UserError
from bot.origin import Origin
from bot.people import People
from bot.policy import Part, Policy
from bot.texts import policy_forms, refusals
from bot.texts.policies import Shown
from storage import connections, policies, workspaces
from storage.database import Database
from storage.tables import Policy as Version

log = structlog.get_logger(__name__)

ACTION = "policy"
"""By which the audit knows what is done here."""
NOT_HIS = (refusals.NOT_YOUR_POLICY, "not an admin")
"""Why somebody may not change the policy, for him and for the audit."""
_NAMING: Mapping[Part, str] = {Part.APPROVERS: "people", Part.ASKERS: "askers"}
"""The field of each form in which people are named one by one."""


@dataclass(frozen=True)
class Saved:
    """What a submission made of the policy; both are the same where it changed nothing."""

    before: Policy
    after: Policy


@dataclass(frozen=True)
class Overtaken:
    """Somebody else has saved since the form was opened: what is in force now, and what would come of both."""

    newest: Version
    seen: Policy
    both: Policy


class Amendments:
    """The person's half of a change of the policy: it checks rights, validates and writes rows."""

    def __init__(self, *, database: Database, attempts: Attempts, people: People, clock: Clock) -> None:
        self._database = database
        self._attempts = attempts
        self._people = people
        self._clock = clock

    async def shown(self, origin: Origin) -> Shown:
        """The policy as somebody may see it; raises `UserError`."""
        actor = await self._attempts.member(origin, ACTION)
        return await self._database.read(partial(_shown, origin.workspace, actor))

    async def to_change(self, origin: Origin) -> Rules:
        """What somebody is about to change; raises `UserError` where he may not."""
        _, rules = await self._editor(origin)
        return rules

    async def _editor(self, origin: Origin) -> tuple[Actor, Rules]:
        actor = await self._attempts.member(origin, ACTION)
        rules = await self._database.read(lambda session: Rules.of(session, origin.workspace))
        if not access.may_edit_policy(actor, connected_by=rules.connected_by):
            await self._attempts.refuse(origin, ACTION, *NOT_HIS)
        return actor, rules

    async def may_change(self, workspace: str, person: str) -> bool:
        """Whether somebody may change the policy; raises `TryAgain`."""
        actor = await self._people.actor(workspace, person)
        connection = await self._database.read(lambda session: connections.in_force(session, workspace))
        return access.may_edit_policy(actor, connected_by=connection.connected_by if connection else None)

    async def amend(self, part: Part, filled: Filled, version: int, origin: Origin) -> Saved | Overtaken | Wrong:
        """Put one part of the policy in force as it was filled in, where `version` still is; raises `UserError`."""
        actor, rules = await self._editor(origin)
        draft = drafted(part, filled, rules.policy, connected_by=rules.connected_by)
        wrong = await self._no_members(part, draft, rules.policy, origin.workspace) if isinstance(draft, Policy) else {}
        if wrong:
            return wrong
        came = await self._database.write(partial(self._amend, part, filled, version, origin, actor))
        if isinstance(came, UserError):
            raise came
        return came

    async def _no_members(self, part: Part, draft: Policy, before: Policy, workspace: str) -> Wrong:
        """Whom the form names anew although he is no full member, at its field; raises `TryAgain`."""
        field = _NAMING.get(part)
        new = [person for person in getattr(draft, field) if person not in getattr(before, field)] if field else []
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await asyncio.gather(*(self._people.actor(workspace, person) for person in new))
        except (TryAgain, TimeoutError):
            raise TryAgain(refusals.WHO_ARE_THEY) from None
        names = [actor.name or actor.id for actor in found if not actor.full_member]
        return {field: policy_forms.no_members(names)} if field and names else {}

    def _amend(
        self, part: Part, filled: Filled, version: int, origin: Origin, actor: Actor, session: Session
    ) -> Saved | Overtaken | Wrong | UserError:
        workspace = origin.workspace
        workspaces.lock(session, workspace)
        known = policies.by_key(session, workspace, origin.deduplication_key)
        if known is not None:  # the same submission, delivered again
            return Saved(_of_version(session, workspace, known.version - 1), Policy.read(known.rules))
        rules, seen = Rules.of(session, workspace), _of_version(session, workspace, version)
        if not access.may_edit_policy(actor, connected_by=rules.connected_by):  # his key was replaced meanwhile
            said, why = NOT_HIS
            return self._attempts.refused(session, origin, ACTION, Forbidden(said), why)
        draft = drafted(part, filled, rules.policy, connected_by=rules.connected_by)
        if not isinstance(draft, Policy):
            return draft
        both = merged(part, draft, seen, rules.policy)
        newest = policies.current(session, workspace)
        if both != rules.policy and newest is not None and newest.version != version:
            return Overtaken(newest, seen, both)
        if both != rules.policy:
            self._put_in_force(session, both, rules, origin)
        return Saved(rules.policy, both)

    def _put_in_force(self, session: Session, policy: Policy, rules: Rules, origin: Origin) -> None:
        changed = policies.change(
            session,
            origin.workspace,
            policy.stored(),
            after=rules.version,
            by=origin.person,
            key=origin.deduplication_key,
            now=self._clock(),
        )
        if changed is None:
            raise RuntimeError("the workspace's row is locked, so its policy cannot have changed")
        before, after = _differing(rules.policy, policy), _differing(policy, rules.policy)
        self._attempts.note(session, origin, ACTION, "changed", version=changed.version, before=before, after=after)
        log.info("policy changed", workspace=origin.workspace, version=changed.version, fields=sorted(after))


def _shown(workspace: str, actor: Actor, session: Session) -> Shown:
    rules, newest = Rules.of(session, workspace), policies.current(session, workspace)
    return Shown(
        rules.policy,
        connected_by=rules.connected_by,
        changed_by=newest.changed_by if newest else None,
        changed_at=newest.changed_at if newest else None,
        may_edit=access.may_edit_policy(actor, connected_by=rules.connected_by),
    )


def _of_version(session: Session, workspace: str, version: int) -> Policy:
    """The policy of a version, 0 for the defaults; raises `UserError` for one that never was."""
    found = policies.version(session, workspace, version)
    if found is None and version != 0:
        raise UserError(refusals.OLD_FORM)
    return Policy.read(found.rules if found else None)


def _differing(policy: Policy, other: Policy) -> Mapping[str, Any]:
    """What a policy says where another one says something else, as it is stored."""
    stored = policy.stored()
    return {name: stored[name] for name in policy.differing(other)}
