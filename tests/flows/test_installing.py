"""Installing the bot into a workspace: from a link to the first message, and nothing that others can do with it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest
import pytest_asyncio
import yaml
from sqlmodel import select

from bot import manifest
from bot.way_in import MOST_A_MINUTE
from sandbox.slack import ANA, BEN, MAIL, ODA, OTHER_TEAM, TEAM, Browser
from storage.states import InstallationState
from storage.tables import AuditEntry, Notice, SpentState
from tests.flows import stage
from tests.flows.breaking import rows
from tests.flows.places import ELSEWHERE, LUMEN, installations, installs, moves_in
from tests.flows.stage import KEY, Mailroom


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with Browser() as browser:
        yield browser


async def test_somebody_installs_it_and_is_told_what_to_do_next(many: Mailroom) -> None:
    page = await installs(many, LUMEN)
    assert page.status == 200
    assert "Mailroom is installed in Lumen" in page.text
    assert "/mail connect" in page.text
    assert f"app_redirect?app=A0MAILROOM&amp;team={TEAM}" in page.text
    greeting = await many.direct(many.ana, "Mailroom is installed", "/mail connect")
    await many.ana.clicks(greeting, "Connect MailAPI")
    await many.form(many.ana)
    (installed,) = await installations(many)
    assert (installed.workspace_id, installed.installed_by, installed.state) == (TEAM, ANA, InstallationState.INSTALLED)
    (entry,) = [each for each in await rows(many, AuditEntry) if each.action == "install"]
    assert (entry.actor, entry.outcome) == (ANA, "installed")


async def test_a_workspace_works_as_if_it_were_the_only_one(many: Mailroom) -> None:
    _, ben = await moves_in(many, LUMEN)
    await ben.types(MAIL, "/mail mailbox bulk example.com team 2")
    await many.exists("team1@example.com", "team2@example.com")
    assert "created" in (await many.completed(ben)).text


async def test_it_asks_for_no_more_than_the_manifest_says(many: Mailroom, browser: Browser) -> None:
    page = await browser.opens(str(many.settings.install_url))
    asked = parse_qs(urlsplit(page.url).query)
    scopes = yaml.safe_load(manifest.text())["oauth_config"]["scopes"]["bot"]
    assert asked["scope"] == [",".join(scopes)]
    assert "user_scope" not in asked
    assert asked["redirect_uri"] == [f"{many.settings.mailroom_public_url}/slack/oauth_redirect"]


async def test_the_tokens_stand_nowhere_as_they_are(many: Mailroom) -> None:
    await many.slack.app.rotate_tokens()
    await installs(many, LUMEN)
    issued = (await many.slack.app.installed())[TEAM]
    (installed,) = await installations(many)
    assert issued.refresh_tokens
    assert not {installed.bot_token, installed.refresh_token} & {*issued.tokens, *issued.refresh_tokens}
    stored = b"".join(
        path.read_bytes()
        for path in many.settings.sqlite_file.parent.iterdir()  # type: ignore[union-attr]
    )
    assert not [token for token in (*issued.tokens[1:], *issued.refresh_tokens) if token.encode() in stored]


async def test_whoever_says_no_is_told_that_nothing_happened(many: Mailroom, browser: Browser) -> None:
    await browser.opens(str(many.settings.install_url))
    page = await browser.cancels()
    assert (page.status, "was not installed" in page.text) == (200, True)
    assert await installations(many) == []
    await browser.opens(str(many.settings.install_url))
    assert (await browser.allows(ANA, TEAM)).status == 200


async def test_the_way_back_from_slack_is_good_once(many: Mailroom, browser: Browser) -> None:
    await browser.opens(str(many.settings.install_url))
    back = await browser.way_back(ANA, TEAM)
    assert (await browser.opens(back)).status == 200
    exchanged = len(await many.slack.calls("oauth.v2.access"))
    again = await browser.opens(back)
    assert (again.status, "cannot be used" in again.text) == (400, True)
    assert len(await many.slack.calls("oauth.v2.access")) == exchanged


async def test_another_browser_cannot_end_what_one_began(many: Mailroom, browser: Browser) -> None:
    """Else somebody could have his own workspace connected by an admin of another, without knowing it."""
    await browser.opens(str(many.settings.install_url))
    back = await browser.way_back(ODA, OTHER_TEAM)
    async with Browser() as victim:
        assert (await victim.opens(back)).status == 400
        await victim.opens(str(many.settings.install_url))
        assert (await victim.opens(back)).status == 400
    assert await installations(many) == []
    assert await many.slack.calls("oauth.v2.access") == []
    assert (await browser.opens(back)).status == 200


async def test_the_way_back_is_good_for_ten_minutes(many: Mailroom, browser: Browser) -> None:
    await browser.opens(str(many.settings.install_url))
    back = await browser.way_back(ANA, TEAM)
    await many.passes(minutes=10)
    assert (await browser.opens(back)).status == 400
    assert await installations(many) == []


async def test_a_flood_of_installations_spends_little_of_what_slack_allows_and_passes(
    many: Mailroom, browser: Browser
) -> None:
    """Tokens are exchanged by the same method, of which Slack takes so many from the app in a minute."""
    await browser.opens(str(many.settings.install_url))
    back = await browser.way_back(ANA, TEAM)
    statuses = [await made_up(many) for _ in range(MOST_A_MINUTE + 5)]
    assert statuses == [*[400] * MOST_A_MINUTE, *[503] * 5]
    assert len(await many.slack.calls("oauth.v2.access")) == MOST_A_MINUTE
    assert many.bot is not None
    assert len(await many.bot.database.read(lambda session: session.exec(select(SpentState)).all())) == MOST_A_MINUTE
    page = await browser.opens(back)
    assert (page.status, "Try again in a minute" in page.text) == (503, True)
    await many.passes(minutes=1)
    assert (await browser.opens(back)).status == 200


async def made_up(many: Mailroom) -> int:
    """Somebody comes back, without having been at Slack, with a code that is none; the answer's status."""
    public = many.settings.mailroom_public_url
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{public}/slack/install", allow_redirects=False) as answer:
            state = parse_qs(urlsplit(answer.headers["Location"]).query)["state"][0]
        said = {"state": state, "code": "x"}
        async with session.get(f"{public}/slack/oauth_redirect", params=said) as answer:
            assert answer.headers.get("Retry-After") == ("60" if answer.status == 503 else None)
            return answer.status


async def test_two_tabs_of_a_browser_do_not_get_in_each_others_way(many: Mailroom, browser: Browser) -> None:
    await browser.opens(str(many.settings.install_url))
    first = await browser.way_back(ANA, TEAM)
    await browser.opens(str(many.settings.install_url))
    second = await browser.way_back(ODA, OTHER_TEAM)
    assert [(await browser.opens(back)).status for back in (first, second)] == [200, 200]


@pytest.mark.parametrize(
    "query",
    ["", "code=1", "state=&code=1", "state=abc&code=1", "code=1&state=%FF%00", "error=%3Cscript%3E&state=x"],
)
async def test_nonsense_is_answered_with_a_page(many: Mailroom, query: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{many.settings.mailroom_public_url}/slack/oauth_redirect?{query}") as answer,
    ):
        assert answer.status == 400
        assert "<script" not in await answer.text()


async def test_a_wrong_code_is_answered_with_a_page_that_says_what_slack_says(many: Mailroom, browser: Browser) -> None:
    await browser.opens(str(many.settings.install_url))
    back = await browser.way_back(ANA, TEAM)
    page = await browser.opens(re.sub("code=[^&]*", "code=wrong", back))
    assert (page.status, "invalid_code" in page.text) == (400, True)


async def test_the_pages_run_and_load_nothing_and_the_cookie_is_seen_by_no_script(many: Mailroom) -> None:
    public = many.settings.mailroom_public_url
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{public}/slack/install", allow_redirects=False) as answer:
            cookie = answer.headers["Set-Cookie"].lower()
            assert answer.status == 302
            assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/", "max-age=600"))
        async with session.get(f"{public}/slack/oauth_redirect?error=access_denied") as answer:
            policy, text = answer.headers["Content-Security-Policy"], await answer.text()
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "width=device-width" in text
            assert answer.headers["Cache-Control"] == "no-store"


async def test_behind_https_the_cookie_is_for_https_and_this_host_alone(
    slack_url: str, mailapi_url: str, tmp_path: Path
) -> None:
    async with stage.outside(slack_url, mailapi_url, tmp_path, "oauth") as many:
        at = {"mailroom_public_url": "https://mail.example.org"}
        many.settings = many.settings.model_copy(update=at)
        async with many.running() as bot, aiohttp.ClientSession() as session:
            async with session.get(f"{bot.url}/slack/install", allow_redirects=False) as answer:
                cookie = answer.headers["Set-Cookie"]
            assert cookie.startswith("__Host-")
            assert "secure" in cookie.lower()
            assert "domain" not in cookie.lower()


async def test_what_goes_wrong_in_the_end_is_answered_with_a_page(
    many: Mailroom, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.opens(str(many.settings.install_url))
    back = await browser.way_back(ANA, TEAM)
    monkeypatch.setattr("bot.installing.texts.welcome", None)
    page = await browser.opens(back)
    assert (page.status, "could not be installed" in page.text) == (503, True)
    assert await installations(many) == []


async def test_one_workspace_has_no_page_to_install_it(mailroom: Mailroom) -> None:
    assert mailroom.bot is not None
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{mailroom.bot.url}/slack/install", allow_redirects=False) as answer,
    ):
        assert answer.status == 404


async def test_installing_again_keeps_the_key_and_says_so(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    await installs(many, LUMEN, by=BEN)
    await many.direct(many.ben, "The MailAPI key that is connected stays in force")
    await many.ben.types(MAIL, "/mail status")
    await many.private(many.ben, KEY[-4:])
    (installed,) = await installations(many)
    assert installed.installed_by == BEN
    outcomes = [each.outcome for each in await rows(many, AuditEntry) if each.action == "install"]
    assert outcomes == ["installed", "installed again"]


async def test_the_greeting_survives_that_slack_is_out_of_reach(many: Mailroom) -> None:
    await many.slack.fault("conversations.open", "error", times=2, error="internal_error")
    await installs(many, LUMEN)
    await many.until(lambda: _greeted(many), "the greeting")


async def _greeted(many: Mailroom) -> bool:
    await many.clock_ahead(seconds=1)
    return any("Mailroom is installed" in each.visible for each in await many.ana.direct_messages())


async def test_a_workspace_that_did_not_install_it_is_told_how_to(many: Mailroom) -> None:
    """Slack has it installed there, as before a database was lost."""
    answer = await many.ana.types(MAIL, "/mail help")
    assert answer.ok
    await many.private(many.ana, "Mailroom is not installed here any more", f"{many.settings.install_url}")
    mentioned = await many.ana.mentions(MAIL, "help")
    assert mentioned.ok
    assert await rows(many, Notice) == []


async def test_two_install_it_at_once(many: Mailroom) -> None:
    await installs(many, LUMEN)
    await installs(many, ELSEWHERE)
    found = {each.workspace_id: each.installed_by for each in await installations(many)}
    assert found == {TEAM: ANA, OTHER_TEAM: ODA}
