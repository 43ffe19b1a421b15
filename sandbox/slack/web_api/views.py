"""views.*: `expired_trigger_id` and its like are the names in Slack's reference of views.open."""

from sandbox.slack import screens
from sandbox.slack.refusal import Refused
from sandbox.slack.tickets import Trigger
from sandbox.slack.web_api.call import Call, invalid
from sandbox.slack.world import Json


def open_(call: Call) -> Json:
    """views.open."""
    trigger, content = _trigger(call), _view(call)
    view = screens.open_view(call.platform, call.workspace, trigger.user, content)
    trigger.used = True
    return {"view": screens.shape(call.workspace, view)}


def push(call: Call) -> Json:
    """views.push: only with a trigger from within a modal."""
    trigger, content = _trigger(call), _view(call)
    view = screens.push_view(call.platform, call.workspace, trigger.user, content)
    trigger.used = True
    return {"view": screens.shape(call.workspace, view)}


def update(call: Call) -> Json:
    """views.update; with `hash` only where the view has not changed since."""
    view_id, external_id = call.text("view_id"), call.text("external_id")
    if not view_id and not external_id:
        raise invalid("must provide view_id or external_id", "view_id")
    content = _view(call)
    view = screens.find(call.workspace, view_id, external_id)
    if (known := call.text("hash")) and known != view.hash:
        raise Refused("hash_conflict")
    return {"view": screens.shape(call.workspace, screens.update_view(call.platform, call.workspace, view, content))}


def _trigger(call: Call) -> Trigger:
    return call.platform.triggers.check(call.required("trigger_id"), call.workspace.id)


def _view(call: Call) -> Json:
    view = call.value("view")
    if not isinstance(view, dict):
        raise invalid("missing required field: view", "view")
    return view
