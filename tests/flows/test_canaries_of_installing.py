"""The secrets of an installation, sent down every way in and out of one while libraries fail, are heard nowhere."""

import base64
import io
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import httpx
import pytest
import pytest_asyncio
from slack_bolt.async_app import AsyncApp
from slack_bolt.listener.async_listener import AsyncCustomListener
from sqlmodel import Session
from yarl import URL

from sandbox.slack import CLIENT_ID, CLIENT_SECRET, MAIL, SIGNING_SECRET, TEAM, Browser
from sandbox.slack.delivery.signed_http import JSON
from sandbox.slack.faults import FaultKind
from storage.states import CallState
from storage.tables import Call
from tests.flows import stage
from tests.flows.breaking import rows
from tests.flows.places import LUMEN, installations, moves_in
from tests.flows.stage import KEY, Mailroom
from tests.flows.test_canaries import (
    ODD_KEY,
    PEOPLE,
    Raw,
    found,
    key_of,
    metrics,
    post,
    raw,
    response_urls,
    stored,
    unforeseen,
)
from tests.flows.test_http import signed
from tests.logged import logged

__all__ = ["raw"]

EXCHANGE = "oauth.v2.access"
BREAKS: tuple[FaultKind, ...] = ("drop_before", "drop_after", "status", "error")
PROOF = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
"""In the header with which the app shows who it is."""


@dataclass
class Canaries:
    """What came and went so far, and the pages that people were shown."""

    many: Mailroom
    secrets: set[str] = field(default_factory=lambda: {CLIENT_SECRET, SIGNING_SECRET, PROOF, KEY, ODD_KEY})
    sealed: set[str] = field(default_factory=set)
    """Encrypted, they are in the database's files and nowhere else."""
    pages: list[str] = field(default_factory=list)

    async def installs(self, *, times: int = 1) -> list[int]:
        """Somebody goes the whole way, and opens the way back so many times; the status of each page."""
        async with Browser() as browser:
            url = str(self.many.settings.install_url)
            await browser.opens(url)
            back = await browser.way_back(LUMEN.installer, TEAM)
            self.secrets |= {value for values in parse_qs(urlsplit(back).query).values() for value in values}
            self.secrets |= {cookie.value for cookie in browser._at(url).cookie_jar.filter_cookies(URL(url)).values()}  # noqa: SLF001 - no page shows them
            opened = [await browser.opens(back) for _ in range(times)]
        self.pages += [page.text for page in opened]
        await self.tokens()
        return [page.status for page in opened]

    async def tokens(self) -> None:
        """Those that Slack has given, and as they are stored."""
        for issued in (await self.many.slack.app.installed()).values():
            self.secrets |= {*issued.tokens, *issued.refresh_tokens}
        for row in await installations(self.many):
            self.sealed |= {text for text in (row.bot_token, row.refresh_token) if text}

    async def heard(self, written: io.StringIO) -> list[tuple[str, str]]:
        """Where any of them is: logs, metrics, pages, the database's files, and what the bot said in Slack."""
        assert self.many.settings.sqlite_file is not None
        folder = self.many.settings.sqlite_file.parent
        said = {"written": written.getvalue(), "metrics": await metrics(self.many), "pages": "\n".join(self.pages)}
        secrets = (*self.secrets, key_of(folder), *await response_urls(self.many))
        acks = [each.get("ack") for each in await self.many.slack.envelopes()]
        calls = [each["arguments"] for each in await self.many.slack.calls() if each["method"] != EXCHANGE]
        said |= {"calls": str(calls), "acks": str(acks)}
        return found(said, (*secrets, *self.sealed)) + found(stored(folder), secrets)


@pytest_asyncio.fixture
async def settled(slack_url: str, mailapi_url: str, tmp_path: Path) -> AsyncIterator[Mailroom]:
    """The sandboxes as new, and the settings of a bot that workspaces install by themselves."""
    async with stage.outside(slack_url, mailapi_url, tmp_path, "oauth") as many:
        yield many


@pytest.fixture
def written(settled: Mailroom) -> Iterator[io.StringIO]:
    with logged("json", settled.settings.secrets()) as stream:
        yield stream


@pytest_asyncio.fixture
async def canaries(settled: Mailroom, written: io.StringIO) -> AsyncIterator[Canaries]:
    """The running bot, and Slack, which gives tokens that expire."""
    assert written.getvalue() == ""
    await settled.slack.app.rotate_tokens()
    async with settled.running():
        yield Canaries(settled)


async def installs_in_vain(canaries: Canaries) -> None:
    """Slack is not there, fails, or says no; the code is none; somebody else has it, or comes twice."""
    many = canaries.many
    for broken in BREAKS:
        await many.slack.fault(EXCHANGE, broken)
        assert (await canaries.installs())[0] >= 400
    assert await canaries.installs(times=2) == [200, 400]
    async with Browser() as browser, Browser() as stranger:
        await browser.opens(str(many.settings.install_url))
        back = await browser.way_back(LUMEN.installer, TEAM)
        canaries.secrets |= {value for values in parse_qs(urlsplit(back).query).values() for value in values}
        torn = back.replace("code=", f"code={ODD_KEY}")
        for page in (await stranger.opens(back), await browser.opens(torn), await browser.opens(f"{back}&error=x")):
            assert page.status == 400
            canaries.pages.append(page.text)


async def tokens_are_exchanged(canaries: Canaries) -> None:
    """In vain, with an answer that is lost, and at last."""
    many = canaries.many
    await many.slack.settings(refresh_grace_seconds=600)
    for number, broken in enumerate((*BREAKS, None)):
        await many.passes(hours=14)
        await many.slack.app.expire_token(TEAM)
        if broken:
            await many.slack.fault(EXCHANGE, broken)
            await many.ben.types(MAIL, "/mail status")
            await many.passes(minutes=6)
        await many.ben.types(MAIL, f"/mail mailbox create night{number}@example.com")
        await many.root(many.ben, "Done", f"night{number}")
        await canaries.tokens()


async def test_no_canary_of_an_installation_is_heard_whatever_fails(
    canaries: Canaries, written: io.StringIO, raw: Raw
) -> None:
    many = canaries.many
    await installs_in_vain(canaries)
    await moves_in(many, LUMEN)
    await tokens_are_exchanged(canaries)
    await many.slack.app.uninstall(TEAM)
    await many.ben.types(MAIL, "/mail status")
    await canaries.installs()
    await many.direct(many.ana, "Mailroom is installed")
    assert len(canaries.secrets) > 30
    assert "a workspace's token was not exchanged" in written.getvalue()
    assert await canaries.heard(written) == []
    # The redactor is not what keeps them out: they were never given to be logged.
    assert found({"raw": "\n".join(raw.said)}, (*canaries.secrets, *canaries.sealed)) == []


async def test_what_nobody_foresaw_of_an_installation_says_no_secret_either(
    canaries: Canaries, written: io.StringIO, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    many, session = canaries.many, aiohttp.ClientSession
    with unforeseen(monkeypatch, session, "_request", EXCHANGE):
        assert await canaries.installs() == [503]
    with unforeseen(monkeypatch, Session, "flush", "gAAAA"):
        assert await canaries.installs() == [503]
    await moves_in(many, LUMEN)
    await canaries.tokens()
    await many.passes(hours=14)
    await many.slack.app.expire_token(TEAM)
    with unforeseen(monkeypatch, session, "_request", EXCHANGE):
        await many.ben.types(MAIL, "/mail status")
    await many.clock_ahead(seconds=31)  # so long nobody else exchanges it
    with unforeseen(monkeypatch, httpx.AsyncHTTPTransport, "handle_async_request"):
        await many.ben.types(MAIL, "/mail mailbox create kim.canary@example.com")
        await many.until(lambda: _in_vain(many), "a call that was tried")
    for owner, name in ((AsyncApp, "async_dispatch"), (AsyncCustomListener, "run_ack_function")):
        with unforeseen(monkeypatch, owner, name):
            body = json.dumps({"type": "event_callback", "team_id": TEAM, "key": ODD_KEY, "event": {"type": "x"}})
            assert (await post(many, body.encode(), signed(body.encode(), kind=JSON)))[0] < 500
    await canaries.tokens()
    before = "\n".join(raw.said)
    (row,) = await installations(many)
    assert KEY not in before  # what goes wrong at MailAPI is told by its kind alone
    for secret in (PROOF, "xoxe-1-", ODD_KEY, "gAAAA"):
        assert secret in before, secret  # so it is the redactor that keeps them out
    assert row.bot_token
    assert await canaries.heard(written) == []
    assert found({"written": written.getvalue()}, ("gAAAA", "xoxe", *PEOPLE)) == []


async def _in_vain(many: Mailroom) -> bool:
    return any(call.attempts or call.state is CallState.UNKNOWN for call in await rows(many, Call))
