"""Control: what people do and see. Each takes the platform and the request's JSON, and returns JSON.

A `team` beside the `user` says in which workspace he does it, where several know him.
"""

from typing import Any

from sandbox.slack.control import reading
from sandbox.slack.platform import Platform
from sandbox.slack.world import Json


async def types(platform: Platform, asked: Json) -> Any:
    """{user, channel, line}: a slash command."""
    return await reading.person(platform, asked).types(asked["channel"], asked["line"])


async def says(platform: Platform, asked: Json) -> Any:
    """{user, channel, text, thread_ts?}: a message."""
    speaker = reading.person(platform, asked)
    return await speaker.says(asked["channel"], asked["text"], asked.get("thread_ts"))


async def acts(platform: Platform, asked: Json) -> Any:
    """{user, block_id, element, value?, channel+ts | view_id}: a click or a choice."""
    person = reading.person(platform, asked)
    act = (asked["element"], asked["block_id"], asked.get("value"))
    if view_id := asked.get("view_id"):
        return await person.acts_in_view(view_id, *act)
    return await person.acts_in_message(person.message(asked["channel"], asked["ts"]), *act)


async def fills(platform: Platform, asked: Json) -> Any:
    """{user, view_id, block_id, action_id, value}: an entry in a modal."""
    person = reading.person(platform, asked)
    person.fills(asked["view_id"], asked["block_id"], asked["action_id"], asked["value"])
    return {}


async def submits(platform: Platform, asked: Json) -> Any:
    """{user}: the modal on top."""
    return await reading.person(platform, asked).submits()


async def closes(platform: Platform, asked: Json) -> Any:
    """{user, everything?}: the modal on top, or all."""
    return await reading.person(platform, asked).closes(everything=bool(asked.get("everything")))


async def searches(platform: Platform, asked: Json) -> Any:
    """{user, element, block_id, query, channel+ts | view_id}: the choices that fit."""
    person = reading.person(platform, asked)
    return await person.searches(asked, asked["element"], asked["block_id"], asked["query"])


async def shortcut(platform: Platform, asked: Json) -> Any:
    """{user, callback_id, channel?, ts?}: a message's shortcut, or a global one."""
    person = reading.person(platform, asked)
    message = person.message(asked["channel"], asked["ts"]) if asked.get("ts") else None
    return await person.uses_shortcut(message, asked["callback_id"])


async def sees(platform: Platform, asked: Json) -> Any:
    """{user, channel}: the messages there."""
    person = reading.person(platform, asked)
    return reading.channel_messages(person.workspace, person.channel(asked["channel"]), asked["user"])


async def reads_thread(platform: Platform, asked: Json) -> Any:
    """{user, channel, ts}: the replies."""
    person = reading.person(platform, asked)
    return reading.thread(person.workspace, person.channel(asked["channel"]), asked["ts"], asked["user"])


async def view(platform: Platform, asked: Json) -> Any:
    """{user}: the modal on top, or null."""
    return reading.person(platform, asked).sees_view()
