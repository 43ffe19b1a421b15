"""What a person does in Slack, and what becomes of it."""

from typing import Any

from sandbox.slack import entries, messages, offered, screens
from sandbox.slack.blocks.visible import visible
from sandbox.slack.delivery import answers, events, payloads
from sandbox.slack.delivery.envelopes import Answer, EnvelopeKind, deliver, deliver_event
from sandbox.slack.identity import direct_channel
from sandbox.slack.messages import Draft
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Impossible, Refused
from sandbox.slack.world import Channel, Json, Message, User, View, Workspace


class Person:
    """One person at his screen; raises `Impossible` for what the screen does not offer."""

    def __init__(self, platform: Platform, workspace: Workspace, user: str) -> None:
        if user not in workspace.users or workspace.users[user].deleted:
            raise Impossible(f"There is no user {user}.")
        self._platform = platform
        self.workspace: Workspace = workspace
        self.user: User = workspace.users[user]

    def sees_view(self) -> Json | None:
        """The modal on top of his screen."""
        found = screens.on_top(self._platform, self.workspace, self.user.id)
        if found is None:
            return None
        workspace, view = found
        shown = screens.shape(workspace, view)
        return shown | {"visible": visible(view.content["blocks"]), "user": self.user.id}

    def channel(self, channel_id: str) -> Channel:
        """A channel that he can look into."""
        if channel_id == direct_channel(self.user.id):
            return self._platform.world.direct(self.workspace, self.user.id)
        channel = self.workspace.channels.get(channel_id)
        if channel is None or not self.workspace.sees(self.user.id, channel):
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
        app = self._commands()
        if app is None:
            name = line.partition(" ")[0]
            return Answer(error="invalid_command").shape(f"{name} is not a valid command.")
        self._platform.journal.note("typed", user=self.user.id, channel=channel.id, text=line)
        payload = payloads.command(self._platform, app, channel, self.user, line)
        answer = await deliver(self._platform, app, "slash_commands", payload)
        return answer.shape(self._answered(app, channel, line, answer))

    async def says(self, channel_id: str, text: str, thread_ts: str | None = None) -> Json:
        """Write a message; the acknowledgement of the event, where the app gets one."""
        channel = self._writable(channel_id)
        draft = Draft(text=text, thread_ts=thread_ts)
        message = messages.post(self._platform, self.workspace, channel, draft, user=self.user.id)
        app = self._mentioned(channel, text)
        if app is None or self._platform.world.installed_in(app.id) is None:
            told = self._not_there(channel, text)
            return Answer(error="not_in_channel" if told else None).shape(told) | {"ts": message.ts}
        kind = "message" if channel.kind == "im" else "app_mention"
        said = events.said(app, message, kind, self.user)
        answer = await deliver_event(self._platform, app, events.event(self._platform, app, said))
        return answer.shape() | {"ts": message.ts}

    async def acts_in_message(self, message: Message, element: Json, block_id: str, value: Any) -> Json:
        """Click a button or make a choice in a message."""
        mine = message.entries.setdefault(self.user.id, {})
        state = self._entered(element, value, mine, block_id)
        self._note_act(element, message.channel)
        shown = {**element, "block_id": block_id}
        app = self._app_of(message)
        payload = payloads.message_action(self._platform, app, self.user, message, shown, state)
        return (await self._deliver(app, "interactive", payload)).shape()

    async def acts_in_view(self, view_id: str, element: Json, block_id: str, value: Any) -> Json:
        """Click a button or make a choice in a modal; a choice in an input is only kept."""
        app, view = self._view(view_id)
        state = self._entered(element, value, view.entries, block_id)
        self._note_act(element, None)
        block: Json = next((each for each in view.content["blocks"] if each["block_id"] == block_id), {})
        if block.get("type") == "input" and not block.get("dispatch_action"):
            return Answer().shape()
        shown = {**element, "block_id": block_id}
        payload = payloads.view_action(self._platform, app, self.user, view, shown, state)
        return (await self._deliver(app, "interactive", payload)).shape()

    def fills(self, view_id: str, block_id: str, action_id: str, value: Any) -> None:
        """Enter `value` into a field of a modal."""
        _, view = self._view(view_id)
        element = entries.find(view.content["blocks"], block_id, action_id)
        self._entered(element, value, view.entries, block_id)

    async def submits(self) -> Json:
        """Press the button that submits the modal on top; the errors by label and by block, and the acknowledgement."""
        app, view = self._view(None)
        if not view.content["submit"]:
            raise Impossible("This modal has no submit button.")
        if wrong := entries.unacceptable(view.content["blocks"], view.entries):
            return {"errors": entries.by_label(view.content["blocks"], wrong), "wrong": wrong, "delivered": False}
        self._platform.journal.note("submitted", user=self.user.id, view_id=view.id)
        payload = payloads.submission(self._platform, app, self.user, view)
        answer = await self._deliver(app, "interactive", payload)
        blocks = view.content["blocks"]
        try:
            answer.must_be_ok()
            errors = answers.apply_submission(self._platform, app, view, answer.payload)
        except Refused as refused:
            self._note_refusal(refused, answer)
            errors = {"": answers.TROUBLE}
        acknowledged = {"delivered": True, "ack": answer.shape()}
        return {"errors": entries.by_label(blocks, errors), "wrong": errors, **acknowledged}

    async def closes(self, *, everything: bool = False) -> Json:
        """Cancel the modal on top, or with `everything` the whole stack."""
        app, view = self._view(None)
        gone = [view]
        if everything or view.content["clear_on_close"]:
            gone = screens.clear(self._platform, app, self.user.id)
        else:
            screens.close_view(self._platform, app, view)
        answer = Answer()
        for each in gone:
            if each.content["notify_on_close"]:
                payload = payloads.closing(self._platform, app, self.user, each, is_cleared=len(gone) > 1 or everything)
                answer = await self._deliver(app, "interactive", payload)
        return answer.shape()

    async def searches(self, place: Json, element: Json, block_id: str, query: str) -> list[Json]:
        """Type into a select whose choices the app supplies; the choices that he is shown."""
        if len(query) < element.get("min_query_length", 3):
            return []
        app, where = self._place(place)
        payload = payloads.suggestion(self._platform, app, self.user, block_id, element, query, where)
        answer = await self._deliver(app, "interactive", payload)
        try:
            return answers.choices(answer.payload) if answer.ok else []
        except Refused as refused:
            self._note_refusal(refused, answer)
            return []

    async def uses_shortcut(self, message: Message | None, callback_id: str) -> Json:
        """Choose a shortcut in the menu of `message`, or a global one."""
        if message is None:
            payload = payloads.global_shortcut(self._platform, self.workspace, self.user, callback_id)
        else:
            payload = payloads.shortcut(self._platform, self.workspace, self.user, message, callback_id)
        return (await self._deliver(self.workspace, "interactive", payload)).shape()

    def _writable(self, channel_id: str) -> Channel:
        channel = self.channel(channel_id)
        if channel.is_archived:
            raise Impossible(f"#{channel.name} is archived: nobody can write there.")
        return channel

    def _view(self, view_id: str | None) -> tuple[Workspace, View]:
        """The modal on top, and the workspace whose app shows it."""
        found = screens.on_top(self._platform, self.workspace, self.user.id)
        if found is None or view_id not in (None, found[1].id):
            raise Impossible(f"{self.user.name} has no such modal on top of his screen.")
        return found

    def _place(self, place: Json) -> tuple[Workspace, Json]:
        if "view_id" in place:
            app, view = self._view(place["view_id"])
            container = {"type": "view", "view_id": view.id}
            return app, {"container": container, "view": screens.shape(app, view)}
        message = self.message(place["channel"], place["ts"])
        container = {"type": "message", "message_ts": message.ts, "channel_id": message.channel}
        app = self._app_of(message)
        channel = {"id": message.channel, "name": app.channels[message.channel].name}
        return app, {"container": container, "channel": channel, "message": messages.shape(app, message)}

    def _app_of(self, message: Message) -> Workspace:
        """The workspace whose app wrote `message`, which in a shared channel may be another one."""
        there = [self.workspace, *self._platform.world.sharing(message.channel)]
        return next((each for each in there if each.bot == message.user), self.workspace)

    def _mentioned(self, channel: Channel, text: str) -> Workspace | None:
        """The workspace whose app is told of `text`: in a direct message his own, else the one whose bot it names."""
        if channel.kind == "im":
            return self.workspace
        for each in [self.workspace, *self._platform.world.sharing(channel.id)]:
            if each.has_bot(channel) and (f"<@{each.bot}>" in text or f"<@{each.bot}|" in text):
                return each
        return None

    async def _deliver(self, app: Workspace, kind: EnvelopeKind, payload: Json) -> Answer:
        if self._platform.world.installed_in(app.id) is None:
            return Answer(error="app_not_installed")
        return await deliver(self._platform, app, kind, payload)

    def _commands(self) -> Workspace | None:
        """The workspace whose commands he has: his own, and that only where the app is installed."""
        world = self._platform.world
        own = world.workspaces.get(self.user.team_id) if self.user.is_stranger else self.workspace
        return own if own is not None and world.installed_in(own.id) else None

    def _not_there(self, channel: Channel, text: str) -> str:
        if f"<@{self.workspace.bot}" not in text:
            return ""
        told = f"You mentioned <@{self.workspace.bot}>, but they’re not in this channel."
        answers.told_privately(self._platform, self.workspace, channel, self.user.id, told)
        return told

    def _answered(self, app: Workspace, channel: Channel, line: str, answer: Answer) -> str:
        if answer.ok and not answer.payload:
            return ""
        try:
            answer.must_be_ok()
            message = answers.answer_message(self._platform, app, channel, self.user.id, _as_message(answer.payload))
            return answers.visible_text(message) if message.ephemeral_to else ""
        except Refused as refused:
            answer.error = answer.error or "invalid_command_response"
            self._note_refusal(refused, answer)
            told = f'{line.partition(" ")[0]} failed with the error "{answer.error}"'
            answers.told_privately(self._platform, self.workspace, channel, self.user.id, told)
            return told

    def _entered(self, element: Json, value: Any, kept: Json, block_id: str) -> Json:
        if element["type"] == "button":
            return {}
        if element["type"] == "overflow":
            return {"selected_option": entries.choice(element, value)}
        offered.check(self.workspace, self.user, element, value)
        state = entries.entered(element, value)
        kept.setdefault(block_id, {})[element["action_id"]] = state
        return {name: content for name, content in state.items() if name != "type"}

    def _note_act(self, element: Json, channel: str | None) -> None:
        what = element.get("text", {}).get("text") or element.get("action_id")
        self._platform.journal.note("clicked", user=self.user.id, channel=channel, what=what)

    def _note_refusal(self, refused: Refused, answer: Answer) -> None:
        self._platform.journal.note("refused", error=refused.error, details=refused.details, answer=answer.payload)


def _as_message(payload: Any) -> Json:
    return payload if isinstance(payload, dict) else {"text": str(payload)}
