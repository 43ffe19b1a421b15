"""The interactive elements and where each may stand. Limits: Slack's Block Kit reference."""

from typing import Any

from sandbox.slack.blocks.composition import (
    ACTION_ID,
    CHOICES,
    CONFIRM,
    DISPATCH,
    FILTER,
    KIND,
    URL,
    choices_rule,
    option,
    plain,
)
from sandbox.slack.blocks.schema import (
    Check,
    also,
    any_string,
    flag,
    listed,
    matching,
    one_of,
    record,
    text,
    whole,
)

LONGEST_INPUT = 3000
LONGEST_QUERY = 1000

_ID = text(255)
_INTERACTIVE: dict[str, Check] = {"action_id": ACTION_ID, "confirm": CONFIRM}
_CHOOSING: dict[str, Check] = {**_INTERACTIVE, "placeholder": plain(150), "focus_on_load": flag}
_TYPING: dict[str, Check] = {
    "action_id": ACTION_ID,
    "placeholder": plain(150),
    "focus_on_load": flag,
    "dispatch_action_config": DISPATCH,
}
_SEVERAL: dict[str, Check] = {"max_selected_items": whole(1, 100)}
_QUERY: dict[str, Check] = {"min_query_length": whole(0, LONGEST_QUERY)}
_DECIMAL = matching(r"-?\d+(\.\d+)?", "must provide a decimal number as a string")
_BOXES = listed(option(formatted=True), 10)


def _element(optional: dict[str, Check], required: dict[str, Check] | None = None) -> Check:
    return record({**KIND, **(required or {})}, optional)


def _lengths_rule(element: dict[str, Any]) -> str | None:
    if element.get("min_length", 0) > element.get("max_length", LONGEST_INPUT):
        return "min_length must not exceed max_length"
    if len(element.get("initial_value", "")) > element.get("max_length", LONGEST_INPUT):
        return "initial_value must not exceed max_length"
    return None


def _boxes_rule(element: dict[str, Any]) -> str | None:
    first = element.get("initial_options") or ([element["initial_option"]] if "initial_option" in element else [])
    return None if all(each in element["options"] for each in first) else "initial options must match the options"


BUTTON = _element(
    {
        **_INTERACTIVE,
        "url": URL,
        "value": text(2000),
        "style": one_of("primary", "danger"),
        "accessibility_label": text(75),
    },
    {"text": plain(75)},
)
IMAGE = record({**KIND, "image_url": URL, "alt_text": text(2000)})
_PICKERS: dict[str, Check] = {
    "datepicker": _element({**_CHOOSING, "initial_date": matching(r"\d{4}-\d\d-\d\d", "must be a date: YYYY-MM-DD")}),
    "timepicker": _element(
        {**_CHOOSING, "initial_time": matching(r"[0-2]\d:[0-5]\d", "must be a time: HH:mm"), "timezone": any_string}
    ),
    "checkboxes": also(
        _element({**_INTERACTIVE, "focus_on_load": flag, "initial_options": _BOXES}, {"options": _BOXES}), _boxes_rule
    ),
    "radio_buttons": also(
        _element(
            {**_INTERACTIVE, "focus_on_load": flag, "initial_option": option(formatted=True)}, {"options": _BOXES}
        ),
        _boxes_rule,
    ),
}
_SELECTS: dict[str, Check] = {
    "static_select": also(_element({**_CHOOSING, **CHOICES, "initial_option": option()}), choices_rule),
    "external_select": _element({**_CHOOSING, **_QUERY, "initial_option": option()}),
    "users_select": _element({**_CHOOSING, "initial_user": _ID}),
    "conversations_select": _element(
        {
            **_CHOOSING,
            "initial_conversation": _ID,
            "default_to_current_conversation": flag,
            "response_url_enabled": flag,
            "filter": FILTER,
        }
    ),
    "channels_select": _element({**_CHOOSING, "initial_channel": _ID, "response_url_enabled": flag}),
}
_MULTI_SELECTS: dict[str, Check] = {
    "multi_static_select": also(
        _element({**_CHOOSING, **_SEVERAL, **CHOICES, "initial_options": listed(option(), 100)}), choices_rule
    ),
    "multi_external_select": _element(
        {**_CHOOSING, **_SEVERAL, **_QUERY, "initial_options": listed(option(), 100)},
    ),
    "multi_users_select": _element({**_CHOOSING, **_SEVERAL, "initial_users": listed(_ID, 100)}),
    "multi_conversations_select": _element(
        {
            **_CHOOSING,
            **_SEVERAL,
            "initial_conversations": listed(_ID, 100),
            "default_to_current_conversation": flag,
            "filter": FILTER,
        }
    ),
    "multi_channels_select": _element({**_CHOOSING, **_SEVERAL, "initial_channels": listed(_ID, 100)}),
}
_TEXT_INPUTS: dict[str, Check] = {
    "plain_text_input": also(
        _element(
            {
                **_TYPING,
                "initial_value": text(LONGEST_INPUT, least=0),
                "multiline": flag,
                "min_length": whole(0, LONGEST_INPUT),
                "max_length": whole(1, LONGEST_INPUT),
            }
        ),
        _lengths_rule,
    ),
    "number_input": _element(
        {**_TYPING, "initial_value": _DECIMAL, "min_value": _DECIMAL, "max_value": _DECIMAL},
        {"is_decimal_allowed": flag},
    ),
    "email_text_input": _element({**_TYPING, "initial_value": any_string}),
    "url_text_input": _element({**_TYPING, "initial_value": any_string}),
}
_OVERFLOW: dict[str, Check] = {"overflow": _element(_INTERACTIVE, {"options": listed(option(url=True), 5)})}

IN_ACTIONS: dict[str, Check] = {"button": BUTTON, **_SELECTS, **_PICKERS, **_OVERFLOW}
IN_SECTION: dict[str, Check] = {**IN_ACTIONS, **_MULTI_SELECTS, "image": IMAGE}
IN_INPUT: dict[str, Check] = {**_TEXT_INPUTS, **_SELECTS, **_MULTI_SELECTS, **_PICKERS}
