"""Uploading: get a URL, put the bytes there, then complete; only then the file is seen."""

import secrets

from sandbox.slack import messages
from sandbox.slack.messages import Draft
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.web_api.call import Call, invalid
from sandbox.slack.world import Channel, File, Json

_TOO_LARGE = 1_000_000_000


def get_upload_url(call: Call) -> Json:
    """files.getUploadURLExternal."""
    name, length = call.required("filename"), call.number("length", 0)
    if length <= 0:
        raise invalid("must be more than 0: length", "length")
    if length > _TOO_LARGE:
        raise Refused("file_upload_size_restricted")
    file = File(id=f"F{secrets.token_hex(5).upper()}", name=name, title=name, length=length, user=call.workspace.bot)
    call.workspace.files[file.id] = file
    return {"upload_url": f"{call.platform.base_url}/upload/v1/{file.id}", "file_id": file.id}


def complete_upload(call: Call) -> Json:
    """files.completeUploadExternal: one message per channel, with all the files."""
    files = [_completed(call, each) for each in _listed(call)]
    for channel in _channels(call):
        _share(call, channel, files)
    return {"files": [messages.shape_file(file) for file in files]}


def receive(platform: Platform, file_id: str, content: bytes) -> str:
    """Take the bytes of an announced file; returns what Slack says then."""
    announced = (workspace.files.get(file_id) for workspace in platform.world.workspaces.values())
    file = next(filter(None, announced), None)
    if file is None or file.content is not None or len(content) != file.length:
        raise Refused("invalid_upload")
    file.content = content
    return f"OK - {len(content)}"


def _listed(call: Call) -> list[Json]:
    listed = call.value("files")
    if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
        raise invalid("must provide an array of files", "files")
    return listed


def _completed(call: Call, listed: Json) -> File:
    # An organisation's file belongs to no team before it is shared.
    announced = (call.platform.world.workspaces[team].files for team in call.installation.teams)
    file = next((files[listed["id"]] for files in announced if listed.get("id") in files), None)
    if file is None or file.content is None:
        raise Refused("file_not_found")
    file.title = listed.get("title") or file.name
    return file


def _channels(call: Call) -> list[Channel]:
    named = [*call.text("channels").split(","), call.text("channel_id")]
    found = []
    for name in filter(None, named):
        channel = call.known(call.workspace.channels.get(name))
        if channel.is_archived:
            raise Refused("is_archived")
        if not call.workspace.has_bot(channel):
            raise Refused("not_in_channel")
        found.append(channel)
    return found


def _share(call: Call, channel: Channel, files: list[File]) -> None:
    draft = Draft(
        text=call.text("initial_comment"),
        thread_ts=call.text("thread_ts") or None,
        files=[file.id for file in files],
    )
    for workspace in call.platform.world.sharing(channel.id):
        workspace.files |= {file.id: file for file in files}
    messages.post(call.platform, call.workspace, channel, draft, user=call.workspace.bot)
    for file in files:
        file.shared_in.append(channel.id)
        call.platform.journal.note(
            "file_shared", team=call.workspace.id, channel=channel.id, file=file.id, name=file.name, title=file.title
        )
