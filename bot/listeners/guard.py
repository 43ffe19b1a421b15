"""The one place where errors become answers."""

import secrets
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import structlog
from slack_bolt.async_app import AsyncAck

from bot import arrival, mrkdwn
from bot.directory import Directory
from bot.errors import UserError
from bot.intake import Repeated
from bot.limits import Rate
from bot.listeners.doors import Door
from bot.metrics import Metrics, Outcome
from bot.origin import Body, workspace_of
from bot.outages import DATABASE, Outages
from bot.pool import Pool
from bot.slack_errors import SlackError
from bot.slacks import NotInstalled, Slacks, Unreadable
from bot.texts import answers
from bot.texts.message import Message
from storage.database import DatabaseUnavailable

log = structlog.get_logger(__name__)

AnyDoor = TypeVar("AnyDoor", bound=Door)
Listener = Callable[[Body, AsyncAck], Awaitable[None]]


class Guard:
    """Wraps handlers into listeners that raise nothing: an error after `ack()` would make Bolt forget it."""

    def __init__(
        self, *, slacks: Slacks, after: Pool, directory: Directory, rate: Rate, outages: Outages, metrics: Metrics
    ) -> None:
        self._outages = outages
        self._metrics = metrics
        self._slacks = slacks
        self._after = after
        self._directory = directory
        self._rate = rate

    def __call__(
        self,
        door_type: type[AnyDoor],
        handle: Callable[[AnyDoor], Awaitable[None]],
        *,
        counted: bool = True,
        installed: bool = True,
    ) -> Listener:
        """A listener that hands each delivery to `handle` through its door.

        `counted` ones are limited per person; `installed` ones are turned away where the workspace has no bot.
        """

        async def listener(body: Body, ack: AsyncAck) -> None:
            door = door_type(body, ack, self._slacks.nobody, self._after)
            structlog.contextvars.clear_contextvars()  # in Socket Mode those of the delivery before
            outcome = await self._came(door, handle, counted=counted, installed=installed)
            arrival.once_answered(partial(self._metrics.handled, door.name, door.command, outcome))

        return listener

    async def _came(
        self, door: AnyDoor, handle: Callable[[AnyDoor], Awaitable[None]], *, counted: bool, installed: bool
    ) -> Outcome:
        try:
            structlog.contextvars.bind_contextvars(workspace=workspace_of(door.body))
            why_not = await self._admit(door) if installed else None
            if why_not is not None:
                await door.turn_away(why_not)
                return Outcome.REFUSED
            if counted and not self._allows(door):
                await door.reply(answers.too_fast())
                return Outcome.TOO_FAST
            return await self._answered(door, handle(door))
        except DatabaseUnavailable as error:
            self._outages.failed(DATABASE, str(error))
            log.warning("not written down", reason=str(error))
            await _say(door, answers.not_written())
            return Outcome.NOT_WRITTEN
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("listener failed", reference=reference)
            await _say(door, answers.our_fault(reference))
            return Outcome.FAILED

    async def _answered(self, door: Door, handling: Awaitable[None]) -> Outcome:
        """Let a handler end, or say what it refused; looking up what was meant may fail as the handler may."""
        try:
            await handling
        except Repeated as error:
            await door.reply(answers.run_again(error.text, error.operation))
        except UserError as error:
            await door.reply(answers.refusal(error, await self._nearest(door, error)))
        else:
            return Outcome.DONE
        return Outcome.REFUSED

    async def _admit(self, door: Door) -> Message | None:
        """Give the door its workspace's Slack, or say why it has none; one that fails for now is found out later."""
        workspace, install_url = workspace_of(door.body), self._slacks.install_url
        try:
            door.slack = await self._slacks.of(workspace)
        except NotInstalled:
            log.info("a delivery for a workspace without the bot", workspace=workspace)
            return answers.not_installed(install_url)
        except Unreadable:
            return answers.token_unreadable(install_url)
        except SlackError as error:
            log.info("a workspace's token cannot be used", workspace=workspace, reason=str(error))
        return None

    def _allows(self, door: Door) -> bool:
        origin = door.origin
        return self._rate.allows(origin.workspace, origin.person, origin.deduplication_key)

    async def _nearest(self, door: Door, error: UserError) -> str | None:
        """For a word that is no domain of the workspace, the nearest that is one."""
        if error.domain is None:
            return None
        near = await self._directory.nearest(workspace_of(door.body), error.domain)
        return mrkdwn.domain_shown(near) if near else None


async def _say(door: Door, message: Message) -> None:
    """Answer, or only acknowledge what is so malformed that there is no way to answer."""
    try:
        await door.reply(message)
    except Exception:
        log.exception("nobody can be told")
        await door.ack()
