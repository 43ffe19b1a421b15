from dataclasses import dataclass

from sandbox.slack.person import Ask


@dataclass(frozen=True, kw_only=True)
class SentRequest:
    """A request that went to the app by HTTP; `number` is its place among all, `status` the answer's, if one came."""

    number: int
    kind: str
    headers: dict[str, str]
    body: str
    status: int | None


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """What the app's server answered."""

    status: int
    text: str


class Wire:
    """Who listens in on what Slack sends to the app by HTTP, and can send it again."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def sent(self, kind: str | None = None) -> list[SentRequest]:
        """The requests so far, in order; of one kind: `slash_commands`, `interactive` or `events_api`."""
        return [SentRequest(**each) for each in await self._ask("sent", kind=kind)]

    async def replay(
        self,
        number: int = -1,
        *,
        age: float | None = None,
        body: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> HttpAnswer:
        """Send a request again, byte for byte, to where the app listens now; by default the last.

        With `age` it is properly signed, so many seconds ago (less than 0: in the future). `body` comes in place of the
        one that was signed, and `headers` in place of, or beside, those that were sent.
        """
        answer = await self._ask("replays", number=number, age=age, body=body, headers=headers)
        return HttpAnswer(**answer)
