"""The page in which people try the bot: static files, beside the code and in the package."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_HEADERS = {
    # Nothing but what this server serves: what a bot or a person says can load and run nothing.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


async def _index(_request: Request) -> Response:
    return _file("index.html")


async def _named(request: Request) -> Response:
    return _file(request.path_params["name"])


def _file(name: str) -> Response:
    path = (_FOLDER / name).resolve()
    if path.suffix not in _TYPES or not path.is_relative_to(_FOLDER.resolve()) or not path.is_file():
        return PlainTextResponse("There is no such file.", 404)
    return FileResponse(path, media_type=_TYPES[path.suffix], headers=_HEADERS)


ROUTES = (Route("/", _index), Route("/page/{name:path}", _named))
