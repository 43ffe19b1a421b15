"""The buttons below a page of the audit."""

from pydantic import ValidationError

from bot.auditing import AuditReader
from bot.commands.command import AuditQuery
from bot.errors import UserError
from bot.listeners.dispatch import Dispatch
from bot.listeners.doors import ClickDoor
from bot.texts import refusals


class AuditClicks:
    """What happens at each of them; whether the person may see the audit is asked anew."""

    def __init__(self, *, reader: AuditReader, dispatch: Dispatch) -> None:
        self._reader = reader
        self._dispatch = dispatch

    async def turn_page(self, door: ClickDoor) -> None:
        """Another page, in the place of this one."""
        page = await self._reader.page(_query(door), door.origin)
        await self._dispatch.after(door, door.later(page, in_place=True))

    async def get_csv(self, door: ClickDoor) -> None:
        """All of it, as a file in a direct message."""
        query = _query(door)
        await self._reader.admit(door.origin)
        await self._dispatch.once_after(door, self._reader.send_csv(query, door.origin, door.later))


def _query(door: ClickDoor) -> AuditQuery:
    try:
        return AuditQuery.model_validate_json(str(door.body["actions"][0].get("value") or ""))
    except ValidationError:
        raise UserError(refusals.OLD_BUTTON) from None
