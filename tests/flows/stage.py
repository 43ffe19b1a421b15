"""The real bot between the two sandboxes, driven as people drive it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from pydantic import SecretStr
from sqlmodel import Session, col, select

from bot import app
from bot.mailapi import Timeouts
from bot.pace import Pace
from bot.policy import Gate
from bot.policy import Policy as Laid
from bot.settings import Settings, load
from sandbox.mailapi import MailAPIControl
from sandbox.slack import (
    ANA,
    APP_TOKEN,
    BEN,
    BOT_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    MAIL,
    SIGNING_SECRET,
    Message,
    SlackControl,
    View,
)
from sandbox.slack.identity import TEAM
from sandbox.slack.person import Person
from storage import policies
from storage.calls import CLAIMED
from storage.encryption import generate_key
from storage.installations import over
from storage.notices import UNSETTLED
from storage.requests import paused
from storage.states import CallState, PolicyState, RequestState
from storage.tables import Call, Connection, Notice, Policy, Request

Found = TypeVar("Found")

KEY = "Q7f3Kp9Zx2Lm5Nv8Rt1Wy4Bc6Dg0Hj3S"
OTHER_KEY = "A1b2C3d4E5f6G7h8J9k0L1m2N3p4Q5r6"
CALLER_ID = 123
FAST = Pace(
    tick=timedelta(seconds=0.1),
    first_poll=timedelta(seconds=0.05),
    look_kept=timedelta(seconds=0.1),
    posts=(1000, timedelta(seconds=1)),
)
IMPATIENT = Timeouts(pool=5, connect=5, write=5, read=0.4, total=1)
"""For what never answers."""


def _requests(session: Session) -> Iterable[Request]:
    waiting = select(Request).where(col(Request.state).in_((RequestState.PLANNING, RequestState.APPROVED)))
    return session.exec(waiting.where(col(Request.workspace_id).not_in(paused()))).all()


def _undecided(session: Session) -> Iterable[Request]:
    return session.exec(select(Request).where(Request.state == RequestState.AWAITING_DECISION)).all()


def _calls(session: Session) -> Iterable[Call]:
    open_ = select(Call).where(col(Call.state).in_((*CLAIMED, CallState.SENDING)))
    return session.exec(open_.where(col(Call.workspace_id).not_in(paused()))).all()


def _checks(session: Session) -> Iterable[Connection]:
    return session.exec(select(Connection).where(col(Connection.due_at).is_not(None))).all()


def _notices(session: Session) -> Iterable[Notice]:
    """The first of each lane, for which the others wait."""
    unsettled = select(Notice).where(col(Notice.state).in_(UNSETTLED), col(Notice.workspace_id).not_in(over()))
    return {notice.lane: notice for notice in session.exec(unsettled.order_by(col(Notice.id).desc()))}.values()


def _policies(session: Session) -> Iterable[Policy]:
    return session.exec(select(Policy).where(Policy.state == PolicyState.UNTOLD)).all()


AT_WORK: tuple[Callable[[Session], Iterable[Any]], ...] = (
    _requests,
    _undecided,
    _calls,
    _checks,
    _policies,
    _notices,
)
"""The rows on which the bot acts by itself."""


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
    timeouts: Timeouts = app.TIMEOUTS
    pace: Pace = FAST

    def stores_in(self, url: str) -> None:
        """Give the bot, which is not started yet, another database, and encryption keys of its own."""
        changes = {"database_url": url, "mailroom_encryption_keys": SecretStr(generate_key())}
        self.settings = self.settings.model_copy(update=changes)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[app.Mailroom]:
        async with app.running(self.settings, clock=self.clock, pace=self.pace, timeouts=self.timeouts) as bot:
            self.bot = bot
            if bot.socket_mode is None:
                await self.slack.deliver_to(f"{bot.url}/slack/events")
            else:
                await self.slack.connected(self.settings.mailroom_socket_connections)
            yield bot
        await self.slack.deliver_to(None)

    async def connect(self, person: Person, key: str = KEY, caller_id: int = CALLER_ID, *, channel: str = MAIL) -> None:
        """Fill in and submit the form; what comes of it is told afterwards."""
        await person.types(channel, "/mail connect")
        await person.fills(**{"API key": key, "Caller id": str(caller_id)})
        await person.submits()

    async def connected(
        self, person: Person, key: str = KEY, caller_id: int = CALLER_ID, *, channel: str = MAIL
    ) -> None:
        """The same, until the key is in force."""
        await self.connect(person, key, caller_id, channel=channel)
        await self.direct(person, "Connected", key[-4:])

    async def lays_down(self, *, workspace: str = TEAM, **rules: Any) -> None:
        """Put a policy in force, as the form of `/mail policy` does; what is not named is as it is by default."""
        assert self.bot is not None
        stored = Laid(**rules).stored()

        def change(session: Session) -> None:
            before = policies.current(session, workspace)
            after = before.version if before else 0
            now, key = self.clock(), f"stage:{workspace}:{after}"
            assert policies.change(session, workspace, stored, after=after, by=self.ana.id, key=key, now=now)

        await self.bot.database.write(change)

    async def without_gates(self, workspace: str = TEAM) -> None:
        """Let everybody create everything at once, for what is not about approvals."""
        await self.lays_down(
            workspace=workspace, domains=Gate.NONE, subdomains=Gate.NONE, mailboxes=Gate.NONE, threshold=None
        )

    async def root(self, person: Person, *said: str, channel: str = MAIL) -> Message:
        """The newest message of the channel that everybody sees and that says all of `said`."""

        async def find() -> Message | None:
            messages = [m for m in await person.sees(channel) if not m.ephemeral]
            return _newest(messages, said)

        return await self.slack.until(find, what=f"a root message saying {said}")

    async def waiting(self, person: Person, *said: str) -> Message:
        """The root message that says that its request waits; while one runs, an edit comes 3 s after the other."""

        async def is_told() -> bool:
            roots = await self.roots(person)
            return any([await person.reads_thread(MAIL, root.ts) for root in roots if "Done" not in root.visible])

        await self.until(is_told, "a thread that says why")
        await self.passes(seconds=3)
        return await self.root(person, "Waiting", *said)

    async def roots(self, person: Person, channel: str = MAIL) -> list[Message]:
        """What the bot has posted in the channel, outside threads."""
        return [m for m in await person.sees(channel) if not m.ephemeral]

    async def reply(self, person: Person, root: Message, *said: str) -> Message:
        """The newest message in the thread that says all of `said`."""

        async def find() -> Message | None:
            return _newest(await person.reads_thread(root.channel, root.ts), said)

        return await self.slack.until(find, what=f"a reply saying {said}")

    async def completion(self, person: Person, root: Message) -> Message:
        """The message in the thread that mentions the asker, of which there is one."""

        async def find() -> Message | None:
            found = [m for m in await person.reads_thread(root.channel, root.ts) if _is_completion(m, person)]
            assert len(found) < 2, found
            return _newest(found, ())

        return await self.slack.until(find, what="a completion")

    async def completed(self, person: Person, seconds: float = 25) -> Message:
        """The completion of the only request that there is."""

        async def find() -> Message | None:
            roots = await self.roots(person)
            replies = [m for root in roots[-1:] for m in await person.reads_thread(MAIL, root.ts)]
            return next((m for m in replies if _is_completion(m, person)), None)

        return await self.slack.until(find, seconds=seconds, what="a completion")

    async def private(self, person: Person, *said: str, channel: str = MAIL) -> Message:
        """The newest message that only this person sees and that says all of `said`."""

        async def find() -> Message | None:
            return _newest([m for m in await person.sees(channel) if m.ephemeral], said)

        return await self.slack.until(find, what=f"a private message saying {said}")

    async def direct(self, person: Person, *said: str) -> Message:
        """The newest direct message from the bot that says all of `said`."""

        async def find() -> Message | None:
            return _newest(await person.direct_messages(), said)

        return await self.slack.until(find, what=f"a direct message saying {said}")

    async def form(self, person: Person, *said: str) -> View:
        """The form on top of the screen, once it says all of `said`."""

        async def find() -> View | None:
            view = await person.view()
            return view if view and all(word in view.text for word in said) else None

        return await self.slack.until(find, what=f"a form saying {said}")

    async def until(self, condition: Callable[[], Awaitable[object]], what: str) -> object:
        """Wait for any other condition."""
        return await self.slack.until(condition, what=what)

    async def clock_ahead(self, **time: float) -> None:
        """Let a little time pass at once, whatever is under way; less than a lease."""
        self.clock.ahead += timedelta(**time)

    async def at_rest(self) -> None:
        """Wait until the bot does nothing and nothing is due."""
        await self.passes()

    async def passes(self, **time: float) -> None:
        """Let time pass for the bot, as soon as nothing is under way: what is being done has a lease, which would end.

        The only writer does it, so that nothing is claimed between the look and the move.
        """
        assert self.bot is not None
        async with asyncio.timeout(10):
            passed = False
            while not passed:
                passed = await self.bot.database.write(partial(self._passes, timedelta(**time)))

    def _passes(self, time: timedelta, session: Session) -> bool:
        if any(self._busy(rows(session)) for rows in AT_WORK):
            return False
        self.clock.ahead += time
        return True

    def _busy(self, rows: Iterable[Any]) -> bool:
        now = self.clock()
        return any(row.leased_until is not None or (row.due_at is not None and row.due_at <= now) for row in rows)

    async def exists(self, *addresses: str) -> None:
        """Wait until MailAPI has made these mailboxes, each exactly once."""

        async def are_there() -> dict[str, int] | None:
            made = await self.mailapi.mailboxes()
            return made if made.keys() >= set(addresses) else None

        made = await self._mailapi_until(are_there)
        assert {made[address] for address in addresses} == {1}

    async def made(self, endpoint: str, times: int = 1) -> None:
        """Wait until MailAPI has got so many requests to an endpoint, and the bot rests."""

        async def came() -> bool:
            return len(await self.asked(endpoint)) >= times

        await self._mailapi_until(came)
        await self.at_rest()

    async def _mailapi_until(self, condition: Callable[[], Awaitable[Found | None]]) -> Found:
        """Look often, as Slack does not announce what happens at MailAPI."""
        async with asyncio.timeout(10):
            while not (found := await condition()):
                await self.slack.journal(after=await self.slack.ask("journal_end"), wait=0.02)
            return found

    async def orders_elsewhere(self, domain: str, label: str, key: str = KEY) -> None:
        """Ask for a sub-domain with the same key, but not through the bot."""
        order = {"Domain": domain, "Params": {"sub_domains": [label]}, "key": key}
        url = f"{self.settings.mailapi_url}/v1/create/sub-domain"
        async with aiohttp.ClientSession() as session, session.post(url, json=order) as answer:
            assert answer.status == 200

    async def deletes(self, message: Message) -> None:
        """Let a message of the bot go, as a workspace's admin can."""
        form = {"token": self.settings.bot_token, "channel": message.channel, "ts": message.ts}
        async with aiohttp.ClientSession() as session, session.post(f"{self.slack.api_url}chat.delete", data=form) as r:
            assert (await r.json())["ok"]

    async def asked(self, endpoint: str) -> list[dict[str, Any]]:
        """The parameters of MailAPI's requests to an endpoint, in order, without the key."""
        found = [request for request in await self.mailapi.requests() if request.endpoint == endpoint]
        return [{name: value for name, value in r.parameters.items() if name != "key"} for r in found]


@asynccontextmanager
async def outside(slack_url: str, mailapi_url: str, folder: Path, mode: str) -> AsyncIterator[Mailroom]:
    """The sandboxes as new, and the settings of a bot that is not started."""
    async with SlackControl(slack_url) as slack, MailAPIControl(mailapi_url) as mailapi:
        await slack.reset()
        await mailapi.reset()
        await mailapi.set_speed(mailbox_seconds=0.01, domain_seconds=0.05)
        await mailapi.add_account(KEY, CALLER_ID)
        await mailapi.add_domain(KEY, "example.com")
        settings = load(
            slack_api_url=f"{slack_url}/api",
            mailapi_url=f"{mailapi_url}/api",
            database_url=f"sqlite:///{folder}/mailroom.db",
            **_way_in(mode),
        )
        yield Mailroom(slack, mailapi, settings, slack.person(ANA), slack.person(BEN))


def _way_in(mode: str) -> dict[str, Any]:
    """What else is set for Socket Mode, for HTTP, or for workspaces that install the bot by themselves."""
    if mode == "oauth":
        port = _free_port()  # the address has to be known before anything listens there
        secrets = {"slack_client_secret": CLIENT_SECRET, "slack_signing_secret": SIGNING_SECRET}
        where = {"mailroom_port": port, "mailroom_public_url": f"http://127.0.0.1:{port}"}
        return {"slack_client_id": CLIENT_ID, **secrets, **where}
    tokens = {"slack_app_token": APP_TOKEN} if mode == "socket" else {"slack_signing_secret": SIGNING_SECRET}
    return {"slack_bot_token": BOT_TOKEN, "mailroom_port": 0, **tokens}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _is_completion(message: Message, asker: Person) -> bool:
    return message.text.startswith(f"<@{asker.id}> ") and "created" in message.text


def _newest(messages: list[Message], said: tuple[str, ...]) -> Message | None:
    return next((m for m in reversed(messages) if all(word in m.visible for word in said)), None)
