"""What a person reads of blocks, as text. Mentions stay as Slack writes them: `<@U…>`, `<#C…>`, `<!subteam^S…>`."""

from collections.abc import Iterator
from typing import Any

from sandbox.slack.world import Json

_PART_FIELDS = {"user": "<@{user_id}>", "channel": "<#{channel_id}>", "usergroup": "<!subteam^{usergroup_id}>"}


def visible(blocks: list[Json], text: str = "") -> str:
    """All that can be read of `blocks`, one block a line; of a message without blocks its `text`."""
    return "\n".join(filter(None, map(_block, blocks))) if blocks else text


def elements(block: Json) -> list[Json]:
    """The interactive elements (and images) of a block, in the order in which they are seen."""
    if block["type"] in ("actions", "context"):
        return [element for element in block["elements"] if element["type"] not in ("plain_text", "mrkdwn")]
    return [block[name] for name in ("accessory", "element") if name in block]


def characters(value: Any) -> int:
    """How much text a block holds, all texts of its parts together."""
    if isinstance(value, list):
        return sum(map(characters, value))
    if isinstance(value, dict):
        return sum(
            len(part) if name == "text" and isinstance(part, str) else characters(part) for name, part in value.items()
        )
    return 0


def table_characters(table: Json) -> int:
    """How many characters the cells of a table hold."""
    return characters(table["rows"])


def element_text(element: Json) -> str:
    """What can be read of one element before anybody touches it."""
    match element["type"]:
        case "image":
            return str(element["alt_text"])
        case "button":
            return str(element["text"]["text"])
        case "checkboxes" | "radio_buttons" | "overflow":
            return "\n".join(map(_option, element["options"]))
        case _:
            return _entered(element)


def _entered(element: Json) -> str:
    chosen = element.get("initial_options") or [element.get("initial_option")]
    shown = [_option(option) for option in chosen if option]
    shown += [_PART_FIELDS[part].format(**{f"{part}_id": each}) for part, each in _initial_ids(element)]
    placeholder = element.get("placeholder", {}).get("text", "")
    return str(", ".join(shown) or element.get("initial_value") or placeholder)


def _initial_ids(element: Json) -> Iterator[tuple[str, str]]:
    for part, one, several in (
        ("user", "initial_user", "initial_users"),
        ("channel", "initial_conversation", "initial_conversations"),
        ("channel", "initial_channel", "initial_channels"),
    ):
        found = [*([element[one]] if one in element else []), *element.get(several, [])]
        yield from ((part, each) for each in found)


def _option(option: Json) -> str:
    description = option.get("description", {}).get("text")
    return str(option["text"]["text"]) + (f" - {description}" if description else "")


def _block(block: Json) -> str:
    return "\n".join(filter(None, _lines(block)))


def _lines(block: Json) -> Iterator[str]:
    match block["type"]:
        case "markdown":
            yield block["text"]
        case "table":
            yield from (" | ".join(map(_cell, row)) for row in block["rows"])
        case "rich_text":
            yield rich_text(block)
        case "image":
            yield block.get("title", {}).get("text", "")
            yield block["alt_text"]
        case _:
            yield from _texts(block)


def _texts(block: Json) -> Iterator[str]:
    for name in ("label", "text"):
        yield block.get(name, {}).get("text", "")
    yield from (field["text"] for field in block.get("fields", []))
    if block["type"] == "context":
        yield " ".join(part.get("text") or part.get("alt_text", "") for part in block["elements"])
    else:
        yield from map(element_text, elements(block))
    yield block.get("hint", {}).get("text", "")


def _cell(cell: Json) -> str:
    return rich_text(cell) if cell["type"] == "rich_text" else str(cell["text"])


def rich_text(part: Json) -> str:
    """The text of a `rich_text` block or of any part of it."""
    if part["type"] in ("rich_text", "rich_text_list"):
        return "\n".join(map(rich_text, part["elements"]))
    if "elements" in part:
        return "".join(map(rich_text, part["elements"]))
    return _rich_part(part)


def _rich_part(part: Json) -> str:
    if part["type"] in _PART_FIELDS:
        return _PART_FIELDS[part["type"]].format(**part)
    match part["type"]:
        case "broadcast":
            return f"@{part['range']}"
        case "emoji":
            return f":{part['name']}:"
        case "date":
            return str(part.get("fallback") or part["timestamp"])
        case "color":
            return str(part["value"])
        case _:
            return str(part.get("text") or part.get("url") or "")
