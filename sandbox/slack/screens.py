"""The modals that stand on people's screens, in stacks of at most three."""

import copy
import secrets
from collections.abc import Iterator

from sandbox.slack import entries
from sandbox.slack.blocks import check_view
from sandbox.slack.messages import identified
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.world import Json, View, Workspace

DEEPEST = 3
_DEFAULTS: Json = {
    "private_metadata": "",
    "callback_id": "",
    "clear_on_close": False,
    "notify_on_close": False,
    "close": None,
    "submit": None,
    "external_id": "",
}


def open_view(platform: Platform, workspace: Workspace, user: str, content: Json) -> View:
    """Show a modal to `user`, in place of any that he had open."""
    check_view(content)
    _check_external_id(workspace, content, None)
    clear(platform, workspace, user)
    return _show(platform, workspace, user, content)


def push_view(platform: Platform, workspace: Workspace, user: str, content: Json) -> View:
    """Put a modal on top of those that `user` has open."""
    check_view(content)
    _check_external_id(workspace, content, None)
    stack = workspace.screens.get(user, [])
    if not stack:
        raise Refused("not_found")
    if len(stack) >= DEEPEST:
        raise Refused("push_limit_reached")
    return _show(platform, workspace, user, content)


def update_view(platform: Platform, workspace: Workspace, view: View, content: Json) -> View:
    """Replace what `view` shows; what was entered into elements that remain is kept."""
    check_view(content)
    _check_external_id(workspace, content, view)
    view.content = _complete(content)
    view.hash = _hash(platform)
    view.entries = entries.kept(view.content["blocks"], view.entries)
    platform.journal.note("view_updated", team=workspace.id, user=view.user, view=shape(workspace, view))
    return view


def close_view(platform: Platform, workspace: Workspace, view: View) -> None:
    """Take `view` off the screen; the one below it is seen again."""
    stack = workspace.screens.get(view.user, [])
    if view.id in stack:
        stack.remove(view.id)
    platform.journal.note("view_closed", team=workspace.id, user=view.user, view_id=view.id)


def clear(platform: Platform, workspace: Workspace, user: str) -> list[View]:
    """Take all modals off the screen of `user`; returns them, top first."""
    gone = [workspace.views[view_id] for view_id in reversed(workspace.screens.get(user, []))]
    for view in gone:
        close_view(platform, workspace, view)
    return gone


def top(workspace: Workspace, user: str) -> View | None:
    """The modal that `user` looks at."""
    stack = workspace.screens.get(user, [])
    return workspace.views[stack[-1]] if stack else None


def on_top(platform: Platform, workspace: Workspace, user: str) -> tuple[Workspace, View] | None:
    """The modal that `user` looks at, and whose app shows it: that of `workspace`, or another's."""
    for each in [workspace, *platform.world.workspaces.values()]:
        if view := top(each, user):
            return each, view
    return None


def find(workspace: Workspace, view_id: str | None, external_id: str | None) -> View:
    """An open view; raises `not_found`."""
    for view in _open_views(workspace):
        if view.id == view_id or (external_id and view.content["external_id"] == external_id):
            return view
    raise Refused("not_found")


def shape(workspace: Workspace, view: View) -> Json:
    """The view as Slack's Web API and payloads show it."""
    return {
        "id": view.id,
        "team_id": view.team_id,
        **view.content,
        "state": {"values": entries.values(view.content["blocks"], view.entries)},
        "hash": view.hash,
        "previous_view_id": view.previous_view_id,
        "root_view_id": view.root_view_id,
        "app_id": workspace.app_id,
        "app_installed_team_id": view.installed_in,
        "bot_id": workspace.bot_id,
    }


def _show(platform: Platform, workspace: Workspace, user: str, content: Json) -> View:
    stack = workspace.screens.setdefault(user, [])
    installation = platform.world.installed_in(workspace.id)
    view_id = f"V{secrets.token_hex(5).upper()}"
    view = View(
        id=view_id,
        team_id=workspace.id,
        user=user,
        installed_in=installation.place if installation else workspace.id,
        content=_complete(content),
        hash=_hash(platform),
        root_view_id=stack[0] if stack else view_id,
        previous_view_id=stack[-1] if stack else None,
    )
    workspace.views[view.id] = view
    stack.append(view.id)
    platform.journal.note("view_opened", team=workspace.id, user=user, view=shape(workspace, view))
    return view


def _complete(content: Json) -> Json:
    return {**_DEFAULTS, **copy.deepcopy(content), "blocks": identified(content["blocks"])}


def _hash(platform: Platform) -> str:
    return f"{int(platform.clock.now())}.{secrets.token_hex(4)}"


def _check_external_id(workspace: Workspace, content: Json, own: View | None) -> None:
    wanted = content.get("external_id")
    others = (view for view in _open_views(workspace) if view is not own)
    if wanted and any(view.content["external_id"] == wanted for view in others):
        raise Refused("duplicate_external_id")


def _open_views(workspace: Workspace) -> Iterator[View]:
    return (workspace.views[view_id] for stack in workspace.screens.values() for view_id in stack)
