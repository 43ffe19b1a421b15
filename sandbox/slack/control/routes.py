"""The control API: POST `/_sandbox/<word>` with a JSON object, answered with JSON. 409 says what is impossible."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.slack.control import installing, machinery, people, playing, replaying, screen, wire, workspace
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Impossible, Refused
from sandbox.slack.same_origin import is_from_elsewhere
from sandbox.slack.world import Json

Word = Callable[[Platform, Json], Awaitable[Any]]
_WORDS: tuple[Word, ...] = (
    people.types,
    people.says,
    people.acts,
    people.fills,
    people.submits,
    people.closes,
    people.searches,
    people.shortcut,
    people.sees,
    people.reads_thread,
    people.view,
    workspace.roster,
    workspace.add_user,
    workspace.set_user,
    workspace.add_channel,
    workspace.add_group,
    workspace.set_members,
    workspace.archive,
    workspace.may_write_public,
    workspace.may_read,
    workspace.set_scopes,
    machinery.reset,
    machinery.deliver_to,
    machinery.settings,
    machinery.advance_clock,
    machinery.fault,
    machinery.no_faults,
    machinery.deliver_again,
    machinery.connections,
    machinery.disconnect,
    machinery.request,
    machinery.calls,
    machinery.envelopes,
    machinery.journal,
    machinery.journal_end,
    machinery.everything,
    installing.installations,
    installing.uninstalls,
    installing.tells_late,
    installing.grants,
    installing.rotates,
    installing.expires_token,
    installing.redirect_urls,
    screen.sidebar,
    screen.conversation,
    wire.wire,
    replaying.sent,
    replaying.replays,
    playing.playground,
    playing.kills_bot,
    playing.restarts_bot,
    playing.mailapi,
)
WORDS = {word.__name__: word for word in _WORDS}


async def at_once(platform: Platform, asked: Json) -> Any:
    """{deeds: [{word, asked}]}: in one moment, so that the app can answer none before all are under way."""
    return await asyncio.gather(*(WORDS[deed["word"]](platform, deed["asked"]) for deed in asked["deeds"]))


WORDS[at_once.__name__] = at_once


async def respond(platform: Platform, request: Request) -> Response:
    """Answer `/_sandbox/<word>`."""
    word = WORDS.get(request.path_params["word"])
    if word is None:
        return JSONResponse({"error": f"There is no {request.path_params['word']}."}, 404)
    if is_from_elsewhere(request):
        return JSONResponse({"error": "Only the page of this server may ask."}, 403)
    try:
        return JSONResponse(await word(platform, await request.json()))
    except (Impossible, Refused, ValueError, TypeError, KeyError, TimeoutError) as error:
        return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 409)
