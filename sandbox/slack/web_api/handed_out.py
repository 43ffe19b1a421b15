"""The URLs that Slack hands out: where an interaction is answered, and where a file's bytes go."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from sandbox.slack.delivery.answers import use_response_url
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.web_api import files
from sandbox.slack.web_api.endpoint import spoiled
from sandbox.slack.world import Json


async def response_url(platform: Platform, request: Request) -> Response:
    """Answer a POST to a response URL, with text as Slack does."""
    try:
        answer = await request.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return PlainTextResponse("invalid_payload", 400)

    def apply() -> Json:
        try:
            use_response_url(platform, request.path_params["key"], answer)
        except Refused as refused:
            return {"ok": False, "error": refused.error}
        return {"ok": True}

    return await spoiled(platform, request, "response_url", answer, apply, _response_url_answer)


async def upload(platform: Platform, request: Request) -> Response:
    """Take the bytes of a file, raw or as a form."""
    content = await _content(request)
    file_id = request.path_params["file"]

    def apply() -> Json:
        try:
            return {"ok": True, "said": files.receive(platform, file_id, content)}
        except Refused as refused:
            return {"ok": False, "error": refused.error}

    arguments = {"file": file_id, "length": len(content)}
    return await spoiled(platform, request, "files.upload", arguments, apply, _upload_answer)


def _response_url_answer(answered: Json) -> Response:
    if answered["ok"]:
        return PlainTextResponse("ok")
    return PlainTextResponse(answered["error"], 404 if answered["error"].endswith("_url") else 400)


def _upload_answer(answered: Json) -> Response:
    return PlainTextResponse(answered.get("said") or answered["error"], 200 if answered["ok"] else 400)


async def _content(request: Request) -> bytes:
    if not request.headers.get("content-type", "").startswith("multipart/"):
        return await request.body()
    async with request.form() as form:
        sent = next(iter(form.values()), "")
        return sent.encode() if isinstance(sent, str) else await sent.read()
