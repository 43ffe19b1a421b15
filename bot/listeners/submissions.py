"""Submitted forms, and the choices that are offered while one is filled in."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from bot.access import may_ask
from bot.commands import form_of
from bot.connecting import Connecting
from bot.directory import Directory
from bot.errors import UserError
from bot.intake import Intake
from bot.listeners.doors import ChoicesDoor, FormDoor, as_error
from bot.listeners.whereabouts import Whereabouts
from bot.mailapi import Credentials
from bot.operation import Operation
from bot.origin import workspace_of
from bot.people import People
from bot.texts import forms, refusals, standing
from bot.words import holds_key


class Submissions:
    """What happens when a form is submitted."""

    def __init__(
        self, *, intake: Intake, keys: Connecting, directory: Directory, people: People, nudge: Callable[[], None]
    ) -> None:
        self._intake = intake
        self._keys = keys
        self._directory = directory
        self._people = people
        self._nudge = nudge

    async def connect(self, door: FormDoor) -> None:
        """The key is checked for its form here and with MailAPI by the worker; the form answers at once."""
        credentials, errors = _credentials(forms.filled_in(door.body["view"]["state"]["values"]))
        if credentials is None:
            await door.ack(response_action="errors", errors=errors)
            return
        self._directory.forget(door.origin.workspace)
        await self._keys.connect(credentials, door.origin, view_id=door.body["view"]["id"])
        self._nudge()
        await door.ack(response_action="update", view=forms.checking())

    async def operation(self, door: FormDoor) -> None:
        """An operation's form: each wrong field says how to mend it, and what was typed stays."""
        view = door.body["view"]
        form = form_of(str(view["callback_id"]).removeprefix(forms.OPERATION))
        filled = forms.filled_in(view["state"]["values"])
        asked = _with_keys(filled) or form.operation(filled)
        if isinstance(asked, Mapping):
            await door.ack(response_action="errors", errors={name: as_error(text) for name, text in asked.items()})
            return
        await self._ask(door, asked)

    async def _ask(self, door: FormDoor, operation: Operation) -> None:
        """A form is filled in on purpose, so the same thing twice is not asked about."""
        where = Whereabouts.read(str(door.body["view"].get("private_metadata") or ""))
        await self._intake.ask(operation, where.at(door.origin), again=True)
        self._nudge()
        await door.ack()

    async def disconnect(self, door: FormDoor) -> None:
        """The key is given up, if it is still the one that the question showed."""
        shown = standing.shown_in(str(door.body["view"].get("private_metadata") or ""))
        try:
            last_four = await self._keys.disconnect(door.origin, shown)
        except UserError as error:
            await door.ack(response_action="update", view=standing.disconnected(error.text))
            return
        self._directory.forget(door.origin.workspace)
        self._nudge()
        await door.ack(response_action="update", view=standing.disconnected(standing.given_up(last_four)))

    async def choices(self, door: ChoicesDoor) -> None:
        """The workspace's domains that hold what was typed; none for those who may not see them."""
        body, workspace = door.body, workspace_of(door.body)
        actor = await self._people.actor(workspace, str(body["user"]["id"]))
        found = await self._directory.search(workspace, str(body.get("value") or "")) if may_ask(actor) else []
        await door.ack(options=[forms.option(name) for name in found])


def _with_keys(filled: Mapping[str, str]) -> Mapping[str, str]:
    """What is wrong with each field into which somebody has put a key, as if it were a name."""
    return {name: refusals.KEY_IN_A_FIELD for name, value in filled.items() if holds_key(value)}


def _credentials(filled: Mapping[str, Any]) -> tuple[Credentials | None, dict[str, str]]:
    """The typed key and caller id, or what is wrong at which field."""
    caller_id = filled.get(forms.CALLER_ID, "").strip()
    errors: dict[str, str] = {}
    if not re.fullmatch("[0-9]{1,18}", caller_id) or not int(caller_id):
        errors[forms.CALLER_ID] = refusals.WRONG_CALLER_ID
    try:
        credentials = Credentials(filled.get(forms.KEY, "").strip(), int(caller_id) if not errors else 1)
    except ValueError:
        errors[forms.KEY] = refusals.WRONG_KEY
        return None, errors
    return (None, errors) if errors else (credentials, errors)
