"""OAuth v2: the question, the code, the tokens and their end."""

import asyncio
import base64
from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from yarl import URL

from sandbox.slack import (
    APP,
    BEN,
    BOT_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    EVE,
    GIL,
    NIA,
    NORTH,
    ODA,
    ORGANISATION,
    ORGANISATION_BOT,
    OTHER_BOT,
    OTHER_TEAM,
    POST,
    SOL,
    SOUTH,
    TEAM,
    Browser,
    Impossible,
    SlackControl,
)
from sandbox.slack.consent import PATH
from tests.adapters.slack_sandbox.conftest import fixture
from tests.adapters.slack_sandbox.installing import SCOPES, InstallableApp, installable


@fixture()
async def app(slack: SlackControl) -> AsyncIterator[InstallableApp]:
    async with installable(slack) as opened:
        yield opened


def asking(slack: SlackControl, session: aiohttp.ClientSession, token: str) -> AsyncWebClient:
    return AsyncWebClient(token=token, base_url=slack.api_url, session=session, retry_handlers=[])


async def refusal(client: AsyncWebClient, method: str = "auth.test", **arguments: object) -> str:
    with pytest.raises(SlackApiError) as raised:
        await client.api_call(method, json=arguments)
    return str(raised.value.response["error"])


async def test_an_installation_leads_back_with_code_and_state_and_gives_a_token(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    page = await slack.app.install(app.install_url, EVE, OTHER_TEAM)
    assert (page.status, page.text) == (200, "installed")
    (back,) = app.came_back
    assert back["state"] == "s"
    answer = await app.access(session, code=back["code"], redirect_uri=app.redirect_uri)
    token = answer.pop("access_token")
    assert answer == {
        "ok": True,
        "token_type": "bot",
        "scope": SCOPES,
        "bot_user_id": OTHER_BOT,
        "app_id": APP,
        "team": {"id": OTHER_TEAM, "name": "Elsewhere"},
        "enterprise": None,
        "is_enterprise_install": False,
        "authed_user": {"id": EVE},
    }
    identity = await asking(slack, session, token).auth_test()
    assert (identity["team_id"], identity["user_id"]) == (OTHER_TEAM, OTHER_BOT)
    assert identity.headers["X-OAuth-Scopes"] == SCOPES
    assert (await slack.app.installed())[OTHER_TEAM].installer == EVE


async def test_an_organisation_is_installed_as_a_whole(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    answer = await app.installed(session, NIA, ORGANISATION)
    assert (answer["team"], answer["is_enterprise_install"]) == (None, True)
    assert answer["enterprise"] == {"id": ORGANISATION, "name": "Meridian"}
    identity = await asking(slack, session, answer["access_token"]).auth_test()
    assert (identity["team_id"], identity["enterprise_id"]) == (ORGANISATION, ORGANISATION)
    assert (identity["is_enterprise_install"], identity["user_id"]) == (True, ORGANISATION_BOT)
    assert (await app.installed(session, SOL, SOUTH))["error"] == "cannot_install_an_org_installed_app"


async def test_one_team_of_an_organisation_is_installed_alone(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    answer = await app.installed(session, NIA, NORTH)
    assert (answer["team"]["id"], answer["enterprise"]["id"]) == (NORTH, ORGANISATION)
    assert answer["is_enterprise_install"] is False
    assert (await asking(slack, session, answer["access_token"]).auth_test())["enterprise_id"] == ORGANISATION


async def test_who_cancels_is_sent_back_with_that(app: InstallableApp) -> None:
    async with Browser() as browser:
        page = await browser.opens(app.install_url)
        assert "Oda Elsewhere, in Elsewhere" in page.text
        assert "Nia North, in all of Meridian" in page.text
        await browser.cancels()
    assert app.came_back == [{"error": "access_denied", "state": "s"}]


@pytest.mark.parametrize(("user", "place"), [(GIL, OTHER_TEAM), (BEN, OTHER_TEAM), (SOL, ORGANISATION)])
async def test_guests_strangers_and_admins_of_one_team_may_not_install(
    app: InstallableApp, user: str, place: str
) -> None:
    async with Browser() as browser:
        await browser.opens(app.install_url)
        with pytest.raises(Impossible, match="access_denied"):
            await browser.allows(user, place)


async def test_another_browser_has_other_cookies(app: InstallableApp) -> None:
    async with Browser() as first, Browser() as second:
        await first.opens(app.install_url)
        back = await first.way_back(ODA, OTHER_TEAM)
        assert (await second.opens(back)).text == "another browser"
        assert (await first.opens(back)).text == "installed"


async def test_a_page_of_the_app_may_stand_before_the_question(app: InstallableApp, slack: SlackControl) -> None:
    async with Browser() as browser:
        await browser.opens(app.url)
        assert (await browser.allows(ODA, OTHER_TEAM)).url.startswith(app.redirect_uri)
        await browser.opens(slack.base_url)
        with pytest.raises(Impossible, match="no way to Slack"):
            await browser.allows(ODA, OTHER_TEAM)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "1.2"}, "invalid_client_id"),
        ({"scope": ""}, "no_scopes"),
        ({"redirect_uri": "http://127.0.0.1:9/else"}, "bad_redirect_uri"),
    ],
)
async def test_a_wrong_question_is_not_asked(
    app: InstallableApp, slack: SlackControl, changes: dict[str, str], error: str
) -> None:
    await slack.app.redirect_urls(app.url)
    async with Browser() as browser:
        page = await browser.opens(app.question(**changes))
        assert (page.status, error in page.text) == (400, True)
        assert (await browser.opens(app.question())).status == 200


async def test_without_an_address_people_come_back_to_the_first_that_is_known(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    await slack.app.redirect_urls(app.redirect_uri, "https://elsewhere.example")
    async with Browser() as browser:
        await browser.opens(app.question(redirect_uri=""))
        await browser.allows(ODA, OTHER_TEAM)
    assert (await app.access(session, code=app.came_back[-1]["code"]))["ok"]


async def test_what_the_app_sends_along_is_no_markup(app: InstallableApp) -> None:
    async with Browser() as browser:
        page = await browser.opens(app.question(state='"><script>', scope="<b>commands</b>"))
        assert "<script>" not in page.text
        assert "<b>" not in page.text
        await browser.allows(ODA, OTHER_TEAM)
    assert app.came_back[-1]["state"] == '"><script>'


async def test_another_sites_page_cannot_answer_the_question(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    query = URL(app.question()).query
    form = {**query, "choice": "allow", "as": f"{OTHER_TEAM}/{ODA}"}
    headers = {"Origin": "https://elsewhere.example"}
    async with session.post(f"{slack.base_url}{PATH}", data=form, headers=headers, allow_redirects=False) as answer:
        assert (answer.status, "Location" in answer.headers) == (403, False)


async def test_a_code_is_good_once_for_ten_minutes_and_for_its_address(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    await slack.app.install(app.install_url, ODA, OTHER_TEAM)
    code = app.came_back[-1]["code"]
    assert (await app.access(session, code=code))["error"] == "bad_redirect_uri"
    assert (await app.access(session, code=code, redirect_uri=app.redirect_uri))["ok"]
    assert (await app.access(session, code=code, redirect_uri=app.redirect_uri))["error"] == "invalid_code"
    await slack.app.install(app.install_url, ODA, OTHER_TEAM)
    await slack.advance_clock(600)
    late = app.came_back[-1]["code"]
    assert (await app.access(session, code=late, redirect_uri=app.redirect_uri))["error"] == "invalid_code"


async def test_the_apps_credentials_are_checked_in_the_form_and_in_the_header(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    await slack.app.install(app.install_url, ODA, OTHER_TEAM)
    form = {"code": app.came_back[-1]["code"], "redirect_uri": app.redirect_uri}
    assert (await app.access(session, **form, client_id="1.2"))["error"] == "invalid_client_id"
    assert (await app.access(session, **form, client_secret="x"))["error"] == "bad_client_secret"
    assert (await app.access(session, **form, grant_type="password"))["error"] == "invalid_grant_type"
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    url, headers = f"{slack.api_url}oauth.v2.access", {"Authorization": f"Basic {basic}"}
    async with session.post(url, data=form, headers=headers) as response:
        assert (await response.json())["ok"]
    record = (await slack.calls("oauth.v2.access"))[-1]
    assert CLIENT_SECRET not in str(record)
    assert form["code"] not in str(record)


async def test_an_answer_may_be_lost_or_fail(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    await slack.app.install(app.install_url, ODA, OTHER_TEAM)
    form = {"code": app.came_back[-1]["code"], "redirect_uri": app.redirect_uri}
    await slack.fault("oauth.v2.access", "status", status=500)
    with pytest.raises(aiohttp.ContentTypeError):
        await app.access(session, **form)
    await slack.fault("oauth.v2.access", "drop_after")
    with pytest.raises(aiohttp.ClientConnectionError):
        await app.access(session, **form)
    assert (await app.access(session, **form))["error"] == "invalid_code"
    assert OTHER_TEAM in await slack.app.installed()


async def test_an_installation_once_more_gives_another_token_and_more_scopes(
    app: InstallableApp, session: aiohttp.ClientSession
) -> None:
    first = await app.installed(session, ODA, OTHER_TEAM)
    async with Browser() as browser:
        await browser.opens(app.question(scope="users:read"))
        await browser.allows(EVE, OTHER_TEAM)
    again = await app.access(session, code=app.came_back[-1]["code"], redirect_uri=app.redirect_uri)
    assert again["access_token"] != first["access_token"]
    assert again["scope"] == f"{SCOPES},users:read"


async def test_what_comes_installed_can_be_installed_again(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    answer = await app.installed(session, BEN, TEAM)
    assert answer["team"]["id"] == TEAM
    assert (await slack.app.installed())[TEAM].tokens == [BOT_TOKEN, answer["access_token"]]


async def test_tokens_rotate(app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession) -> None:
    await slack.app.rotate_tokens()
    first = await app.installed(session, ODA, OTHER_TEAM)
    assert first["access_token"].startswith("xoxe.xoxb-")
    assert first["expires_in"] == 43_200
    second = await app.access(session, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (second["team"]["id"], second["expires_in"]) == (OTHER_TEAM, 43_200)
    assert "authed_user" not in second
    spent = await app.access(session, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert spent == {"ok": False, "error": "invalid_refresh_token"}
    assert (await asking(slack, session, first["access_token"]).auth_test())["ok"]
    third = await app.access(session, grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert await refusal(asking(slack, session, first["access_token"])) == "token_revoked"  # two are good at a time
    await slack.advance_clock(43_200)
    assert await refusal(asking(slack, session, third["access_token"])) == "token_expired"


async def test_a_spent_refresh_token_may_have_a_grace(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    await slack.app.rotate_tokens()
    await slack.settings(refresh_grace_seconds=60)
    form = {"grant_type": "refresh_token"}
    form["refresh_token"] = (await app.installed(session, ODA, OTHER_TEAM))["refresh_token"]
    await slack.fault("oauth.v2.access", "drop_after", where={"grant_type": "refresh_token"})
    with pytest.raises(aiohttp.ClientConnectionError):
        await app.access(session, **form)
    assert (await app.access(session, **form))["ok"]
    await slack.advance_clock(60)
    assert (await app.access(session, **form))["error"] == "invalid_refresh_token"


async def test_a_token_that_expires_can_be_over_now(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    await slack.app.rotate_tokens()
    answer = await app.installed(session, ODA, OTHER_TEAM)
    await slack.app.expire_token(OTHER_TEAM)
    assert await refusal(asking(slack, session, answer["access_token"])) == "token_expired"
    with pytest.raises(Impossible, match="not installed"):
        await slack.app.expire_token(NORTH)


async def test_two_refresh_at_once_and_one_wins(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    await slack.app.rotate_tokens()
    token = (await app.installed(session, ODA, OTHER_TEAM))["refresh_token"]
    both = (app.access(session, grant_type="refresh_token", refresh_token=token) for _ in range(2))
    assert sorted(answer["ok"] for answer in await asyncio.gather(*both)) == [False, True]


async def test_after_the_removal_no_token_is_good_and_the_bot_is_in_no_channel(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    token = (await app.installed(session, ODA, OTHER_TEAM))["access_token"]
    await slack.invite_bot(POST)
    await slack.app.uninstall(OTHER_TEAM, told=())
    assert await refusal(asking(slack, session, token)) == "account_inactive"
    assert OTHER_TEAM not in await slack.app.installed()
    again = asking(slack, session, (await app.installed(session, ODA, OTHER_TEAM))["access_token"])
    assert await refusal(again, "chat.postMessage", channel=POST, text="hi") == "not_in_channel"


async def test_the_app_can_go_by_itself(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    client = asking(slack, session, (await app.installed(session, ODA, OTHER_TEAM))["access_token"])
    assert (await client.auth_revoke(test=True))["revoked"] is False
    with pytest.raises(SlackApiError, match="bad_client_secret"):
        await client.apps_uninstall(client_id=CLIENT_ID, client_secret="x")
    assert (await client.apps_uninstall(client_id=CLIENT_ID, client_secret=CLIENT_SECRET))["ok"]
    assert await refusal(client) == "account_inactive"


async def test_a_revoked_token_takes_the_app_along_where_tokens_do_not_rotate(
    app: InstallableApp, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    client = asking(slack, session, (await app.installed(session, ODA, OTHER_TEAM))["access_token"])
    assert (await client.auth_revoke())["revoked"] is True
    assert await refusal(client) == "token_revoked"
    assert OTHER_TEAM not in await slack.app.installed()
    await slack.app.rotate_tokens()
    client = asking(slack, session, (await app.installed(session, ODA, OTHER_TEAM))["access_token"])
    assert (await client.auth_revoke())["revoked"] is True
    assert await refusal(client) == "token_revoked"
    assert OTHER_TEAM in await slack.app.installed()
