"""What a person does in Slack, and what becomes of it."""

from typing import Any

from sandbox.slack import entries, lumen, messages, offered, screens
from sandbox.slack.delivery import answers, payloads
from sandbox.slack.delivery.envelopes import Answer, deliver, deliver_event
from sandbox.slack.identity import direct_channel
from sandbox.slack.messages import Draft
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Impossible, Refused
from sandbox.slack.world import Channel, Json, Message, User, Workspace


class Person:
    """One person at his screen; raises `Impossible` for what the screen does not offer."""

    def __init__(self, platform: Platform, workspace: Workspace, user: str) -> None:
        if user not in workspace.users or workspace.users[user].deleted:
            raise Impossible(f"There is no user {user}.")
        self._platform = platform
        self._workspace = workspace
        self.user: User = workspace.users[user]

    def channel(self, channel_id: str) -> Channel:
        """A channel that he can look into."""
        if channel_id == direct_channel(self.user.id):
            return lumen.direct(self._workspace, self.user.id)
        channel = self._workspace.channels.get(channel_id)
        if channel is None or not self._workspace.sees(self.user.id, channel):
            raise Impossible(f"{self.user.name} does not see a channel {channel_id}.")
        return channel

    def message(self, channel_id: str, ts: str) -> Message:
        """A message that he can see."""
        message = self.channel(channel_id).messages.get(ts)
        if message is None or message.ephemeral_to not in (None, self.user.id):
            raise Impossible(f"{self.user.name} does not see a message {ts} in {channel_id}.")
        return message

    async def types(self, channel_id: str, line: str) -> Json:
        """Type a slash command; the acknowledgement."""
        channel = self._writable(channel_id)
        if self.user.is_stranger:
            name = line.partition(" ")[0]
            return _acknowledged(Answer(error="invalid_command"), f"{name} is not a valid command.")
        self._platform.journal.note("typed", user=self.user.id, channel=channel.id, text=line)
        payload = payloads.command(self._platform, self._workspace, channel, self.user, line)
        answer = await deliver(self._platform, self._workspace, "slash_commands", payload)
        return _acknowledged(answer, self._answered(channel, line, answer))

    async def says(self, channel_id: str, text: str, thread_ts: str | None = None) -> Json:
        """Write a message; the acknowledgement of the event, where the app gets one."""
        channel = self._writable(channel_id)
        draft = Draft(text=text, thread_ts=thread_ts)
        message = messages.post(self._platform, self._workspace, channel, draft, user=self.user.id)
        kind = self._event_kind(channel, text)
        if kind is None:
            told = self._not_there(channel, text)
            return _acknowledged(Answer(error="not_in_channel" if told else None), told) | {"ts": message.ts}
        event = payloads.event(self._platform, self._workspace, payloads.said(self._workspace, message, kind))
        answer = await deliver_event(self._platform, self._workspace, event)
        return _acknowledged(answer, "") | {"ts": message.ts}

    async def acts_in_message(self, message: Message, element: Json, block_id: str, value: Any) -> Json:
        """Click a button or make a choice in a message."""
        mine = message.entries.setdefault(self.user.id, {})
        state = self._entered(element, value, mine, block_id)
        self._note_act(element, message.channel)
        shown = {**element, "block_id": block_id}
        payload = payloads.message_action(self._platform, self._workspace, self.user, message, shown, state)
        return _acknowledged(await deliver(self._platform, self._workspace, "interactive", payload), "")

    async def acts_in_view(self, view_id: str, element: Json, block_id: str, value: Any) -> Json:
        """Click a button or make a choice in a modal; a choice in an input is only kept."""
        view = self._view(view_id)
        state = self._entered(element, value, view.entries, block_id)
        self._note_act(element, None)
        block: Json = next((each for each in view.content["blocks"] if each["block_id"] == block_id), {})
        if block.get("type") == "input" and not block.get("dispatch_action"):
            return _acknowledged(Answer(), "")
        shown = {**element, "block_id": block_id}
        payload = payloads.view_action(self._platform, self._workspace, self.user, view, shown, state)
        return _acknowledged(await deliver(self._platform, self._workspace, "interactive", payload), "")

    def fills(self, view_id: str, block_id: str, action_id: str, value: Any) -> None:
        """Enter `value` into a field of a modal."""
        view = self._view(view_id)
        element = entries.find(view.content["blocks"], block_id, action_id)
        self._entered(element, value, view.entries, block_id)

    async def submits(self) -> Json:
        """Press the button that submits the modal on top; the errors by label and by block, and the acknowledgement."""
        view = self._view(None)
        if not view.content["submit"]:
            raise Impossible("This modal has no submit button.")
        if wrong := entries.unacceptable(view.content["blocks"], view.entries):
            return {"errors": entries.by_label(view.content["blocks"], wrong), "wrong": wrong, "delivered": False}
        self._platform.journal.note("submitted", user=self.user.id, view_id=view.id)
        payload = payloads.submission(self._platform, self._workspace, self.user, view)
        answer = await deliver(self._platform, self._workspace, "interactive", payload)
        blocks = view.content["blocks"]
        try:
            answer.must_be_ok()
            errors = answers.apply_submission(self._platform, self._workspace, view, answer.payload)
        except Refused as refused:
            self._note_refusal(refused, answer)
            errors = {"": answers.TROUBLE}
        acknowledged = {"delivered": True, "ack": _acknowledged(answer, "")}
        return {"errors": entries.by_label(blocks, errors), "wrong": errors, **acknowledged}

    async def closes(self, *, everything: bool = False) -> Json:
        """Cancel the modal on top, or with `everything` the whole stack."""
        view = self._view(None)
        gone = [view]
        if everything or view.content["clear_on_close"]:
            gone = screens.clear(self._platform, self._workspace, self.user.id)
        else:
            screens.close_view(self._platform, self._workspace, view)
        answer = Answer()
        for each in gone:
            if each.content["notify_on_close"]:
                payload = payloads.closing(
                    self._platform, self._workspace, self.user, each, is_cleared=len(gone) > 1 or everything
                )
                answer = await deliver(self._platform, self._workspace, "interactive", payload)
        return _acknowledged(answer, "")

    async def searches(self, place: Json, element: Json, block_id: str, query: str) -> list[Json]:
        """Type into a select whose choices the app supplies; the choices that he is shown."""
        if len(query) < element.get("min_query_length", 3):
            return []
        payload = payloads.suggestion(self._workspace, self.user, block_id, element, query, self._place(place))
        answer = await deliver(self._platform, self._workspace, "interactive", payload)
        try:
            return answers.choices(answer.payload) if answer.ok else []
        except Refused as refused:
            self._note_refusal(refused, answer)
            return []

    async def uses_shortcut(self, message: Message | None, callback_id: str) -> Json:
        """Choose a shortcut in the menu of `message`, or a global one."""
        if message is None:
            payload = payloads.global_shortcut(self._platform, self._workspace, self.user, callback_id)
        else:
            payload = payloads.shortcut(self._platform, self._workspace, self.user, message, callback_id)
        return _acknowledged(await deliver(self._platform, self._workspace, "interactive", payload), "")

    def _writable(self, channel_id: str) -> Channel:
        channel = self.channel(channel_id)
        if channel.is_archived:
            raise Impossible(f"#{channel.name} is archived: nobody can write there.")
        return channel

    def _view(self, view_id: str | None) -> Any:
        view = screens.top(self._workspace, self.user.id)
        if view is None or view_id not in (None, view.id):
            raise Impossible(f"{self.user.name} has no such modal on top of his screen.")
        return view

    def _place(self, place: Json) -> Json:
        if "view_id" in place:
            view = self._view(place["view_id"])
            container = {"type": "view", "view_id": view.id}
            return {"container": container, "view": screens.shape(self._workspace, view)}
        message = self.message(place["channel"], place["ts"])
        container = {"type": "message", "message_ts": message.ts, "channel_id": message.channel}
        channel = {"id": message.channel, "name": self._workspace.channels[message.channel].name}
        return {"container": container, "channel": channel, "message": messages.shape(self._workspace, message)}

    def _event_kind(self, channel: Channel, text: str) -> str | None:
        if channel.kind == "im":
            return "message"
        mentioned = f"<@{self._workspace.bot}>" in text or f"<@{self._workspace.bot}|" in text
        return "app_mention" if mentioned and self._workspace.has_bot(channel) else None

    def _not_there(self, channel: Channel, text: str) -> str:
        if f"<@{self._workspace.bot}" not in text:
            return ""
        told = f"You mentioned <@{self._workspace.bot}>, but they’re not in this channel."
        answers.told_privately(self._platform, self._workspace, channel, self.user.id, told)
        return told

    def _answered(self, channel: Channel, line: str, answer: Answer) -> str:
        if answer.ok and not answer.payload:
            return ""
        try:
            answer.must_be_ok()
            message = answers.answer_message(
                self._platform, self._workspace, channel, self.user.id, _as_message(answer.payload)
            )
            return answers.visible_text(message) if message.ephemeral_to else ""
        except Refused as refused:
            answer.error = answer.error or "invalid_command_response"
            self._note_refusal(refused, answer)
            told = f'{line.partition(" ")[0]} failed with the error "{answer.error}"'
            answers.told_privately(self._platform, self._workspace, channel, self.user.id, told)
            return told

    def _entered(self, element: Json, value: Any, kept: Json, block_id: str) -> Json:
        if element["type"] == "button":
            return {}
        if element["type"] == "overflow":
            return {"selected_option": entries.choice(element, value)}
        offered.check(self._workspace, self.user, element, value)
        state = entries.entered(element, value)
        kept.setdefault(block_id, {})[element["action_id"]] = state
        return {name: content for name, content in state.items() if name != "type"}

    def _note_act(self, element: Json, channel: str | None) -> None:
        what = element.get("text", {}).get("text") or element.get("action_id")
        self._platform.journal.note("clicked", user=self.user.id, channel=channel, what=what)

    def _note_refusal(self, refused: Refused, answer: Answer) -> None:
        self._platform.journal.note("refused", error=refused.error, details=refused.details, answer=answer.payload)


def _acknowledged(answer: Answer, text: str) -> Json:
    payload = answer.payload
    return {"ok": answer.ok, "error": answer.error, "payload": payload, "seconds": answer.seconds, "text": text}


def _as_message(payload: Any) -> Json:
    return payload if isinstance(payload, dict) else {"text": str(payload)}
