"""Whatever comes to the pages of an installation, or tells of its end without being so: an answer, and no effect."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from sandbox.slack import TEAM, Browser
from sandbox.slack.delivery.signed_http import JSON
from storage.tables import AuditEntry, Connection, Request
from tests.flows import stage
from tests.flows.breaking import rows
from tests.flows.fuzzing import REMOVALS, event, mutated
from tests.flows.junk import HUGE, JUNK, NO_DOTS
from tests.flows.places import LUMEN, installations, moves_in
from tests.flows.stage import Mailroom
from tests.flows.test_fuzz import FUZZED, SECONDS, encoded
from tests.flows.test_http import signed

TABLES = (Connection, Request, AuditEntry)


@dataclass
class Installed:
    """The running bot in one workspace, what it has there, and a way back from Slack that nobody has used."""

    many: Mailroom
    session: aiohttp.ClientSession
    state: str
    cookie: str
    before: list[Any]

    @property
    def url(self) -> str:
        return str(self.many.settings.mailroom_public_url)

    async def is_answered(self, request: Any, *statuses: int) -> None:
        """In time, with no failure, and everything is as it was."""
        began = time.monotonic()
        async with request as answer:
            text = await answer.text()
        assert answer.status in statuses, (answer.status, text)
        assert time.monotonic() - began < SECONDS
        assert await has(self.many) == self.before
        assert "<script" not in text


async def has(many: Mailroom) -> list[Any]:
    """All that an installation changes, and how often Slack was asked for a token."""
    found = [*await installations(many), *[row for table in TABLES for row in await rows(many, table)]]
    return [*(row.model_dump() for row in found), len(await many.slack.calls("oauth.v2.access"))]


@pytest_asyncio.fixture(scope="module")
async def installed(
    slack_url: str, mailapi_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Installed]:
    """One bot for everything."""
    folder, connector = tmp_path_factory.mktemp("fuzz"), aiohttp.TCPConnector(keepalive_timeout=1)
    async with (
        stage.outside(slack_url, mailapi_url, folder, "oauth") as many,
        many.running(),
        aiohttp.ClientSession(connector=connector) as session,
        Browser() as browser,
    ):
        await moves_in(many, LUMEN)
        await many.at_rest()
        url = URL(str(many.settings.install_url))
        await browser.opens(str(url))
        back = URL(await browser.way_back(LUMEN.installer, TEAM))
        (cookie,) = browser._at(str(url)).cookie_jar.filter_cookies(url).keys()  # noqa: SLF001 - no page shows it
        yield Installed(many, session, back.query["state"], cookie, await has(many))


TEXTS = NO_DOTS | JUNK.map(str) | st.sampled_from([HUGE[:5_000], "%00", "<script>", "gAAAAA==", "a" * 43])
NAMES = st.sampled_from(["state", "code", "error", "team", "redirect_uri"]) | NO_DOTS


def sendable(text: str) -> str:
    """As an address can carry it, which half a surrogate cannot be."""
    return text.encode(errors="replace").decode()


@FUZZED
@given(query=st.dictionaries(NAMES, TEXTS, max_size=4), cookie=st.none() | TEXTS, data=st.data())
async def test_nobody_comes_back_from_slack_with_something_else(
    installed: Installed, query: dict[str, str], cookie: str | None, data: st.DataObject
) -> None:
    """Also with a good state, torn, or in another browser than the one that began."""
    state = installed.state
    query |= data.draw(st.sampled_from([{}, {"state": state}, {"state": state[:-1]}, {"state": f"{state}="}]))
    where = URL(f"{installed.url}/slack/oauth_redirect").with_query(
        {sendable(n): sendable(v) for n, v in query.items()}
    )
    value = sendable(cookie or "").encode("ascii", "ignore").decode().translate(dict.fromkeys([*range(33), 127]))
    headers = {"Cookie": f"{installed.cookie}={value[:4_000]}"} if cookie is not None else {}
    # 431 and 400 are the server's own, for what is no request.
    answers = (HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    await installed.is_answered(installed.session.get(where, headers=headers), *answers)


def of_before(payload: dict[str, Any]) -> dict[str, Any]:
    """A removal of earlier, whatever else is in it: a later one would be one."""
    try:
        late = int(payload.get("event_time") or 0) > 1_000_000_000
    except (TypeError, ValueError, OverflowError):
        late = False
    return {**payload, "event_time": 1} if late else payload


@pytest.mark.parametrize("kind", REMOVALS)
@FUZZED
@given(data=st.data())
async def test_nothing_that_is_no_removal_removes_anything(
    installed: Installed, kind: str, data: st.DataObject
) -> None:
    body, form = encoded("event", of_before(data.draw(mutated(event(kind)))))
    where = f"{installed.url}/slack/events"
    sent = installed.session.post(where, data=body, headers=signed(body, kind=form))
    await installed.is_answered(sent, *range(200, 500))
    assert form == JSON
