"""What controls the sandboxes is in the sandboxes alone: the bot answers at none of their addresses."""

import aiohttp

from sandbox.mailapi.control import router
from sandbox.slack.control.routes import WORDS
from tests.flows.stage import Mailroom

OURS = ("/healthz", "/readyz", "/metrics", "/slack/install", "/slack/oauth_redirect")
MAILAPIS = sorted({str(getattr(each, "path", "")) for each in router.routes})
SLACKS = [f"/_sandbox/{word}" for word in WORDS]
OTHERS = [
    "/",
    "/_control",
    "/_sandbox",
    "/page/index.html",
    "/api/chat.postMessage",
    "/docs",
    "/openapi.json",
    "/link/",
]


async def test_the_bot_answers_at_none_of_the_sandboxes_addresses(many: Mailroom) -> None:
    async with aiohttp.ClientSession() as session:
        for path in (*MAILAPIS, *SLACKS, *OTHERS):
            for method in ("GET", "POST", "PUT", "DELETE"):
                where = f"{many.settings.mailroom_public_url}{path.replace('{', '').replace('}', '')}"
                async with session.request(method, where, json={}) as answer:
                    assert answer.status == 404, where


async def test_they_are_in_the_sandboxes(many: Mailroom, slack_url: str, mailapi_url: str) -> None:
    assert len(MAILAPIS) > 5
    async with aiohttp.ClientSession() as session:
        for url in (*(f"{mailapi_url}{path}" for path in MAILAPIS), *(f"{slack_url}{path}" for path in SLACKS)):
            async with session.request("OPTIONS", url) as answer:
                assert answer.status != 404, url
        for path in OURS:
            where = f"{many.settings.mailroom_public_url}{path}"
            async with session.get(where, allow_redirects=False) as answer:
                assert answer.status != 404, path
