import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

from sandbox.slack.app_management import AppManagement
from sandbox.slack.delivery.envelopes import EnvelopeKind
from sandbox.slack.faults import FaultKind
from sandbox.slack.person import Deed, Person
from sandbox.slack.refusal import Impossible
from sandbox.slack.seen import Acknowledgement
from sandbox.slack.wiretap import Wire
from sandbox.slack.world import Json

T = TypeVar("T")
_TURN_SECONDS = 0.25
_REFUSED = 400


class SlackControl:
    """Drives a sandbox over HTTP; `base_url` without a trailing slash, the Web API is at `base_url + "/api/"`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self.api_url = f"{self.base_url}/api/"
        self._session: aiohttp.ClientSession | None = None
        self.app = AppManagement(self.ask)
        self.wire = Wire(self.ask)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60))
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def person(self, user: str, team: str | None = None) -> Person:
        """Somebody at his screen: in `team`, or in the first workspace that knows him.

        A person of the workspace that shares a channel with the first is there an outsider, and at home a member.
        """
        return Person(self.ask, user, team)

    async def ask(self, word: str, **asked: Any) -> Any:
        """Any word of the control API; raises `Impossible` with the reason where it is refused."""
        if self._session is None:
            raise RuntimeError("Use it as a context manager: async with SlackControl(...) as slack")
        async with self._session.post(f"{self.base_url}/_sandbox/{word}", json=asked) as response:
            answer = await response.json()
            if response.status >= _REFUSED:
                raise Impossible(answer["error"])
            return answer

    async def until(
        self, predicate: Callable[[], Awaitable[T | None]], seconds: float = 25.0, what: str = "what was waited for"
    ) -> T:
        """Await `predicate()` again after each change until it gives something true, and return that.

        Raises `TimeoutError` with what it gave last.
        """
        deadline = time.monotonic() + seconds
        while True:
            end: int = await self.ask("journal_end")
            value = await predicate()
            if value:
                return value
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"{what} did not come about in {seconds} s; seen last: {value!r}")
            await self.journal(after=end, wait=min(left, _TURN_SECONDS))

    async def connected(self, n: int = 1) -> None:
        """Wait until `n` sockets are open."""
        await self.ask("connections", wait=n)

    async def connections(self) -> int:
        """How many sockets are open."""
        found: int = await self.ask("connections")
        return found

    async def deliver_to(self, url: str | None) -> None:
        """Deliver by signed HTTP to `url` while no socket is open."""
        await self.ask("deliver_to", url=url)

    async def reset(self) -> None:
        """Forget all that happened; the app stays connected."""
        await self.ask("reset")

    async def settings(self, **settings: Any) -> None:
        """Change Slack's manners: `ack_seconds`, `event_retry_seconds`, `posts_per_second`, `post_burst`."""
        await self.ask("settings", **settings)

    async def at_once(self, *deeds: Deed) -> list[Any]:
        """Several people do something in the same moment: all deliveries leave before the app can answer any."""
        answers: list[Any] = await self.ask(
            "at_once", deeds=[{"word": each.word, "asked": each.asked} for each in deeds]
        )
        return answers

    async def deliver_twice(self, kind: str = "slash_commands", *, at_once: bool = False) -> None:
        """The next envelope of `kind` comes a second time, after the first answer or with `at_once` beside it."""
        await self.deliver_again(kind, times=2, at_once=at_once)

    async def deliver_again(self, kind: str, *, times: int, at_once: bool = False) -> None:
        """The next envelope of `kind` comes `times` times, each after the answer to the last, or all `at_once`."""
        await self.ask("deliver_again", kind=kind, times=times, at_once=at_once)

    async def fault(self, method: str, kind: FaultKind, times: int = 1, **options: Any) -> None:
        """Spoil the next `times` calls of `method`, which may be `response_url`, `files.upload` or `*`.

        Options: `retry_after`, `error`, `status`, `seconds`; `applied` for an error after the fact; `skip` calls go
        well first; `where` names arguments that must fit, `place` the team or organisation whose token must be used.
        """
        await self.ask("fault", method=method, kind=kind, times=times, **options)

    async def no_faults(self) -> None:
        """Nothing goes wrong any more."""
        await self.ask("no_faults")

    async def disconnect_sockets(self, reason: str | None = "refresh_requested") -> None:
        """Announce the end of all sockets; with `None` cut them without a word."""
        await self.ask("disconnect", reason=reason)

    async def advance_clock(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        await self.ask("advance_clock", seconds=seconds)

    async def calls(self, method: str | None = None) -> list[Json]:
        """The Web API calls so far: `method`, `place` (whose token), `arguments`, `answer`, `fault`."""
        found: list[Json] = await self.ask("calls", method=method)
        return found

    async def envelopes(self, kind: str | None = None, *, after: int = 0) -> list[Json]:
        """What was delivered behind the first `after`, in order.

        Each has `kind`, `payload`, `ack`, `error`, `retry`, `connection`, and `sent` and `seconds`: the moment at
        which it left, and how much later it was answered (none while it waits).
        """
        found: list[Json] = await self.ask("envelopes", kind=kind, after=after)
        return found

    async def journal(self, after: int = 0, wait: float = 0.0) -> list[Json]:
        """What happened after entry `after`; waits up to `wait` seconds for the first."""
        found: list[Json] = await self.ask("journal", after=after, wait=wait)
        return found

    async def everything(self) -> str:
        """All text that was ever stored or sent."""
        return str(await self.ask("everything"))

    async def request(self, payload: Json, kind: EnvelopeKind | None = None) -> Acknowledgement:
        """Deliver anything at all; of which `kind` is seen from the payload where it is not said."""
        return Acknowledgement(**await self.ask("request", kind=kind or _kind_of(payload), payload=payload))

    async def add_user(self, user: str, name: str, **fields: Any) -> Person:
        """One more user, with roles as fields."""
        await self.ask("add_user", id=user, name=name, **fields)
        return self.person(user)

    async def set_user(self, user: str, **fields: Any) -> None:
        """Change a user."""
        await self.ask("set_user", id=user, **fields)

    async def add_channel(
        self,
        channel: str,
        name: str,
        *,
        kind: str = "public",
        members: tuple[str, ...] = (),
        bot: bool = False,
        team: str | None = None,
    ) -> None:
        """One more channel: public, private, im or mpim."""
        asked = {"name": name, "kind": kind, "members": list(members), "bot": bot, "team": team}
        await self.ask("add_channel", id=channel, **asked)

    async def add_group(self, group: str, handle: str, users: list[str], *, team: str | None = None) -> None:
        """One more user group."""
        await self.ask("add_group", id=group, handle=handle, users=users, team=team)

    async def invite_bot(self, channel: str, *, team: str | None = None) -> None:
        """Make the bot a member; in a channel of several workspaces that of `team`."""
        await self.ask("set_members", channel=channel, joins=["bot"], team=team)

    async def remove_bot(self, channel: str, *, team: str | None = None) -> None:
        """Take the bot out."""
        await self.ask("set_members", channel=channel, leaves=["bot"], team=team)

    async def set_members(self, channel: str, *, joins: tuple[str, ...] = (), leaves: tuple[str, ...] = ()) -> None:
        """Let people come and go."""
        await self.ask("set_members", channel=channel, joins=list(joins), leaves=list(leaves))

    async def archive(self, channel: str, *, archived: bool = True) -> None:
        """Archive a channel, or bring it back."""
        await self.ask("archive", channel=channel, archived=archived)

    async def may_write_public(self, *, allowed: bool, team: str | None = None) -> None:
        """Whether the app has the scope `chat:write.public`."""
        await self.ask("may_write_public", allowed=allowed, team=team)

    async def may_read(self, *, allowed: bool, team: str | None = None) -> None:
        """Whether the app has the scopes to read what was said, such as `channels:history`; it has at first."""
        await self.ask("may_read", allowed=allowed, team=team)

    async def set_scopes(self, *scopes: str, team: str | None = None) -> None:
        """What Slack says that the bot token allows."""
        await self.ask("set_scopes", scopes=list(scopes), team=team)


def _kind_of(payload: Json) -> EnvelopeKind:
    if "command" in payload:
        return "slash_commands"
    return "events_api" if payload.get("type") == "event_callback" else "interactive"
