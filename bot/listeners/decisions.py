"""The buttons under a request that waits for a decision, and the form for a reason."""

import json
import re
from collections.abc import Callable

import structlog

from bot.case import Ballot
from bot.decider import Decider
from bot.errors import TryAgain, UserError
from bot.listeners.dispatch import Dispatch
from bot.listeners.doors import ClickDoor, ClosedDoor, Door, FormDoor
from bot.listeners.whereabouts import Whereabouts
from bot.slack_errors import SlackError
from bot.texts import deciding, forms, refusals
from bot.texts.message import Message
from bot.withdrawing import Withdrawals, once_more
from bot.words import holds_key
from storage.decisions import APPROVED, CONFIRMED, REJECTED

log = structlog.get_logger(__name__)


class Decisions:
    """What happens when somebody decides."""

    def __init__(
        self, *, decider: Decider, withdrawals: Withdrawals, dispatch: Dispatch, nudge: Callable[[], None]
    ) -> None:
        self._decider = decider
        self._withdrawals = withdrawals
        self._dispatch = dispatch
        self._nudge = nudge

    async def approve(self, door: ClickDoor) -> None:
        """Yes, by somebody who may."""
        ballot = await self._ballot(door, APPROVED)
        await self._done(door, await self._decider.approve(ballot, door.origin))

    async def confirm(self, door: ClickDoor) -> None:
        """Yes, by the person who asked."""
        ballot = await self._ballot(door, CONFIRMED)
        await self._done(door, await self._decider.confirm(ballot, door.origin))

    async def cancel(self, door: ClickDoor) -> None:
        """Never mind, by the person who asked."""
        ballot = await self._ballot(door, "cancel")
        await self._done(door, await self._withdrawals.cancel(ballot.request, door.origin))

    async def ask_again(self, door: ClickDoor) -> None:
        """The same once more, as a new request where the old one was asked; a second click makes no second one."""
        operation, before = await self._withdrawals.asked_before(await self._number(door), door.origin)
        where = Whereabouts(before.asked_in, before.asked_thread)
        await self._dispatch.ask(door, operation, again=True, where=where, once=once_more(before.id))

    async def open_rejection(self, door: ClickDoor) -> None:
        """The form for a reason; whoever may not reject is told before he has typed one."""
        ballot = await self._ballot(door, REJECTED)
        title = await self._decider.about_to_reject(ballot, door.origin)
        kept = json.dumps({"ballot": str(ballot), "channel": door.origin.channel, "thread": door.origin.thread})
        await door.show(deciding.rejection_form(title, kept))

    async def reject(self, door: FormDoor) -> None:
        """No, with a reason as it was typed."""
        ballot, where = await self._kept(door)
        reason = forms.filled_in(door.body["view"]["state"]["values"]).get(deciding.REASON, "")
        problem = _problem(reason)
        if problem is not None:
            await door.ack(response_action="errors", errors={deciding.REASON: problem})
            return
        try:
            text = await self._decider.reject(ballot, where.at(door.origin), reason)
        except TryAgain:
            raise  # shown at the field, so that what was typed stays
        except UserError as error:
            text = error.text
        self._nudge()
        await door.ack(response_action="update", view=deciding.told(text))

    async def rejection_closed(self, door: ClosedDoor) -> None:
        """Nothing was decided by closing it, and it says so where the button was."""
        await door.ack()
        ballot, where = await self._kept(door)
        text = await self._decider.closed(ballot, door.origin)
        door.behind(_whisper(door, where, text))

    async def _done(self, door: ClickDoor, text: str) -> None:
        self._nudge()
        await door.reply(Message(text))

    async def _ballot(self, door: ClickDoor, action: str) -> Ballot:
        try:
            return Ballot.read(_value(door))
        except ValueError:
            await self._decider.note_unreadable(door.origin, action)
            raise UserError(refusals.OLD_BUTTON) from None

    async def _number(self, door: ClickDoor) -> int:
        value = _value(door)
        if not re.fullmatch("[0-9]{1,18}", value):
            await self._decider.note_unreadable(door.origin, "ask again")
            raise UserError(refusals.OLD_BUTTON)
        return int(value)

    async def _kept(self, door: FormDoor | ClosedDoor) -> tuple[Ballot, Whereabouts]:
        """What the form carries."""
        metadata = str(door.body["view"].get("private_metadata") or "")
        try:
            return Ballot.read(str(json.loads(metadata)["ballot"])), Whereabouts.read(metadata)
        except (ValueError, TypeError, KeyError):
            await self._decider.note_unreadable(door.origin, REJECTED)
            raise UserError(refusals.OLD_FORM) from None


async def _whisper(door: Door, where: Whereabouts, text: str) -> None:
    """Where the button was, or directly where nothing can be said there."""
    content = Message(text).content()
    try:
        await door.slack.whisper(where.channel, door.origin.person, content, thread_ts=where.thread)
    except SlackError:
        try:
            await door.slack.post(await door.slack.direct_channel(door.origin.person), content)
        except SlackError as error:
            log.warning("could not say that a form was closed", reason=str(error))


def _problem(reason: str) -> str | None:
    """What is wrong with a reason; one that is missing or too long Slack's own form lets not through."""
    if not reason.strip():
        return deciding.NO_REASON
    if holds_key(reason):
        return refusals.KEY_IN_A_FIELD
    return deciding.LONG_REASON if len(reason) > deciding.LONGEST_REASON else None


def _value(door: ClickDoor) -> str:
    return str(door.body["actions"][0].get("value") or "")
