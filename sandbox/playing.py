"""The two sandboxes as one playground: what the Slack's page may do to the provider behind the bot."""

from collections.abc import Awaitable, Callable

import httpx

from sandbox.mailapi import MailAPIControl
from sandbox.slack.playground import Playground, Usage
from sandbox.slack.refusal import Impossible
from sandbox.slack.world import Json

WORDS = ("fault", "clear_faults", "fail_next_task", "fail_mailbox", "hold_queue", "release_queue", "set_speed")
"""What the page may ask of the provider: methods of `MailAPIControl`, with its arguments as JSON."""


def playground(
    provider: MailAPIControl,
    *,
    kill_bot: Callable[[], Awaitable[None]] | None = None,
    restart_bot: Callable[[], Awaitable[None]] | None = None,
    usages: tuple[Usage, ...] = (),
    manifest: Json | None = None,
) -> Playground:
    """A playground with `provider` in it, which must stay open as long as the page is served."""

    async def mailapi(word: str, asked: Json) -> None:
        if word not in WORDS:
            raise Impossible(f"The provider does not know {word!r}.")
        try:
            await getattr(provider, word)(**asked)
        except httpx.HTTPStatusError as error:
            raise Impossible(f"The provider refused: {error.response.text}") from error

    async def wire(after: int) -> list[Json]:
        return [request.model_dump() for request in await provider.requests() if request.number > after]

    return Playground(
        kill_bot=kill_bot,
        restart_bot=restart_bot,
        mailapi=mailapi,
        wire=wire,
        usages=usages,
        manifest=manifest or {},
    )
