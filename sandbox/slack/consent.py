"""`/oauth/v2/authorize`: where a person is asked whether the app may come in, and as whom he answers."""

from collections.abc import Iterator
from html import escape
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.same_origin import is_from_elsewhere
from sandbox.slack.world import User, Workspace

PATH = "/oauth/v2/authorize"
_ASKED = ("client_id", "scope", "user_scope", "state", "redirect_uri", "team")
_HEADERS = {
    # No `form-action`: the answer to the form leads to the app, wherever that is.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


async def ask(platform: Platform, request: Request) -> Response:
    """GET: the question."""
    asked = {name: request.query_params[name] for name in _ASKED if name in request.query_params}
    try:
        _check(platform, asked)
    except Refused as refused:
        return _refusal(refused)
    return _page(f"Install {platform.world.app.name}", _form(platform, asked))


async def answer(platform: Platform, request: Request) -> Response:
    """POST: what he chose; sends the browser back to the app, with a code or with `access_denied`."""
    async with request.form() as form:
        sent = {name: str(value) for name, value in form.items()}
    asked = {name: sent[name] for name in _ASKED if name in sent}
    if is_from_elsewhere(request):
        return _refusal(Refused("cross_origin"), 403)
    try:
        _check(platform, asked)
        back = asked.get("redirect_uri") or _first_redirect(platform)
        state = {"state": asked["state"]} if "state" in asked else {}
        if sent.get("choice") != "allow":
            return _redirect(back, {"error": "access_denied", **state})
        place, user = _chosen(platform, sent.get("as", ""))
    except Refused as refused:
        return _refusal(refused)
    code = platform.codes.issue(
        place=place,
        user=user,
        scopes=_listed(asked.get("scope", "")),
        redirect_uri=asked.get("redirect_uri", ""),
    )
    return _redirect(back, {"code": code, **state})


def _check(platform: Platform, asked: dict[str, str]) -> None:
    app = platform.world.app
    if asked.get("client_id") != app.client_id:
        raise Refused("invalid_client_id")
    if not _listed(asked.get("scope", "")) and not _listed(asked.get("user_scope", "")):
        raise Refused("no_scopes")
    back = asked.get("redirect_uri", "")
    if "#" in back or (back and not app.sends_back_to(back)) or not (back or app.redirect_urls):
        raise Refused("bad_redirect_uri")


def _first_redirect(platform: Platform) -> str:
    return platform.world.app.redirect_urls[0]


def _chosen(platform: Platform, answer: str) -> tuple[str, str]:
    """Place and person of an answer `<place>/<user>`; raises `access_denied` for who may not install there."""
    place, _, user = answer.partition("/")
    if (place, user) not in {(where, person.id) for where, _, person in _choices(platform)}:
        raise Refused("access_denied")
    return place, user


def _choices(platform: Platform) -> Iterator[tuple[str, str, User]]:
    """Who may install the app where: full members in their team, the organisation's admins in all of it."""
    organisations = platform.world.organisations
    for workspace in platform.world.workspaces.values():
        for user in workspace.users.values():
            if _is_full_member(user):
                yield workspace.id, workspace.name, user
    for organisation in organisations.values():
        admins = {user.id: user for team in platform.world.teams_of(organisation.id) for user in _admins(team)}
        for user in admins.values():
            yield organisation.id, f"all of {organisation.name}", user


def _is_full_member(user: User) -> bool:
    outsider = user.is_bot or user.is_stranger or user.is_restricted or user.is_ultra_restricted
    return not outsider and not user.deleted


def _admins(workspace: Workspace) -> list[User]:
    return [user for user in workspace.users.values() if user.is_enterprise_admin and not user.deleted]


def _form(platform: Platform, asked: dict[str, str]) -> str:
    hidden = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in asked.items())
    options = "".join(
        f'<option value="{place}/{user.id}"{" selected" if place == asked.get("team") else ""}>'
        f"{escape(user.real_name)}, in {escape(name)}</option>"
        for place, name, user in _choices(platform)
    )
    scopes = "".join(f"<li>{escape(scope)}</li>" for scope in _listed(asked.get("scope", "")))
    return (
        f'<form method="post" action="{PATH}">{hidden}'
        f'<p><label>Who you are <select name="as">{options}</select></label></p>'
        f"<p>It asks for:</p><ul>{scopes}</ul>"
        '<p><button name="choice" value="allow">Allow</button> '
        '<button name="choice" value="cancel">Cancel</button></p></form>'
    )


def _page(title: str, body: str, status: int = 200) -> Response:
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><link rel="stylesheet" href="/page/consent.css">'
    content = f'<!doctype html><html lang="en"><head>{head}</head><body><main><h1>{escape(title)}</h1>{body}</main>'
    return HTMLResponse(content, status, headers=_HEADERS)


def _refusal(refused: Refused, status: int = 400) -> Response:
    return _page("This did not work", f"<p>Slack says: <code>{escape(refused.error)}</code></p>", status)


def _redirect(back: str, answer: dict[str, str]) -> Response:
    joined = f"{back}{'&' if '?' in back else '?'}{urlencode(answer)}"
    return RedirectResponse(joined, 302, headers={"Cache-Control": "no-store"})


def _listed(scopes: str) -> list[str]:
    return [scope for scope in scopes.replace(" ", ",").split(",") if scope]
