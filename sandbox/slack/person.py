from dataclasses import dataclass
from typing import Any, Protocol

from sandbox.slack.identity import BOT, BOTS, HOMES, TEAM, direct_channel
from sandbox.slack.refusal import Impossible
from sandbox.slack.screen import element_meant, input_meant
from sandbox.slack.seen import Acknowledgement, Message, View
from sandbox.slack.world import Json


class Ask(Protocol):
    """Asks the control API."""

    async def __call__(self, word: str, **asked: Any) -> Any:
        """The answer to `word`; raises `Impossible` with the reason where it is refused."""


@dataclass(frozen=True)
class Deed:
    """Something that a person is about to do: a word of the control API, and what goes with it."""

    word: str
    asked: Json


class Person:
    """Somebody in the workspace: types, clicks, fills in, submits, and reads what he sees."""

    def __init__(self, ask: Ask, user: str, team: str | None = None) -> None:
        self._given = ask
        self._team = {"team": team} if team else {}
        self._bot = BOTS.get(team or HOMES.get(user, TEAM), BOT)
        self.id = user
        self.dm = direct_channel(user)

    async def types(self, channel: str, line: str) -> Acknowledgement:
        """Type a slash command, as in `/mail help`."""
        return Acknowledgement(**await self._ask("types", user=self.id, channel=channel, line=line))

    async def says(self, channel: str, text: str, thread: str | None = None) -> Acknowledgement:
        """Write a message; its `ts` is in the acknowledgement."""
        return Acknowledgement(**await self._ask("says", user=self.id, channel=channel, text=text, thread_ts=thread))

    async def mentions(self, channel: str, text: str, thread: str | None = None) -> Acknowledgement:
        """Write a message that begins with a mention of the bot."""
        return await self.says(channel, f"<@{self._bot}> {text}", thread)

    async def clicks(self, place: Message | View, button: str, *, value: str | None = None) -> Acknowledgement:
        """Click the button with this text or `action_id`; `value` decides among buttons of the same text."""
        return Acknowledgement(**await self._does(self.clicking(place, button, value=value)))

    def clicking(self, place: Message | View, button: str, *, value: str | None = None) -> Deed:
        """The same, for `SlackControl.at_once`."""
        block_id, element = element_meant(place.blocks, button, value)
        return self._acting(place, block_id, element, None)

    async def chooses(self, place: Message | View, action: str, value: Any) -> Acknowledgement:
        """Choose in a select, a menu, boxes or a picker; options by text or value."""
        block_id, element = element_meant(place.blocks, action)
        value = await self._supplied(place, block_id, element, value)
        return Acknowledgement(**await self._does(self._acting(place, block_id, element, value)))

    async def view(self) -> View | None:
        """The modal on top of the screen."""
        raw = await self._ask("view", user=self.id)
        return View.of(raw) if raw else None

    async def fills(self, **fields: Any) -> None:
        """Enter values into the modal on top, by label, `block_id` or `action_id`; `None` empties a field."""
        view = await self._on_top()
        for name, value in fields.items():
            block_id, element = input_meant(view.blocks, name)
            entered = await self._supplied(view, block_id, element, value)
            ids = {"block_id": block_id, "action_id": element["action_id"]}
            await self._ask("fills", user=self.id, view_id=view.id, value=entered, **ids)

    async def submits(self) -> dict[str, str]:
        """Submit the modal on top; the errors by label, none where it was accepted."""
        errors: dict[str, str] = (await self._does(self.submitting()))["errors"]
        return errors

    def submitting(self) -> Deed:
        """The same, for `SlackControl.at_once`."""
        return Deed("submits", {"user": self.id, **self._team})

    async def closes(self, *, everything: bool = False) -> Acknowledgement:
        """Cancel the modal on top, or the whole stack."""
        return Acknowledgement(**await self._ask("closes", user=self.id, everything=everything))

    async def searches(self, place: Message | View, action: str, query: str) -> list[Json]:
        """Type into a select that the app supplies with choices; the options shown."""
        block_id, element = element_meant(place.blocks, action)
        return await self._suggested(place, block_id, element, query)

    async def sees(self, channel: str) -> list[Message]:
        """The messages outside threads, oldest first, with those that only he sees."""
        return [Message.of(raw) for raw in await self._ask("sees", user=self.id, channel=channel)]

    async def reads_thread(self, channel: str, root_ts: str) -> list[Message]:
        """The replies below a message, oldest first."""
        return [Message.of(raw) for raw in await self._ask("reads_thread", user=self.id, channel=channel, ts=root_ts)]

    async def direct_messages(self) -> list[Message]:
        """The direct messages with the bot, outside threads."""
        return await self.sees(self.dm)

    async def shortcut(self, message: Message | None, callback_id: str) -> Acknowledgement:
        """Choose a shortcut in the menu of `message`, or a global one."""
        where = {"channel": message.channel, "ts": message.ts} if message else {}
        return Acknowledgement(**await self._ask("shortcut", user=self.id, callback_id=callback_id, **where))

    def _acting(self, place: Message | View, block_id: str, element: Json, value: Any) -> Deed:
        act = {"block_id": block_id, "element": element, "value": value}
        return Deed("acts", {"user": self.id, **self._team, **act, **_where(place)})

    async def _ask(self, word: str, **asked: Any) -> Any:
        return await self._given(word, **(self._team | asked))

    async def _does(self, deed: Deed) -> Any:
        return await self._ask(deed.word, **deed.asked)

    async def _supplied(self, place: Message | View, block_id: str, element: Json, value: Any) -> Any:
        """For a select that the app supplies: the option itself, found by typing its text."""
        if element["type"] == "external_select" and isinstance(value, str):
            return await self._one_supplied(place, block_id, element, value)
        if element["type"] == "multi_external_select":
            wanted = value if isinstance(value, list) else [value]
            return [
                await self._one_supplied(place, block_id, element, each) if isinstance(each, str) else each
                for each in wanted
            ]
        return value

    async def _one_supplied(self, place: Message | View, block_id: str, element: Json, wanted: str) -> Json:
        options = await self._suggested(place, block_id, element, wanted)
        for option in options:
            if wanted in (option["value"], option["text"]["text"]):
                return option
        shown = ", ".join(option["text"]["text"] for option in options)
        raise Impossible(f"Typing {wanted!r} offers no such option, only: {shown or 'nothing'}")

    async def _suggested(self, place: Message | View, block_id: str, element: Json, query: str) -> list[Json]:
        asked = {"block_id": block_id, "element": element, "query": query}
        found: list[Json] = await self._ask("searches", user=self.id, **asked, **_where(place))
        return found

    async def _on_top(self) -> View:
        view = await self.view()
        if view is None:
            raise Impossible(f"{self.id} has no modal open.")
        return view


def _where(place: Message | View) -> dict[str, str]:
    return {"view_id": place.id} if isinstance(place, View) else {"channel": place.channel, "ts": place.ts}
