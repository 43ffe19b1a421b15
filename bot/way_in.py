"""HTTP: the pages by which the bot comes into a workspace."""

from collections.abc import Callable, Sequence

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bot import manifest, signing_on
from bot.installing import Addresses, Installing
from bot.limits import Rate
from bot.oauth import LASTS, States, browser_of
from bot.settings import Mode, Settings
from bot.slacks import Slacks
from bot.texts import pages
from bot.worker.machine import Machine

log = structlog.get_logger(__name__)

MOST_A_MINUTE = 20
"""Installations, by anybody: Slack takes 600 calls of oauth.v2.access a minute (its page), also to exchange tokens."""
_LONGEST = 4_096
"""Slack's answers are far shorter."""


def routes(
    settings: Settings, machine: Machine, slacks: Slacks, nudge: Callable[[], None], living: Callable[[], int]
) -> Sequence[Route]:
    """`/slack/install`, which leads to Slack, and `/slack/oauth_redirect`, to which Slack leads back.

    None where one workspace's token stands in the settings. `living` says how many processes serve them.
    """
    public_url = settings.mailroom_public_url
    if settings.mode is not Mode.OAUTH or public_url is None:
        return []
    installing = Installing(
        client=signing_on.client_of(settings),
        addresses=Addresses.of(public_url, settings.slack_api_url),
        scopes=manifest.scopes(),
        slacks=slacks,
        states=States(machine.database, machine.vault, machine.clock),
        rate=Rate(machine.clock, MOST_A_MINUTE, living),
        nudge=nudge,
    )
    return _routes(installing, https=public_url.startswith("https://"))


def _routes(installing: Installing, *, https: bool) -> Sequence[Route]:
    # No other host can set a cookie of this name, nor a page that came without encryption.
    cookie = "__Host-mailroom-install" if https else "mailroom-install"

    async def install(request: Request) -> Response:
        browser = browser_of(request.cookies.get(cookie))
        response = RedirectResponse(installing.begin(browser), 302, headers={"Cache-Control": "no-store"})
        seconds = int(LASTS.total_seconds())
        response.set_cookie(cookie, browser, max_age=seconds, path="/", httponly=True, secure=https, samesite="lax")
        return response

    async def oauth_redirect(request: Request) -> Response:
        said = {name: value[:_LONGEST] for name, value in request.query_params.items()}
        try:
            page = await installing.finish(said, request.cookies.get(cookie, ""))
        except Exception:
            log.exception("an installation failed")
            page = pages.unavailable("/slack/install")
        return HTMLResponse(page.html, page.status, headers={**pages.HEADERS, **page.headers})

    return [Route("/slack/install", install), Route("/slack/oauth_redirect", oauth_redirect)]
