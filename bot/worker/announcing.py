"""Telling a workspace's admins who connected its first key."""

from collections.abc import Sequence
from functools import partial

import structlog
from sqlmodel import Session

from bot.access import Actor
from bot.approvers import Approvers, Rules
from bot.errors import TryAgain
from bot.notices import owing
from bot.pace import retry_after
from bot.slack_errors import Refused, SlackError
from bot.slacks import Slacks
from bot.texts import forms, policies
from bot.worker.machine import Machine
from storage import moves
from storage.tables import Connection

log = structlog.get_logger(__name__)


async def announce(machine: Machine, slacks: Slacks, approvers: Approvers, connection: Connection) -> None:
    """Owe each admin but the one who did it a direct message; what Slack does not answer is asked again later.

    Whoever connected the key hears it where nobody but him could approve anything.
    """
    try:
        admins = await (await slacks.of(connection.workspace_id)).admins(connection.workspace_id)
    except Refused as error:
        log.warning("Slack does not say who the admins are", reason=str(error))
        admins = []
    except SlackError as error:
        log.info("the first key is announced later", connection=connection.id, reason=str(error))
        attempts = connection.attempts + 1
        due_at = machine.clock() + retry_after(attempts, machine.pace)
        await machine.database.write(lambda session: moves.put_off(session, connection, due_at, attempts=attempts))
        return
    alone = await _is_alone(machine, approvers, connection, admins)
    others = [admin.id for admin in admins if admin.id != connection.connected_by]
    await machine.database.write(partial(_owe, machine, connection, others, alone=alone))


def _owe(machine: Machine, connection: Connection, admins: Sequence[str], session: Session, *, alone: bool) -> None:
    if not moves.put_off(session, connection, None):
        return
    now, workspace, who = machine.clock(), connection.workspace_id, connection.connected_by
    key = f"connection:{connection.id}:first"
    for admin in admins:
        owing.direct(session, workspace, admin, key, forms.first_connected(connection.last_four, who), now=now)
    if alone:
        owing.direct(session, workspace, who, f"{key}:alone", policies.alone(), now=now)


async def _is_alone(machine: Machine, approvers: Approvers, connection: Connection, admins: Sequence[Actor]) -> bool:
    """Whether whoever connected the key is the only one who can approve, and not what he asks for himself."""
    rules = await machine.database.read(lambda session: Rules.of(session, connection.workspace_id))
    if rules.policy.own or not rules.policy.asks_approval:
        return False
    try:
        everybody = await approvers.everybody(connection.workspace_id, rules, admins)
    except TryAgain:
        return False  # the same is said when he asks for something
    return everybody == (connection.connected_by,)
