"""What stands around this Slack while somebody tries a bot in the page: the bot's process, and the provider behind it.

Whoever starts the sandbox says so when he creates it, `create_app(world, playground=Playground(...))`. What is left
out is not offered in the page: a Slack alone has no buttons for a bot that it cannot end.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from sandbox.slack.world import Json


@dataclass(frozen=True, kw_only=True)
class Usage:
    """A line that the slash command understands, as the composer offers it while somebody types."""

    usage: str
    summary: str
    example: str


@dataclass(frozen=True, kw_only=True)
class Playground:
    """The rest of what can be played with. Each callable may raise `Impossible`, which the page shows.

    - `kill_bot` ends the bot at once, as SIGKILL does; `restart_bot` starts it (again) and returns once it is
      started, not necessarily connected. Both do nothing where there is nothing to do.
    - `mailapi(word, asked)` does one of `sandbox.playing.WORDS` to the provider behind the bot.
    - `wire(after)` gives the requests that the provider recorded with a higher number than `after`, oldest first,
      each as `{"number", "at", "endpoint", "parameters", "status", "applied"}` with the key masked.
    - `usages` are the slash command's lines for the composer; `manifest` is the app's manifest as parsed YAML, from
      which the page takes the message shortcuts and whether the bot can be written to.
    """

    kill_bot: Callable[[], Awaitable[None]] | None = None
    restart_bot: Callable[[], Awaitable[None]] | None = None
    mailapi: Callable[[str, Json], Awaitable[None]] | None = None
    wire: Callable[[int], Awaitable[list[Json]]] | None = None
    usages: tuple[Usage, ...] = ()
    manifest: Json = field(default_factory=dict)
