"""Several workspaces and an organisation: what a token reaches, and what the app is told of whom."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import (
    ANA,
    APP,
    ATRIUM,
    BOT,
    CELLAR,
    EVE,
    GENERAL,
    GIL,
    MAIL,
    NED,
    NIA,
    NORTH,
    NORTH_MAIL,
    ODA,
    ORGANISATION,
    ORGANISATION_BOT,
    OTHER_BOT,
    OTHER_TEAM,
    POST,
    SKY,
    SOL,
    SOUTH,
    SOUTH_MAIL,
    TEAM,
    Impossible,
    SlackControl,
)
from tests.adapters.slack_sandbox.conftest import Doorway, fixture
from tests.adapters.slack_sandbox.installing import installable
from tests.adapters.slack_sandbox.receiving import Receiver, receiving

BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Approve"}, "action_id": "approve"}
BLOCKS = [{"type": "actions", "block_id": "acts", "elements": [BUTTON]}]
FIELD = {"type": "plain_text_input", "action_id": "name"}
VIEW = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Form"},
    "submit": {"type": "plain_text", "text": "Save"},
    "notify_on_close": True,
    "blocks": [{"type": "input", "block_id": "b", "label": {"type": "plain_text", "text": "Name"}, "element": FIELD}],
}
MERIDIAN = {"id": ORGANISATION, "name": "Meridian"}


@fixture()
async def receiver(slack: SlackControl, doorway: Doorway) -> AsyncIterator[Receiver]:
    async with receiving(slack, doorway) as opened:
        yield opened


async def bot_of(slack: SlackControl, session: aiohttp.ClientSession, user: str, place: str) -> AsyncWebClient:
    """The bot, installed by somebody somewhere."""
    async with installable(slack) as app:
        token = (await app.installed(session, user, place))["access_token"]
    return AsyncWebClient(token=token, base_url=slack.api_url, session=session, retry_handlers=[])


@fixture()
async def elsewhere(slack: SlackControl, session: aiohttp.ClientSession) -> AsyncWebClient:
    return await bot_of(slack, session, ODA, OTHER_TEAM)


@fixture()
async def meridian(slack: SlackControl, session: aiohttp.ClientSession) -> AsyncWebClient:
    return await bot_of(slack, session, NIA, ORGANISATION)


async def refusal(client: AsyncWebClient, method: str, **arguments: object) -> str:
    with pytest.raises(SlackApiError) as raised:
        await client.api_call(method, json=arguments)
    return str(raised.value.response["error"])


async def test_a_token_reaches_its_own_workspace_only(
    elsewhere: AsyncWebClient, client: AsyncWebClient, slack: SlackControl
) -> None:
    await slack.invite_bot(POST)
    ts = (await elsewhere.chat_postMessage(channel=POST, text="hi"))["ts"]
    assert [message.text for message in await slack.person(EVE, OTHER_TEAM).sees(POST)] == ["hi"]
    assert await refusal(client, "chat.postMessage", channel=POST, text="hi") == "channel_not_found"
    assert await refusal(client, "chat.update", channel=POST, ts=ts, text="ho") == "channel_not_found"
    assert await refusal(client, "conversations.info", channel=CELLAR) == "channel_not_found"
    assert await refusal(client, "users.info", user=ODA) == "user_not_found"
    assert await refusal(client, "conversations.open", users=ODA) == "user_not_found"
    assert await refusal(client, "usergroups.users.list", usergroup="S0SORTERS1") == "no_such_subteam"
    assert await refusal(elsewhere, "conversations.info", channel=GENERAL) == "channel_not_found"
    assert await refusal(elsewhere, "chat.postMessage", channel=NED, text="hi") == "channel_not_found"
    found = {each["id"] for each in (await elsewhere.users_list(team_id=TEAM))["members"]}
    assert found == {ODA, EVE, GIL, OTHER_BOT, "USLACKBOT"}  # whatever `team_id` it names


async def test_a_fault_may_be_one_workspaces_alone(
    elsewhere: AsyncWebClient, client: AsyncWebClient, slack: SlackControl
) -> None:
    await slack.fault("auth.test", "error", error="internal_error", place=OTHER_TEAM)
    assert (await client.auth_test())["ok"]
    assert await refusal(elsewhere, "auth.test") == "internal_error"
    assert (await elsewhere.auth_test())["ok"]
    assert [call["place"] for call in await slack.calls("auth.test")] == [TEAM, OTHER_TEAM, OTHER_TEAM]


async def test_nobody_has_the_command_where_the_app_is_not_installed(slack: SlackControl, receiver: Receiver) -> None:
    assert (await slack.person(ODA).types(POST, "/mail help")).error == "invalid_command"
    assert (await slack.person(NIA).types(NORTH_MAIL, "/mail help")).error == "invalid_command"
    assert receiver.received == []


async def test_a_command_says_its_workspace(elsewhere: AsyncWebClient, slack: SlackControl, receiver: Receiver) -> None:
    assert (await elsewhere.auth_test())["team"] == "Elsewhere"
    assert (await slack.person(GIL).types(POST, "/mail help")).ok
    expected = {"team_id": OTHER_TEAM, "team_domain": "elsewhere", "user_id": GIL, "is_enterprise_install": "false"}
    assert receiver.last | expected == receiver.last
    assert "enterprise_id" not in receiver.last


async def test_an_event_says_its_workspace_and_whose_bot_hears_it(
    elsewhere: AsyncWebClient, slack: SlackControl, receiver: Receiver
) -> None:
    assert (await elsewhere.auth_test())["ok"]
    await slack.invite_bot(POST)
    await slack.person(ODA).mentions(POST, "help")
    assert (receiver.last["team_id"], receiver.last["api_app_id"]) == (OTHER_TEAM, APP)
    assert receiver.last["event"]["text"] == f"<@{OTHER_BOT}> help"
    assert receiver.last["authorizations"] == [
        {
            "enterprise_id": None,
            "team_id": OTHER_TEAM,
            "user_id": OTHER_BOT,
            "is_bot": True,
            "is_enterprise_install": False,
        }
    ]


async def test_a_team_of_an_organisation_that_has_the_app_alone_says_so(
    slack: SlackControl, session: aiohttp.ClientSession, receiver: Receiver
) -> None:
    north = await bot_of(slack, session, NIA, NORTH)
    await slack.person(NED).types(NORTH_MAIL, "/mail help")
    expected = {"team_id": NORTH, "enterprise_id": ORGANISATION, "is_enterprise_install": "false"}
    assert receiver.last | expected == receiver.last
    assert (await slack.person(SOL).types(SOUTH_MAIL, "/mail help")).error == "invalid_command"
    assert {each["id"] for each in (await north.users_list())["members"]} == {NIA, NED, ORGANISATION_BOT, "USLACKBOT"}


async def test_an_organisations_token_has_to_say_the_team(meridian: AsyncWebClient, slack: SlackControl) -> None:
    for method in ("users.list", "conversations.list", "users.conversations", "usergroups.list"):
        assert await refusal(meridian, method) == "missing_argument"
        assert (await meridian.api_call(method, json={"team_id": NORTH}))["ok"]
        assert [call["arguments"].get("team_id") for call in await slack.calls(method)] == [None, NORTH]
    assert await refusal(meridian, "users.list", team_id="T404") == "team_not_found"
    assert await refusal(meridian, "users.list", team_id=TEAM) == "team_access_not_granted"
    assert await refusal(meridian, "usergroups.users.list", usergroup="S0SOUTHERN") == "missing_argument"
    groups = await meridian.usergroups_users_list(usergroup="S0SOUTHERN", team_id=SOUTH)
    assert groups["users"] == [SOL]


async def test_an_organisations_token_works_in_the_teams_that_it_was_given(
    meridian: AsyncWebClient, slack: SlackControl
) -> None:
    assert [each["id"] for each in (await meridian.auth_teams_list())["teams"]] == [NORTH, SOUTH]
    for channel, person in ((NORTH_MAIL, NED), (SOUTH_MAIL, SKY)):
        await slack.invite_bot(channel)
        ts = (await meridian.chat_postMessage(channel=channel, text="hi"))["ts"]
        await meridian.chat_update(channel=channel, ts=ts, text="ho")
        assert [message.text for message in await slack.person(person).sees(channel)] == ["ho"]
    assert await refusal(meridian, "chat.postMessage", channel=POST, text="hi") == "channel_not_found"
    await slack.app.grant(ORGANISATION, NORTH)
    assert await refusal(meridian, "chat.postMessage", channel=SOUTH_MAIL, text="hi") == "team_access_not_granted"
    assert await refusal(meridian, "users.list", team_id=SOUTH) == "team_access_not_granted"
    assert (await slack.person(SOL).types(SOUTH_MAIL, "/mail help")).error == "invalid_command"
    with pytest.raises(Impossible, match=f"no team {TEAM}"):
        await slack.app.grant(ORGANISATION, TEAM)


async def test_people_of_an_organisation_are_told_with_it(meridian: AsyncWebClient) -> None:
    nia = (await meridian.users_info(user=NIA))["user"]
    assert nia["enterprise_user"] == {
        "id": NIA,
        "enterprise_id": ORGANISATION,
        "enterprise_name": "Meridian",
        "is_admin": True,
        "is_owner": False,
        "teams": [NORTH, SOUTH],
    }
    sky = (await meridian.users_info(user=SKY))["user"]
    assert (sky["is_restricted"], sky["enterprise_user"]["teams"]) == (True, [SOUTH])


async def test_a_direct_message_is_one_in_all_teams(meridian: AsyncWebClient, slack: SlackControl) -> None:
    channel = (await meridian.conversations_open(users=NIA))["channel"]["id"]
    await meridian.chat_postMessage(channel=channel, text="one")
    await meridian.chat_postMessage(channel=NIA, text="two")
    for team in (NORTH, SOUTH):
        assert [each.text for each in await slack.person(NIA, team).direct_messages()] == ["one", "two"]


async def test_a_file_is_shared_by_an_organisations_token(meridian: AsyncWebClient, slack: SlackControl) -> None:
    await slack.invite_bot(SOUTH_MAIL)
    await meridian.files_upload_v2(channel=SOUTH_MAIL, content="a,b", filename="boxes.csv")
    (message,) = await slack.person(SOL).sees(SOUTH_MAIL)
    assert message.files[0].text == "a,b"


async def test_what_a_whole_organisation_has_says_so_in_every_delivery(
    meridian: AsyncWebClient, slack: SlackControl, receiver: Receiver
) -> None:
    await slack.invite_bot(SOUTH_MAIL)
    sol = slack.person(SOL)
    await sol.types(SOUTH_MAIL, "/mail help")
    command = receiver.last
    expected = {"team_id": SOUTH, "enterprise_id": ORGANISATION, "enterprise_name": "Meridian"}
    assert command | expected | {"is_enterprise_install": "true"} == command
    await sol.mentions(SOUTH_MAIL, "help")
    event = receiver.last
    assert (event["team_id"], event["enterprise_id"]) == (SOUTH, ORGANISATION)
    (authorization,) = event["authorizations"]
    assert (authorization["enterprise_id"], authorization["team_id"]) == (ORGANISATION, SOUTH)
    assert authorization["is_enterprise_install"] is True
    await meridian.chat_postMessage(channel=SOUTH_MAIL, text="x", blocks=BLOCKS)
    message = (await sol.sees(SOUTH_MAIL))[-1]
    await sol.clicks(message, "Approve")
    click = receiver.last
    assert (click["team"]["id"], click["enterprise"], click["is_enterprise_install"]) == (SOUTH, MERIDIAN, True)
    await meridian.views_open(trigger_id=click["trigger_id"], view=VIEW)
    await sol.fills(Name="x")
    await sol.submits()
    submission = receiver.last
    assert (submission["team"], submission["enterprise"]) == (None, MERIDIAN)
    assert (submission["user"]["team_id"], submission["view"]["team_id"]) == (SOUTH, SOUTH)
    assert submission["view"]["app_installed_team_id"] == ORGANISATION
    await sol.shortcut(None, "global")
    assert (receiver.last["team"], receiver.last["is_enterprise_install"]) == (None, True)


async def test_a_channel_of_two_teams_of_an_organisation_is_no_external_one(
    meridian: AsyncWebClient, slack: SlackControl, receiver: Receiver
) -> None:
    channel = (await meridian.conversations_info(channel=ATRIUM))["channel"]
    assert (channel["is_shared"], channel["is_org_shared"], channel["is_ext_shared"]) == (True, True, False)
    assert channel["shared_team_ids"] == [NORTH, SOUTH]
    await slack.invite_bot(ATRIUM)
    await slack.person(NED).mentions(ATRIUM, "help")
    assert (receiver.last["team_id"], receiver.last["is_ext_shared_channel"]) == (NORTH, False)
    await slack.person(SOL).mentions(ATRIUM, "help")
    assert receiver.last["team_id"] == SOUTH
    assert [message.text for message in await slack.person(NIA).sees(ATRIUM)] == [f"<@{ORGANISATION_BOT}> help"] * 2


async def test_who_is_of_the_other_side_of_a_shared_channel_clicks_and_mentions(
    client: AsyncWebClient, slack: SlackControl, receiver: Receiver
) -> None:
    eve = slack.person(EVE, OTHER_TEAM)
    await client.chat_postMessage(channel=MAIL, text="x", blocks=BLOCKS)
    (message,) = await eve.sees(MAIL)
    await eve.clicks(message, "Approve")
    click = receiver.last
    assert (click["user"]["team_id"], click["team"]["id"]) == (OTHER_TEAM, TEAM)
    await client.views_open(trigger_id=click["trigger_id"], view=VIEW)
    await eve.closes()
    closed = receiver.last
    assert (closed["team"]["id"], closed["view"]["app_installed_team_id"]) == (OTHER_TEAM, TEAM)
    await eve.says(MAIL, f"<@{BOT}> help")
    event = receiver.last
    assert (event["team_id"], event["is_ext_shared_channel"]) == (TEAM, True)
    assert (event["event"]["team"], event["event"]["user_team"]) == (OTHER_TEAM, OTHER_TEAM)
    assert (await client.users_info(user=EVE))["user"]["is_stranger"] is True
    assert (await client.conversations_info(channel=MAIL))["channel"]["shared_team_ids"] == [TEAM, OTHER_TEAM]
    assert (await eve.types(MAIL, "/mail help")).error == "invalid_command"


async def test_both_sides_of_a_shared_channel_may_have_the_app(
    elsewhere: AsyncWebClient, slack: SlackControl, receiver: Receiver
) -> None:
    await slack.person(EVE).types(MAIL, "/mail help")
    assert (receiver.last["team_id"], receiver.last["user_id"]) == (OTHER_TEAM, EVE)
    await slack.person(ANA).types(MAIL, "/mail help")
    assert receiver.last["team_id"] == TEAM
    assert await refusal(elsewhere, "chat.postMessage", channel=MAIL, text="hi") == "not_in_channel"
    await slack.invite_bot(MAIL, team=OTHER_TEAM)
    await elsewhere.chat_postMessage(channel=MAIL, text="x", blocks=BLOCKS)
    await slack.person(ANA).clicks((await slack.person(ANA).sees(MAIL))[-1], "Approve")
    click = receiver.last
    assert (click["user"]["team_id"], click["team"]["id"]) == (TEAM, OTHER_TEAM)
    assert (await elsewhere.users_info(user=ANA))["user"]["is_stranger"] is True
    await slack.person(ANA).says(MAIL, f"<@{OTHER_BOT}> help")
    assert (receiver.last["team_id"], receiver.last["event"]["user_team"]) == (OTHER_TEAM, TEAM)


async def test_a_click_on_what_an_app_left_behind_leads_nowhere(
    elsewhere: AsyncWebClient, slack: SlackControl, receiver: Receiver
) -> None:
    await slack.invite_bot(POST)
    await elsewhere.chat_postMessage(channel=POST, text="x", blocks=BLOCKS)
    await slack.app.uninstall(OTHER_TEAM, told=())
    (message,) = await slack.person(ODA).sees(POST)
    assert (await slack.person(ODA).clicks(message, "Approve")).error == "app_not_installed"
    assert receiver.received == []


async def test_nothing_that_opens_slack_is_in_what_was_said(elsewhere: AsyncWebClient, slack: SlackControl) -> None:
    await slack.invite_bot(POST)
    await elsewhere.chat_postMessage(channel=POST, text="hello")
    said = await slack.everything()
    assert "hello" in said
    for installed in (await slack.app.installed()).values():
        assert not any(token in said for token in installed.tokens)


async def test_a_workspace_that_there_is_not_is_refused(slack: SlackControl) -> None:
    with pytest.raises(Impossible, match="no workspace T404"):
        await slack.person(ANA, "T404").sees(MAIL)
