"""How a person finds what he means on the screen: by what he reads there, or by its ids."""

from sandbox.slack.blocks.visible import elements
from sandbox.slack.refusal import Impossible
from sandbox.slack.world import Json


def element_meant(blocks: list[Json], meant: str, value: str | None = None) -> tuple[str, Json]:
    """Block id and element with this text, placeholder, label or `action_id`; `value` decides among several."""
    found = [
        (block["block_id"], element)
        for block in blocks
        for element in elements(block)
        if meant in _names(block, element) and value in (None, element.get("value"))
    ]
    if len(found) == 1:
        return found[0]
    there = sorted({name for block in blocks for element in elements(block) for name in _names(block, element)})
    count = "is no" if not found else f"are {len(found)}"
    raise Impossible(f"There {count} {meant!r} here; there is: {', '.join(there) or 'nothing to act on'}")


def input_meant(blocks: list[Json], meant: str) -> tuple[str, Json]:
    """Block id and element of the field with this label, `block_id`, `action_id` or `block_id/action_id`."""
    for exact in (True, False):
        for block in blocks:
            for element in elements(block):
                names = _field_names(block, element)
                if meant in names or (not exact and meant.casefold() in map(str.casefold, names)):
                    return block["block_id"], element
    fields = [block["label"]["text"] for block in blocks if block["type"] == "input"]
    raise Impossible(f"There is no field {meant!r} here; there are: {', '.join(fields)}")


def _names(block: Json, element: Json) -> list[str]:
    texts = [element.get(name, {}).get("text") for name in ("text", "placeholder")]
    label = block.get("label", {}).get("text")
    return [name for name in (*texts, label, element.get("action_id"), element.get("accessibility_label")) if name]


def _field_names(block: Json, element: Json) -> list[str]:
    action_id = element.get("action_id", "")
    return [*_names(block, element), block["block_id"], f"{block['block_id']}/{action_id}"]
