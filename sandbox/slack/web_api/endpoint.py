"""How a Web API call arrives, who it is from, what goes wrong on demand, and how it is answered."""

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Callable
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.slack import faults
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.web_api import reach
from sandbox.slack.web_api.apps import connections_open
from sandbox.slack.web_api.call import Call
from sandbox.slack.web_api.methods import CONNECTIONS_OPEN, METHODS, WITHOUT_TOKEN
from sandbox.slack.world import Json

_SECRET = frozenset({"client_secret", "code", "access_token", "refresh_token"})
_HIDDEN = "(hidden)"


async def respond(platform: Platform, request: Request) -> Response:
    """Answer `/api/<method>`."""
    method = request.path_params["method"]
    try:
        arguments = await _arguments(request)
    except ValueError:
        return JSONResponse({"ok": False, "error": "invalid_json"})
    token = _token(request, arguments)
    arguments |= _credentials(request)

    def apply() -> Json:
        return answer(platform, method, token, arguments)

    installation = platform.world.holder(token)
    place = installation.place if installation else None
    response = await spoiled(platform, request, method, arguments, apply, _answered, place)
    return _scoped(platform, token, response)


def answer(platform: Platform, method: str, token: str, arguments: Json) -> Json:
    """What Slack answers, errors included."""
    try:
        return {"ok": True, **_apply(platform, method, token, arguments)}
    except Refused as refused:
        return {"ok": False, "error": refused.error, **refused.details}


def _apply(platform: Platform, method: str, token: str, arguments: Json) -> Json:
    if method not in {*METHODS, *WITHOUT_TOKEN, CONNECTIONS_OPEN}:
        raise Refused("unknown_method", req_method=method)
    if method in WITHOUT_TOKEN:
        return WITHOUT_TOKEN[method](platform, arguments)
    if not token:
        raise Refused("not_authed")
    if method == CONNECTIONS_OPEN:
        return connections_open(platform, token)
    installation = reach.holder(platform, token)
    workspace = reach.workspace_meant(platform, installation, method, arguments)
    call = Call(platform=platform, workspace=workspace, arguments=arguments, installation=installation, token=token)
    return METHODS[method](call)


async def spoiled(
    platform: Platform,
    request: Request,
    method: str,
    arguments: Json,
    apply: Callable[[], Json],
    present: Callable[[Json], Response],
    place: str | None = None,
) -> Response:
    """Answer with what `apply` gives, presented, unless a fault was asked for; recorded in any case.

    `place` is the team or organisation whose installation calls.
    """
    fault = platform.faults.take(method, arguments, place)
    record: Json = {
        "method": method,
        "place": place,
        "arguments": unsecret(arguments),
        "fault": fault and fault.kind,
        "answer": None,
        "at": time.time(),
    }
    platform.calls.append(record)
    platform.journal.stir()
    if fault is not None:
        platform.journal.note("fault", method=method, fault=fault.kind)
        if fault.kind == "latency":
            await asyncio.sleep(fault.seconds)
            fault = None
    if fault is not None and not fault.applied and fault.kind != "drop_after":
        return await _faulty(request, fault)
    answered = apply()
    record["answer"] = unsecret(answered)
    return present(answered) if fault is None else await _faulty(request, fault)


async def _faulty(request: Request, fault: faults.Fault) -> Response:
    match fault.kind:
        case "ratelimited":
            return limited(fault.retry_after)
        case "status":
            return PlainTextResponse("upstream failure", fault.status, media_type="text/html")
        case "error":
            return JSONResponse({"ok": False, "error": fault.error})
        case "drop_before" | "drop_after" | "latency":
            return await _cut(request)


async def _cut(request: Request) -> Response:
    request.scope["sandbox.transport"].abort()
    # The server notices the lost connection in its next turn, and then drops what we return.
    await asyncio.sleep(0)
    return Response()


def limited(retry_after: int) -> Response:
    """Slack's answer to one call too many."""
    return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers={"Retry-After": str(retry_after)})


def _answered(answered: Json) -> Response:
    if answered.get("error") == "ratelimited":
        return limited(answered["retry_after"])
    return JSONResponse(answered)


def _scoped(platform: Platform, token: str, response: Response) -> Response:
    """The answer with what the bot token may do, which Slack says in a header of each."""
    installation = platform.world.holder(token)
    if installation is not None:
        response.headers["X-OAuth-Scopes"] = ",".join(installation.scopes)
    return response


async def _arguments(request: Request) -> Json:
    arguments: Json = dict(request.query_params)
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("application/json"):
        sent = json.loads(await request.body() or b"{}")
        if not isinstance(sent, dict):
            raise ValueError("json_not_object")
        return arguments | sent
    if content_type.startswith("multipart/"):
        async with request.form() as form:
            return arguments | {name: value for name, value in form.items() if isinstance(value, str)}
    return arguments | dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))


def _token(request: Request, arguments: Json) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = str(arguments.pop("token", ""))
    return token if scheme.lower() == "bearer" else given


def _credentials(request: Request) -> Json:
    """The app's own credentials, where they come in the header for such; else nothing."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return {}
    try:
        name, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return {}
    return {"client_id": name, "client_secret": secret}


def unsecret(recorded: Json) -> Json:
    """A copy for the record, in which Slack's own credentials are not."""
    return {name: _HIDDEN if name in _SECRET and value else value for name, value in recorded.items()}
