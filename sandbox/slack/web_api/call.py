import json
from dataclasses import dataclass
from typing import Any

from sandbox.slack.installation import Installation
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.world import Channel, Json, User, Workspace

_TRUE = (True, 1, "1", "true", "True")


@dataclass(kw_only=True)
class Call:
    """One call of a Web API method, with its arguments as they came: text from forms, values from JSON."""

    platform: Platform
    workspace: Workspace
    arguments: Json
    installation: Installation
    token: str

    def text(self, name: str, default: str = "") -> str:
        """A text argument; raises `invalid_arguments` for anything else."""
        value = self.arguments.get(name, default)
        if value is None:
            return default
        if not isinstance(value, str | int | float):
            raise invalid(f"must be a string: {name}", name)
        return str(value)

    def required(self, name: str) -> str:
        """A text argument that may not be missing."""
        if value := self.text(name):
            return value
        raise invalid(f"missing required field: {name}", name)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A yes or no."""
        value = self.arguments.get(name)
        return default if value is None else value in _TRUE

    def number(self, name: str, default: int) -> int:
        """A whole number."""
        try:
            return int(self.arguments.get(name) or default)
        except (TypeError, ValueError):
            raise invalid(f"must be an integer: {name}", name) from None

    def value(self, name: str, error: str = "invalid_arguments") -> Any:
        """A structured argument, which forms carry as JSON text; `None` where it is missing."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise Refused(error) from None

    def channel(self, name: str = "channel") -> Channel:
        """The channel whose id an argument gives, as far as the bot may know of it."""
        return self.known(self.workspace.channels.get(self.required(name)))

    def known(self, channel: Channel | None) -> Channel:
        """`channel`; raises `channel_not_found` where there is none, or a private one without the bot."""
        if channel is None or (channel.kind != "public" and not self.workspace.has_bot(channel)):
            raise Refused("channel_not_found")
        return channel

    def user(self, name: str = "user") -> User:
        """The user that an argument names."""
        user = self.workspace.users.get(self.required(name))
        if user is None:
            raise Refused("user_not_found")
        return user


def invalid(what: str, name: str) -> Refused:
    """`invalid_arguments`, with where and why."""
    return Refused("invalid_arguments", response_metadata={"messages": [f"[ERROR] {what} [json-pointer:/{name}]"]})
