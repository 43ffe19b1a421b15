"""What the driver hands back: acknowledgements, messages and modals, as the person sees them."""

import base64
from dataclasses import dataclass
from typing import Any

from sandbox.slack.blocks.visible import elements
from sandbox.slack.world import Json


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """What the app answered at once; `text` is what the person reads of it privately."""

    ok: bool
    error: str | None
    payload: Any
    seconds: float
    text: str
    ts: str | None = None


@dataclass(frozen=True, kw_only=True)
class Installed:
    """The app in a team or organisation, with the tokens that Slack has issued for it and not revoked."""

    installer: str
    scopes: list[str]
    teams: list[str]
    tokens: list[str]
    refresh_tokens: list[str]


@dataclass(frozen=True, kw_only=True)
class SharedFile:
    """A file that somebody can see."""

    id: str
    name: str
    title: str
    content: bytes

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode()

    @classmethod
    def of(cls, raw: Json) -> "SharedFile":
        """The file that the control API describes as `raw`."""
        return cls(id=raw["id"], name=raw["name"], title=raw["title"], content=base64.b64decode(raw["content"]))


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message as it was when it was read; `edited` counts its changes since it was posted."""

    channel: str
    ts: str
    text: str
    blocks: list[Json]
    visible: str
    ephemeral: bool
    thread_ts: str | None
    user: str
    files: list[SharedFile]
    metadata: Json | None
    edited: int
    raw: Json

    @property
    def buttons(self) -> list[str]:
        """The texts of its buttons."""
        return button_texts(self.blocks)

    @classmethod
    def of(cls, raw: Json) -> "Message":
        """The message that the control API describes as `raw`."""
        return cls(
            channel=raw["channel"],
            ts=raw["ts"],
            text=raw["text"],
            blocks=raw["blocks"],
            visible=raw["visible"],
            ephemeral=raw["ephemeral"],
            thread_ts=raw.get("thread_ts"),
            user=raw["user"],
            files=[SharedFile.of(file) for file in raw["files"]],
            metadata=raw.get("metadata"),
            edited=raw["updates"],
            raw=raw,
        )


@dataclass(frozen=True, kw_only=True)
class View:
    """A modal as it was when it was looked at; `inputs` are the labels of its fields."""

    id: str
    title: str
    text: str
    blocks: list[Json]
    raw: Json

    @property
    def hash(self) -> str:
        """The state of the modal that was seen."""
        return str(self.raw["hash"])

    @property
    def inputs(self) -> list[str]:
        """The labels of its fields, in order."""
        return [block["label"]["text"] for block in self.blocks if block["type"] == "input"]

    @property
    def values(self) -> dict[str, Any]:
        """What stands in the fields, by label: text, an option's value, an id, or a list of them."""
        state = self.raw["state"]["values"]
        inputs = [block for block in self.blocks if block["type"] == "input"]
        return {
            block["label"]["text"]: _plain(state[block["block_id"]][block["element"]["action_id"]]) for block in inputs
        }

    @property
    def buttons(self) -> list[str]:
        """The texts of the buttons among its blocks."""
        return button_texts(self.blocks)

    @classmethod
    def of(cls, raw: Json) -> "View":
        """The modal that the control API describes as `raw`."""
        return cls(id=raw["id"], title=raw["title"]["text"], text=raw["visible"], blocks=raw["blocks"], raw=raw)


def button_texts(blocks: list[Json]) -> list[str]:
    """The texts of the buttons in `blocks`."""
    found = [element for block in blocks for element in elements(block)]
    return [element["text"]["text"] for element in found if element["type"] == "button"]


def _plain(state: Json) -> Any:
    content = next((value for name, value in state.items() if name != "type"), None)
    if isinstance(content, list):
        return [each["value"] if isinstance(each, dict) else each for each in content]
    return content["value"] if isinstance(content, dict) else content
