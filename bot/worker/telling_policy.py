"""Telling a change of the policy to those whom it concerns: who may approve, or could before."""

from dataclasses import replace
from functools import partial

import structlog
from sqlmodel import Session

from bot.approvers import Approvers, Rules
from bot.errors import TryAgain
from bot.notices import owing
from bot.pace import retry_after
from bot.policy import Policy
from bot.slack_errors import SlackError, asked_pause
from bot.slacks import Slacks
from bot.texts.policies import told
from bot.worker.machine import Machine
from storage import moves, policies, requests
from storage.tables import Policy as Version

log = structlog.get_logger(__name__)

MOST_TOLD = 100


async def tell(machine: Machine, slacks: Slacks, approvers: Approvers, version: Version) -> None:
    """Owe each of them a direct message; what Slack does not answer in time is asked again later.

    Requests that wait for a decision are put to those who may decide now. This comes after the change was written, so
    that none which began to wait meanwhile is left out.
    """
    await machine.database.write(partial(requests.recall, workspace_id=version.workspace_id, now=machine.clock()))
    before, after = await machine.database.read(partial(_both, version))
    try:
        people = await _concerned(slacks, approvers, version.workspace_id, before, after)
    except (SlackError, TryAgain) as error:
        await _put_off(machine, version, error)
        return
    whom = [person for person in people if person != version.changed_by][:MOST_TOLD]
    await machine.database.write(partial(_owe, machine, version, before.policy, after.policy, whom))


def _both(version: Version, session: Session) -> tuple[Rules, Rules]:
    """The version before and this one, with who connected the key in force."""
    before = policies.version(session, version.workspace_id, version.version - 1)
    now = Rules.of(session, version.workspace_id)
    first = replace(now, policy=Policy.read(before.rules if before else None))
    return first, replace(now, policy=Policy.read(version.rules))


async def _concerned(
    slacks: Slacks, approvers: Approvers, workspace: str, before: Rules, after: Rules
) -> tuple[str, ...]:
    """Everybody who may approve by either; raises `SlackError` or `TryAgain`."""
    by_role = before.policy.admins or after.policy.admins
    admins = await (await slacks.of(workspace)).admins(workspace) if by_role else []
    found = [await approvers.everybody(workspace, rules, admins) for rules in (after, before)]
    return tuple(dict.fromkeys(person for people in found for person in people))


def _owe(machine: Machine, version: Version, before: Policy, after: Policy, whom: list[str], session: Session) -> None:
    if not policies.told(session, version):
        return
    message = told(version.changed_by, before, after)
    for person in whom:
        owing.direct(session, version.workspace_id, person, f"policy:{version.id}", message, now=machine.clock())
    log.info("change of the policy told", workspace=version.workspace_id, version=version.version, people=len(whom))


async def _put_off(machine: Machine, version: Version, error: Exception) -> None:
    attempts = version.attempts + 1
    due_at = machine.clock() + retry_after(attempts, at_least=asked_pause(error))
    reason = type(error).__name__
    log.warning("change of the policy not told yet", workspace=version.workspace_id, reason=reason, attempts=attempts)
    await machine.database.write(lambda session: moves.put_off(session, version, due_at, attempts=attempts))
