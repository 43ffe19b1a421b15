"""Text, options and confirmations: what blocks and elements are made of."""

from typing import Any

from sandbox.slack.blocks.schema import Check, also, any_string, flag, listed, one_of, record, text, typed

KIND: dict[str, Check] = {"type": any_string}
BLOCK_ID = text(255)
ACTION_ID = text(255)
URL = text(3000)


def plain(most: int, least: int = 1) -> Check:
    """A text object of type `plain_text`."""
    return typed({"plain_text": record({**KIND, "text": text(most, least)}, {"emoji": flag})})


def words(most: int, least: int = 1) -> Check:
    """A text object of type `plain_text` or `mrkdwn`."""
    mrkdwn = record({**KIND, "text": text(most, least)}, {"verbatim": flag})
    return typed({"plain_text": record({**KIND, "text": text(most, least)}, {"emoji": flag}), "mrkdwn": mrkdwn})


def option(*, formatted: bool = False, url: bool = False) -> Check:
    """One choice; `formatted` ones (checkboxes, radio buttons) may use mrkdwn, those of an overflow menu have a URL."""
    written = words if formatted else plain
    extra: dict[str, Check] = {"description": written(75)}
    if url:
        extra["url"] = URL
    return record({"text": written(75), "value": text(150)}, extra)


CONFIRM = record(
    {"title": plain(100), "text": words(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
CHOICES: dict[str, Check] = {
    "options": listed(option(), 100),
    "option_groups": listed(record({"label": plain(75), "options": listed(option(), 100)}), 100),
}
DISPATCH = record({}, {"trigger_actions_on": listed(one_of("on_enter_pressed", "on_character_entered"), 2)})
FILTER = also(
    record(
        {},
        {
            "include": listed(one_of("im", "mpim", "private", "public"), 4),
            "exclude_bot_users": flag,
            "exclude_external_shared_channels": flag,
        },
    ),
    lambda value: None if value else "must provide at least one filter",
)


def all_options(element: dict[str, Any]) -> list[dict[str, Any]]:
    """The choices that an element offers, those in groups included."""
    grouped = [each for group in element.get("option_groups", []) for each in group["options"]]
    return [*element.get("options", []), *grouped]


def choices_rule(element: dict[str, Any]) -> str | None:
    """Options or groups, not both; what is chosen at first is one of them."""
    if ("options" in element) == ("option_groups" in element):
        return "must provide either options or option_groups"
    first = element.get("initial_options") or ([element["initial_option"]] if "initial_option" in element else [])
    if any(each not in all_options(element) for each in first):
        return "initial_option must match one of the options"
    return None
