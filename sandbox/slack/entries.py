"""What a person has filled in, as Slack reports it in `state.values`."""

from typing import Any

from sandbox.slack.blocks.composition import all_options
from sandbox.slack.blocks.elements import LONGEST_INPUT
from sandbox.slack.blocks.visible import elements
from sandbox.slack.refusal import Impossible
from sandbox.slack.world import Json

_STATE_FIELD = {
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
}
_EXTERNAL = ("external_select", "multi_external_select")


def find(blocks: list[Json], block_id: str, action_id: str) -> Json:
    """The element with these ids; raises `Impossible` where it is not on the screen."""
    for block in blocks:
        if block["block_id"] == block_id:
            for element in elements(block):
                if element.get("action_id") == action_id:
                    return element
    raise Impossible(f"There is no element {block_id}/{action_id} any more.")


def values(blocks: list[Json], entries: Json) -> Json:
    """`state.values`: by block and action, what is entered, or what stands there at first."""
    found: Json = {}
    for block in blocks:
        for element in elements(block):
            if element["type"] in _STATE_FIELD:
                entered = entries.get(block["block_id"], {}).get(element["action_id"])
                found.setdefault(block["block_id"], {})[element["action_id"]] = entered or initial(element)
    return found


def initial(element: Json) -> Json:
    """The state of an element that nobody has touched."""
    name = _STATE_FIELD[element["type"]]
    first = element.get(name.replace("selected", "initial") if name != "value" else "initial_value")
    if first is None and name.endswith("s"):
        first = []
    return {"type": element["type"], name: first}


def kept(blocks: list[Json], entries: Json) -> Json:
    """Those entries whose element is still there, with the same ids and of the same type."""
    left: Json = {}
    for block_id, actions in values(blocks, {}).items():
        for action_id, state in actions.items():
            entered = entries.get(block_id, {}).get(action_id)
            if entered and entered["type"] == state["type"]:
                left.setdefault(block_id, {})[action_id] = entered
    return left


def entered(element: Json, value: Any) -> Json:
    """The state after `value` was entered: text, an option's text or value, an id, or a list of them."""
    name = _STATE_FIELD.get(element["type"])
    if name is None:
        raise Impossible(f"Nothing can be entered into a {element['type']}.")
    if name == "value":
        return {"type": element["type"], name: None if value in (None, "") else str(value)}
    if name == "selected_option":
        return {"type": element["type"], name: None if value is None else choice(element, value)}
    if name == "selected_options":
        chosen = value if isinstance(value, list) else [value]
        return {"type": element["type"], name: [choice(element, each) for each in chosen]}
    if name.endswith("s"):
        return {"type": element["type"], name: value if isinstance(value, list) else [value]}
    return {"type": element["type"], name: value}


def unacceptable(blocks: list[Json], entries: Json) -> Json:
    """What Slack's own form objects to, by block: empty required fields, lengths, malformed numbers and addresses."""
    states = values(blocks, entries)
    wrong: Json = {}
    for block in blocks:
        if block["type"] == "input":
            state = content(states[block["block_id"]][block["element"]["action_id"]])
            if complaint := _complaint(block, state):
                wrong[block["block_id"]] = complaint
    return wrong


def by_label(blocks: list[Json], errors: Json) -> Json:
    """Errors by block as errors by the label that the person reads."""
    labels = {block["block_id"]: block["label"]["text"] for block in blocks if block["type"] == "input"}
    return {labels.get(block_id, block_id): error for block_id, error in errors.items()}


def content(state: Json) -> Any:
    """What is in a state: text, option, id or list; `None` or an empty list where nothing is."""
    return state[_STATE_FIELD[state["type"]]]


def choice(element: Json, value: Any) -> Json:
    """The option of `element` with this text or value; raises `Impossible` where there is none."""
    if isinstance(value, dict) and element["type"] in _EXTERNAL:
        return value
    for option in all_options(element):
        if value in (option["value"], option["text"]["text"], option):
            return option
    offered = ", ".join(option["text"]["text"] for option in all_options(element))
    raise Impossible(f"There is no option {value!r}; there are: {offered}")


def _complaint(block: Json, state: Any) -> str | None:
    element = block["element"]
    if state in (None, [], ""):
        return None if block.get("optional") else "Please complete this required field."
    match element["type"]:
        case "plain_text_input":
            return _length_complaint(element, state)
        case "number_input":
            return _number_complaint(element, state)
        case "email_text_input" if "@" not in state:
            return "Please enter a valid email address."
        case "url_text_input" if "://" not in state:
            return "Please enter a valid URL."
    return None


def _length_complaint(element: Json, state: str) -> str | None:
    if len(state) > element.get("max_length", LONGEST_INPUT):
        return f"Please enter no more than {element.get('max_length', LONGEST_INPUT)} characters."
    if len(state) < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    return None


def _number_complaint(element: Json, state: str) -> str | None:
    try:
        number = float(state)
    except ValueError:
        return "Please enter a valid number."
    if not element["is_decimal_allowed"] and not number.is_integer():
        return "Please enter a whole number."
    if number < float(element.get("min_value", number)) or number > float(element.get("max_value", number)):
        return "Please enter a number within the limits."
    return None
