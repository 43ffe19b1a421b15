"""The ways in which something reaches us from a person, and how he is answered privately on each."""

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck

from bot import mrkdwn
from bot.errors import UserError
from bot.origin import Body, Origin, team_of, workspace_of
from bot.pool import Pool
from bot.slack import Slack
from bot.slack_errors import SlackError
from bot.texts import refusals
from bot.texts.message import Block, Message

log = structlog.get_logger(__name__)

_LONGEST_ERROR = 300
_LONGEST_KEY = 200
"""Longer than what Slack sends, and short enough for every index."""
_CARRIED = re.compile(r"thread:([0-9.]+):[0-9]+")


TRIGGER_USED = ("exchanged_trigger_id", "trigger_exchanged")
"""The form is open already, and Slack delivers this again; its reference has the first name, its guides the second."""


class Door(ABC):
    """One delivery: who it is from, and how to answer at once (`reply`) and after the acknowledgement (`later`)."""

    silent = False
    """Whether it was answered before: Slack delivers again what was acknowledged too late."""
    name = "other"
    """What it is, in a word for the metrics."""
    command = ""
    """The subcommand that a typed line asks for, once somebody has read it."""

    def __init__(self, body: Body, ack: AsyncAck, slack: Slack, after: Pool) -> None:
        self.body = body
        self.ack = ack
        self.slack = slack
        self.after = after

    @property
    def trigger_id(self) -> str | None:
        """With which a form can be opened, within 3 s; `None` where Slack gives none."""
        return self.body.get("trigger_id")

    @property
    def origin(self) -> Origin:
        """Who, where, and which delivery; the shapes differ between commands and interactions."""
        workspace = workspace_of(self.body)
        return Origin(
            workspace=workspace,
            person=str(self.body.get("user_id") or self.body["user"]["id"]),
            channel=str(self.body.get("channel_id") or (self.body.get("channel") or {}).get("id") or ""),
            deduplication_key=_once("trigger", workspace, self.body["trigger_id"]),
            team=team_of(self.body),
        )

    @abstractmethod
    async def reply(self, message: Message) -> None:
        """Acknowledge with a private answer."""

    async def turn_away(self, message: Message) -> None:
        """Acknowledge what came from where the bot is not installed, and say so, which needs no token here."""
        await self.reply(message)

    async def later(self, message: Message, *, in_place: bool = False) -> None:
        """Answer privately after the acknowledgement; `in_place` of the message that was acted on, or beside it."""
        content = {**message.content(), "replace_original": in_place}
        try:
            await self.slack.respond(str(self.body.get("response_url") or ""), content)
        except SlackError as error:
            log.warning("a private answer did not arrive", reason=str(error))

    async def show(self, view: Block) -> None:
        """Open a form and acknowledge; the trigger lives for 3 s, so this comes first. Raises `UserError`."""
        try:
            await self.slack.open_view(self.trigger_id or "", view)
        except SlackError as error:
            if str(error) not in TRIGGER_USED:
                log.warning("form not opened", reason=str(error))
                raise UserError(refusals.FORM_TOO_LATE) from None
        await self.ack()

    def room(self) -> bool:
        """Whether something more may run after the acknowledgement for this workspace."""
        return bool(self.after.room(workspace_of(self.body)))

    def behind(self, answer: Coroutine[Any, Any, None]) -> None:
        """Send an answer after the acknowledgement. It waits for no room: whoever clicked would be met with silence."""
        self.after.start(workspace_of(self.body), answer)


class CommandDoor(Door):
    """A slash command: the answer is in the acknowledgement itself."""

    name = "command"

    async def reply(self, message: Message) -> None:
        """Show the answer to whoever typed."""
        content = message.content()
        await self.ack(text=content["text"], blocks=content["blocks"], response_type="ephemeral")


class ClickDoor(Door):
    """A button or a shortcut: its acknowledgement shows nothing, so the answer goes through the response URL."""

    name = "click"

    @property
    def origin(self) -> Origin:
        """The person, and the thread that the message with the button stands in."""
        container, message = self.body.get("container") or {}, self.body.get("message") or {}
        thread = container.get("thread_ts") or message.get("thread_ts") or self._carried()
        return replace(super().origin, thread=str(thread) if thread else None)

    def _carried(self) -> str | None:
        """The thread that the button's block names, as those of answers to mentions do."""
        block_id = str(next(iter(self.body.get("actions") or [{}])).get("block_id") or "")
        found = _CARRIED.fullmatch(block_id)
        return found[1] if found else None

    async def reply(self, message: Message) -> None:
        """Acknowledge, and answer behind it."""
        await self.ack()
        self.behind(self.later(message))


class FormDoor(Door):
    """A submitted form: what is wrong stands at its first field, and what was typed stays."""

    name = "form"

    @property
    def origin(self) -> Origin:
        """The person and the form; a form that is submitted twice has the same hash."""
        view, workspace = self.body["view"], workspace_of(self.body)
        return Origin(
            workspace=workspace,
            person=str(self.body["user"]["id"]),
            channel="",
            deduplication_key=_once("view", workspace, view["id"], view["hash"]),
            team=team_of(self.body),
        )

    async def reply(self, message: Message) -> None:
        """Show the answer at the first field, or, where there is none, in the form's place."""
        blocks = self.body["view"].get("blocks") or []
        field = next((block["block_id"] for block in blocks if block["type"] == "input"), None)
        if field is None:
            await self.ack(response_action="clear")
        else:
            await self.ack(response_action="errors", errors={field: as_error(message.text)})


class ClosedDoor(Door):
    """A form that was closed without being submitted: what there is to say is said where its button was."""

    name = "closed"

    @property
    def origin(self) -> Origin:
        """The person and the form."""
        view, workspace = self.body["view"], workspace_of(self.body)
        return Origin(workspace, str(self.body["user"]["id"]), "", _once("closed", workspace, view["id"]))

    async def reply(self, message: Message) -> None:
        """Acknowledge: nothing was asked."""
        del message
        await self.ack()


class MentionDoor(Door):
    """A message that mentions the bot: acknowledged as an event, answered by a message that only its author sees."""

    name = "mention"

    @property
    def trigger_id(self) -> None:
        """An event opens no forms."""
        return

    async def turn_away(self, message: Message) -> None:
        """Acknowledge: without a token nothing can be said there."""
        del message
        await self.ack()

    @property
    def event(self) -> Body:
        """The message."""
        return dict(self.body["event"])

    @property
    def origin(self) -> Origin:
        """The author, and the thread that the message stands in or begins."""
        event, workspace = self.event, workspace_of(self.body)
        return Origin(
            workspace=workspace,
            person=str(event.get("user") or ""),  # some bots have none
            channel=str(event["channel"]),
            deduplication_key=_once("event", workspace, self.body["event_id"]),
            thread=str(event.get("thread_ts") or event["ts"]),
            team=team_of(self.body),
        )

    async def reply(self, message: Message) -> None:
        """Acknowledge, and answer behind it."""
        await self.ack()
        if not self.silent:
            self.behind(self.later(message))

    async def later(self, message: Message, *, in_place: bool = False) -> None:
        """Answer in the thread that the message stands in; one that begins a thread is answered in the channel.

        There nothing says which thread is meant, so the buttons carry it.
        """
        del in_place
        event, content = self.event, message.content()
        blocks = [_carrying(block, number, self.origin.thread) for number, block in enumerate(content["blocks"])]
        try:
            await self.slack.whisper(
                str(event["channel"]),
                str(event["user"]),
                {**content, "blocks": blocks},
                thread_ts=event.get("thread_ts"),
            )
        except SlackError as error:
            log.warning("a private answer did not arrive", reason=str(error))


class ChoicesDoor(Door):
    """A select that is typed into: whatever goes wrong, there are no choices."""

    name = "choices"

    async def reply(self, message: Message) -> None:
        """Offer nothing."""
        del message
        await self.ack(options=[])


class NoDoor(Door):
    """Something that nobody waits for an answer to."""

    async def reply(self, message: Message) -> None:
        """Acknowledge."""
        del message
        await self.ack()


_DOORS = (CommandDoor, ClickDoor, FormDoor, ClosedDoor, MentionDoor, ChoicesDoor, NoDoor)
DELIVERIES = tuple(door.name for door in _DOORS)
"""What `name` may say."""


def _once(kind: str, workspace: str, *ids: str) -> str:
    """The key by which a repeated delivery is known; no two workspaces have one in common, however ids are chosen."""
    key = ":".join((kind, workspace, *map(str, ids)))
    return key if len(key) <= _LONGEST_KEY else f"{kind}:{hashlib.sha256(key.encode()).hexdigest()}"


def _carrying(block: Block, number: int, thread: str | None) -> Block:
    """A row of buttons that knows its thread."""
    return {**block, "block_id": f"thread:{thread}:{number}"} if block["type"] == "actions" else block


def as_error(text: str) -> str:
    """An answer as a form shows it at a field: plain text, at most a few lines."""
    return mrkdwn.cut(re.sub(r"[`*]", "", mrkdwn.unescape(text)), _LONGEST_ERROR)
