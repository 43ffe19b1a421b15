"""The blocks, and which of them a message and a modal may hold. Limits: Slack's Block Kit reference."""

from typing import Any

from sandbox.slack.blocks.composition import BLOCK_ID, KIND, URL, plain, words
from sandbox.slack.blocks.elements import IMAGE, IN_ACTIONS, IN_INPUT, IN_SECTION
from sandbox.slack.blocks.rich_text import RICH_TEXT
from sandbox.slack.blocks.schema import Check, also, flag, listed, number, one_of, record, text, typed

MARKDOWN_CHARACTERS = 12_000
_BLOCK: dict[str, Check] = {"block_id": BLOCK_ID}
_CELLS: dict[str, Check] = {
    "raw_text": record({**KIND, "text": text(10_000)}),
    "raw_number": record({**KIND, "value": number, "text": text(10_000)}),
    "rich_text": RICH_TEXT,
}


def _block(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return record({**KIND, **required}, {**_BLOCK, **(optional or {})})


def _section_rule(block: dict[str, Any]) -> str | None:
    return None if "text" in block or "fields" in block else "missing required field: text or fields"


_COMMON: dict[str, Check] = {
    "section": also(
        _block(
            {}, {"text": words(3000), "fields": listed(words(2000), 10), "accessory": typed(IN_SECTION), "expand": flag}
        ),
        _section_rule,
    ),
    "divider": _block({}),
    "header": _block({"text": plain(150)}),
    "context": _block(
        {"elements": listed(typed({"image": IMAGE, "plain_text": words(3000), "mrkdwn": words(3000)}), 10)}
    ),
    "actions": _block({"elements": listed(typed(IN_ACTIONS), 25)}),
    "input": _block(
        {"label": plain(2000), "element": typed(IN_INPUT)},
        {"hint": plain(2000), "optional": flag, "dispatch_action": flag},
    ),
    "image": _block({"image_url": URL, "alt_text": text(2000)}, {"title": plain(2000)}),
    "rich_text": RICH_TEXT,
}
IN_MESSAGE: dict[str, Check] = {
    **_COMMON,
    "markdown": _block({"text": text(MARKDOWN_CHARACTERS)}),
    "table": _block(
        {"rows": listed(listed(typed(_CELLS), 20), 100)},
        {"column_settings": listed(record({}, {"align": one_of("left", "center", "right"), "is_wrapped": flag}), 20)},
    ),
}
IN_MODAL: dict[str, Check] = {
    **_COMMON,
    "alert": _block({"text": words(200)}, {"level": one_of("default", "info", "warning", "error", "success")}),
}
