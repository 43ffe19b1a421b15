"""The real bot between the two sandboxes, driven as people drive it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot import app
from bot.pace import Pace
from bot.settings import Settings
from sandbox.mailapi import MailAPIControl
from sandbox.slack import MAIL, Message, SlackControl
from sandbox.slack.person import Person

KEY = "Q7f3Kp9Zx2Lm5Nv8Rt1Wy4Bc6Dg0Hj3S"
OTHER_KEY = "A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6"
CALLER_ID = 123
FAST = Pace(tick=timedelta(seconds=0.05), first_poll=timedelta(seconds=0.05))


class MovingClock:
    """The bot's time, which a test may push forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Mailroom:
    """The bot, its outside, and the two people who use it."""

    slack: SlackControl
    mailapi: MailAPIControl
    settings: Settings
    ana: Person
    ben: Person
    clock: MovingClock = field(default_factory=MovingClock)
    bot: app.Mailroom | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[app.Mailroom]:
        async with app.running(self.settings, clock=self.clock, pace=FAST) as bot:
            self.bot = bot
            if bot.socket_mode is None:
                await self.slack.deliver_to(f"{bot.url}/slack/events")
            else:
                await self.slack.connected(self.settings.mailroom_socket_connections)
            yield bot
        await self.slack.deliver_to(None)

    async def connect(self, person: Person, key: str = KEY, caller_id: int = CALLER_ID) -> None:
        await person.types(MAIL, "/mail connect")
        await person.fills(**{"API key": key, "Caller id": str(caller_id)})
        await person.submits()

    async def root(self, person: Person, *said: str, channel: str = MAIL) -> Message:
        """The newest root message of the bot, once it says all of `said`."""

        async def find() -> Message | None:
            messages = [m for m in await person.sees(channel) if not m.ephemeral]
            return messages[-1] if messages and all(word in messages[-1].visible for word in said) else None

        return await self.slack.until(find, what=f"a root message saying {said}")

    async def reply(self, person: Person, root: Message, *said: str, channel: str = MAIL) -> Message:
        """The first message in the thread that says all of `said`."""

        async def find() -> Message | None:
            replies = await person.reads_thread(channel, root.ts)
            return next((m for m in replies if all(word in m.visible for word in said)), None)

        return await self.slack.until(find, what=f"a reply saying {said}")

    async def private(self, person: Person, *said: str, channel: str = MAIL) -> Message:
        """The newest message that only this person sees, once it says all of `said`."""

        async def find() -> Message | None:
            messages = [m for m in await person.sees(channel) if m.ephemeral]
            return next((m for m in reversed(messages) if all(word in m.visible for word in said)), None)

        return await self.slack.until(find, what=f"a private message saying {said}")

    async def direct(self, person: Person, *said: str) -> Message:
        """The first direct message from the bot that says all of `said`."""

        async def find() -> Message | None:
            return next((m for m in await person.direct_messages() if all(word in m.visible for word in said)), None)

        return await self.slack.until(find, what=f"a direct message saying {said}")

    async def until(self, condition: Callable[[], Awaitable[object]], what: str) -> object:
        return await self.slack.until(condition, what=what)
