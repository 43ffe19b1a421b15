"""Buttons, selects and shortcuts."""

import json
import re
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from bot.commands import list_from, operation_from
from bot.commands.command import ListQuery
from bot.credentials import CredentialsViewer
from bot.errors import Offer, UserError
from bot.intake import Intake
from bot.listeners.dispatch import Dispatch
from bot.listeners.doors import ClickDoor
from bot.listeners.whereabouts import Whereabouts
from bot.queries import Queries
from bot.steering import Steering
from bot.texts import refusals
from bot.texts.message import Message

BULK = "mailbox_bulk"


class Clicks:
    """What happens at each button."""

    def __init__(
        self,
        *,
        intake: Intake,
        steering: Steering,
        dispatch: Dispatch,
        queries: Queries,
        credentials: CredentialsViewer,
        nudge: Callable[[], None],
    ) -> None:
        self._intake = intake
        self._steering = steering
        self._dispatch = dispatch
        self._queries = queries
        self._credentials = credentials
        self._nudge = nudge

    async def open_form(self, door: ClickDoor) -> None:
        """The form that was offered, with what was typed."""
        value = _json(door)
        kind, filled = value.get("kind"), value.get("filled")
        if not isinstance(kind, str) or not isinstance(filled, dict):
            raise UserError(refusals.OLD_BUTTON)
        offer = Offer(kind, {str(name): str(text) for name, text in filled.items()})
        await self._dispatch.open_form(door, offer, Whereabouts.of(door.origin))

    async def connect(self, door: ClickDoor) -> None:
        """The form for the key."""
        await self._dispatch.open_connect_form(door)

    async def run_line(self, door: ClickDoor) -> None:
        """A button that stands for a typed line."""
        await self._dispatch.line(door, _value(door))

    async def run_again(self, door: ClickDoor) -> None:
        """Yes, the same thing once more."""
        value = _json(door)
        try:
            operation = operation_from(str(value.get("kind")), value.get("parameters") or {})
        except ValueError:
            raise UserError(refusals.OLD_BUTTON) from None
        await self._dispatch.ask(door, operation, again=True)

    async def turn_page(self, door: ClickDoor) -> None:
        """Another page of a list, in the place of this one."""
        query, page = _list(door)
        connection = await self._intake.account_for(door.origin)

        async def turn(message: Message) -> None:
            await door.later(message, in_place=True)

        await self._dispatch.after(door, self._queries.page(query, page, connection, turn, door.later))

    async def get_csv(self, door: ClickDoor) -> None:
        """The whole list, as a file in a direct message."""
        query, _ = _list(door)
        connection = await self._intake.account_for(door.origin)
        sending = self._queries.send_csv(query, connection, door.origin.person, door.later)
        await self._dispatch.once_after(door, sending)

    async def show_credentials(self, door: ClickDoor) -> None:
        """What MailAPI gives to log in with, for those who may see it."""
        request = await self._steering.may_see_credentials(_number(_value(door)), door.origin)
        view_id = await self._credentials.open(door.slack, door.trigger_id or "")
        await self._dispatch.after(door, self._credentials.fill(door.slack, view_id, request))

    async def steer(self, door: ClickDoor) -> None:
        """How a call goes on."""
        action = door.body["actions"][0]["action_id"]
        await self._steering.go_on(action, _number(_value(door)), door.origin)
        self._nudge()
        await door.ack()

    async def create_here(self, door: ClickDoor) -> None:
        """The shortcut of a message: mailboxes whose request lives in that message's thread."""
        message = door.body.get("message") or {}
        ts = message.get("thread_ts") or message.get("ts")
        where = Whereabouts(door.origin.channel, str(ts) if ts else None)
        await self._dispatch.open_form(door, Offer(BULK), where)


def _value(door: ClickDoor) -> str:
    return str(door.body["actions"][0].get("value") or "")


def _json(door: ClickDoor) -> dict[str, Any]:
    try:
        value = json.loads(_value(door))
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise UserError(refusals.OLD_BUTTON)
    return value


def _number(value: str) -> int:
    return int(value) if re.fullmatch("[0-9]{1,18}", value) else 0


def _list(door: ClickDoor) -> tuple[ListQuery, int]:
    value = _json(door)
    try:
        return list_from(str(value["kind"]), value["query"]), int(value["page"])
    except (KeyError, TypeError, ValueError, ValidationError):
        raise UserError(refusals.OLD_BUTTON) from None
