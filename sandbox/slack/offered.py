"""What a select of people or conversations offers to the person who uses it."""

from sandbox.slack.refusal import Impossible
from sandbox.slack.world import Channel, Json, User, Workspace


def check(workspace: Workspace, user: User, element: Json, value: object) -> None:
    """Raise `Impossible` where Slack's screen would not let `user` choose `value` here."""
    chosen = [each for each in (value if isinstance(value, list) else [value]) if each is not None]
    if len(chosen) > element.get("max_selected_items", len(chosen)):
        raise Impossible(f"No more than {element['max_selected_items']} can be chosen here.")
    match str(element["type"]).removeprefix("multi_"):
        case "users_select":
            offered = {each.id for each in workspace.users.values() if not each.deleted}
        case "conversations_select":
            offered = {each.id for each in _conversations(workspace, user, element.get("filter") or {})}
        case "channels_select":
            offered = {each.id for each in _conversations(workspace, user, {"include": ["public"]})}
        case _:
            return
    if missing := [each for each in chosen if each not in offered]:
        raise Impossible(f"This select does not offer {missing[0]} to {user.name}.")


def _conversations(workspace: Workspace, user: User, wanted: Json) -> list[Channel]:
    return [
        channel
        for channel in workspace.channels.values()
        if workspace.sees(user.id, channel)
        and not channel.is_archived
        and channel.kind in wanted.get("include", [channel.kind])
        and not (wanted.get("exclude_external_shared_channels") and channel.is_ext_shared)
        and not (wanted.get("exclude_bot_users") and channel.kind == "im" and workspace.has_bot(channel))
    ]
