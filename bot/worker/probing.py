"""Asking during an outage whether it is over, where no work would find out."""

import structlog

from bot.mailapi import MailAPIError
from bot.outages import MAILAPI, Outages
from bot.worker.machine import KeyUnreadable, Machine
from storage import connections

log = structlog.get_logger(__name__)


async def probe(machine: Machine, outages: Outages) -> None:
    """Ask MailAPI with any key that may work; without one there is nothing that an outage could hold up."""
    connection = await machine.database.read(connections.any_in_force)
    if connection is None:
        outages.works(MAILAPI)
        return
    try:
        await machine.account(connection).domains.list()
    except KeyUnreadable:
        outages.works(MAILAPI)
    except MailAPIError as error:
        log.debug("the outage of MailAPI lasts", reason=type(error).__name__)
