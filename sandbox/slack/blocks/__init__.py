"""What Slack accepts as the blocks of a message and as a modal. Pure: values in, problems out."""

import json
from collections.abc import Iterator
from typing import Any

from sandbox.slack.blocks.composition import plain
from sandbox.slack.blocks.layout import IN_MESSAGE, IN_MODAL, MARKDOWN_CHARACTERS
from sandbox.slack.blocks.schema import Problems, flag, listed, one_of, problem, record, text, typed
from sandbox.slack.blocks.visible import characters, elements, table_characters
from sandbox.slack.refusal import Refused

MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
TABLE_CHARACTERS = 10_000
VIEW_BYTES = 250_000
MESSAGE_CHARACTERS = 13_200
"""All text of a message's blocks together. Undocumented; measured by users of Slack (bolt-js issue 2509)."""


def _object(value: Any, where: str) -> Problems:
    if not isinstance(value, dict):
        yield problem("must provide an object", where)


_MESSAGE = listed(typed(IN_MESSAGE), MESSAGE_BLOCKS, least=0)
_VIEW = typed(
    {
        "modal": record(
            {
                "type": one_of("modal"),
                "title": plain(24),
                "blocks": listed(typed(IN_MODAL), VIEW_BLOCKS),
            },
            {
                "submit": plain(24),
                "close": plain(24),
                "private_metadata": text(3000, least=0),
                "callback_id": text(255, least=0),
                "external_id": text(255, least=0),
                "clear_on_close": flag,
                "notify_on_close": flag,
            },
        )
    }
)
METADATA = record({"event_type": text(255), "event_payload": _object})


def check_message(blocks: Any) -> None:
    """Raise what Slack answers to a message with `blocks`."""
    problems = list(_MESSAGE(blocks, "/blocks")) or list(_unique(blocks, "/blocks"))
    if problems:
        _refuse("invalid_blocks", problems)
    tables = [block for block in blocks if block["type"] == "table"]
    if len(tables) > 1:
        _refuse("invalid_attachments", [problem("only_one_table_allowed", "/blocks")])
    if sum(table_characters(table) for table in tables) > TABLE_CHARACTERS:
        where = f"/blocks/{blocks.index(tables[0])}/rows"
        _refuse("invalid_blocks", [problem(f"must be less than {TABLE_CHARACTERS + 1} characters in all", where)])
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    rest = sum(characters(block) for block in blocks if block["type"] != "table")
    if markdown > MARKDOWN_CHARACTERS or rest > MESSAGE_CHARACTERS:
        raise Refused("msg_blocks_too_long")


def check_view(view: Any) -> None:
    """Raise what Slack answers to a modal like `view`."""
    if len(json.dumps(view)) > VIEW_BYTES:
        raise Refused("view_too_large")
    problems = list(_VIEW(view, "/view")) or list(_unique(view["blocks"], "/view/blocks")) or list(_submit(view))
    if problems:
        _refuse("invalid_arguments", problems)


def _submit(view: dict[str, Any]) -> Problems:
    if "submit" not in view and any(block["type"] == "input" for block in view["blocks"]):
        yield problem("must define `submit` to use an `input` block in modals", "/view/blocks")


def _unique(blocks: list[dict[str, Any]], where: str) -> Problems:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id in seen:
            yield problem(f'`block_id` "{block_id}" already exists', f"{where}/{index}/block_id")
        seen.update([block_id] if block_id else [])
        yield from _unique_actions(block, f"{where}/{index}")


def _unique_actions(block: dict[str, Any], where: str) -> Iterator[str]:
    seen: set[str] = set()
    for element in elements(block):
        action_id = element.get("action_id")
        if action_id in seen:
            yield problem(f'`action_id` "{action_id}" already exists for block', where)
        seen.update([action_id] if action_id else [])


def _refuse(error: str, problems: list[str]) -> None:
    raise Refused(
        error, errors=[each.removeprefix("[ERROR] ") for each in problems], response_metadata={"messages": problems}
    )
