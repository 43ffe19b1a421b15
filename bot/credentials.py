"""What MailAPI gives to log in with: fetched when somebody looks, shown in a form, stored nowhere."""

from typing import Any

import structlog

from bot.errors import UserError
from bot.mailapi import KeyRefused, MailAPIError, Mailbox
from bot.notices.owing import progress_of
from bot.slack import Slack
from bot.slack_errors import SlackError
from bot.texts import refusals, secrets
from bot.worker.machine import Machine, NotConnected, operation_of
from storage.tables import Request

log = structlog.get_logger(__name__)


class CredentialsViewer:
    """Opens a form at once, and fills it when MailAPI has answered."""

    def __init__(self, *, machine: Machine) -> None:
        self._machine = machine

    async def open(self, slack: Slack, trigger_id: str) -> str:
        """Open the empty form; gives its id. Raises `UserError`."""
        try:
            return await slack.open_view(trigger_id, secrets.loading())
        except SlackError as error:
            log.warning("form not opened", reason=str(error))
            raise UserError(refusals.CREDENTIALS_TOO_LATE) from None

    async def fill(self, slack: Slack, view_id: str, request: Request) -> None:
        """Show what MailAPI gives for the request's mailboxes, or why there is nothing to show."""
        view = await self._view(request)
        try:
            await slack.update_view(view_id, view)
        except SlackError as error:
            log.info("form not filled", reason=str(error))

    async def _view(self, request: Request) -> dict[str, Any]:
        operation = operation_of(request)
        try:
            connection = await self._machine.connection(request.workspace_id)
        except NotConnected:
            return secrets.unavailable(secrets.NOT_CONNECTED)
        try:
            found = await self._machine.account(connection).mailboxes.list(operation.scope)
        except KeyRefused as error:
            await self._machine.key_refused(connection, error)
            return secrets.unavailable(secrets.KEY_REFUSED)
        except MailAPIError as error:
            return secrets.unavailable(error.reason)
        progress = await self._machine.database.read(lambda session: progress_of(session, request))
        # Names that were there before the request are somebody else's, and their credentials are not its asker's.
        made = {name for name, outcome in progress.outcomes.items() if outcome.ok}
        return secrets.shown([(m.address, _given(m)) for m in found if m.address.lower() in made])


def _given(mailbox: Mailbox) -> str:
    """As a person can use it: the fields that MailAPI gives, one after the other."""
    value = mailbox.credentials.get_secret_value() if mailbox.credentials else None
    if isinstance(value, dict):
        return ", ".join(f"{name}: {text}" for name, text in value.items() if text not in (None, ""))
    return str(value) if value else ""
