"""The policy: shown to everybody, changed in forms by those who may."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from bot.amendments import Amendments, Overtaken, Saved
from bot.drafting import Filled
from bot.errors import Forbidden, UserError
from bot.groups import Groups
from bot.listeners.doors import ChoicesDoor, ClickDoor, Door, FormDoor, as_error
from bot.origin import workspace_of
from bot.policy import Part, Policy
from bot.texts import policies, policy_forms, refusals, standing
from bot.texts.message import Block
from bot.texts.policy_forms import Sheet


class PolicyForms:
    """What happens at `/mail policy`, at its buttons, and in the forms behind them."""

    def __init__(self, *, amendments: Amendments, groups: Groups, nudge: Callable[[], None]) -> None:
        self._amendments = amendments
        self._groups = groups
        self._nudge = nudge

    async def show(self, door: Door) -> None:
        """The whole policy, privately."""
        shown = await self._amendments.shown(door.origin)
        message = policies.shown(shown)
        await door.reply(message if shown.connected_by else standing.before_connecting(message))

    async def open_form(self, door: ClickDoor) -> None:
        """The form for one part of the policy; who somebody is and what groups are called is asked at once."""
        part = _part(str(door.body["actions"][0].get("value") or ""), refusals.OLD_BUTTON)
        rules, handles = await asyncio.gather(self._amendments.to_change(door.origin), self._handles(door, part))
        await door.show(policy_forms.form(Sheet(part, rules.policy, rules.version, handles)))

    async def submit(self, door: FormDoor) -> None:
        """Each wrong field says how to mend it; else the form is replaced by what came of it."""
        view = door.body["view"]
        part = _part(str(view["callback_id"]).removeprefix(policy_forms.POLICY), refusals.OLD_FORM)
        version = policy_forms.version_of(str(view.get("private_metadata") or ""))
        if version is None:
            raise UserError(refusals.OLD_FORM)
        try:
            came = await self._amendments.amend(part, filled_in(view["state"]["values"]), version, door.origin)
        except Forbidden as error:
            await door.ack(response_action="update", view=policy_forms.refused(error.text))
            return
        match came:
            case Saved(before, after):
                self._nudge()
                await door.ack(response_action="update", view=policy_forms.saved(before, after))
            case Overtaken():
                await door.ack(response_action="update", view=await self._again(door, part, came))
            case wrong:
                errors = {policy_forms.block_of(name, version): as_error(text) for name, text in wrong.items()}
                await door.ack(response_action="errors", errors=errors)

    async def _again(self, door: FormDoor, part: Part, came: Overtaken) -> Block:
        newest = came.newest
        meanwhile = policies.changes(came.seen, Policy.read(newest.rules))
        sheet = Sheet(part, came.both, newest.version, await self._handles(door, part))
        return policy_forms.overtaken(sheet, newest.changed_by, newest.changed_at, meanwhile)

    async def _handles(self, door: Door, part: Part) -> Mapping[str, str]:
        return {} if part is Part.GATES else await self._groups.handles(workspace_of(door.body))

    async def choices(self, door: ChoicesDoor) -> None:
        """The user groups whose handle holds what was typed; none for those who may not change the policy."""
        body, workspace = door.body, workspace_of(door.body)
        may, found = await asyncio.gather(
            self._amendments.may_change(workspace, str(body["user"]["id"])),
            self._groups.search(workspace, str(body.get("value") or "")),
        )
        options = [policy_forms.group_option(group, handle) for group, handle in found]
        await door.ack(options=options if may else [])


def filled_in(values: Mapping[str, Any]) -> Filled:
    """What stands in the fields of a submitted form, by field: texts, options' values or ids."""
    return {policy_forms.field_of(block): _texts(next(iter(actions.values()), {})) for block, actions in values.items()}


def _texts(state: Mapping[str, Any]) -> tuple[str, ...]:
    """The one of a state's values that says what was entered; which it is differs from element to element."""
    for name, entered in state.items():
        if name != "type" and entered:
            several = entered if isinstance(entered, list) else [entered]
            return tuple(str(each["value"] if isinstance(each, dict) else each) for each in several)
    return ()


def _part(text: str, otherwise: str) -> Part:
    if text not in tuple(Part):
        raise UserError(otherwise)
    return Part(text)
