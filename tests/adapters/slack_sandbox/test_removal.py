"""What the app hears when it is removed, and in which order."""

from collections.abc import AsyncIterator

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import (
    BOT,
    CLIENT_ID,
    CLIENT_SECRET,
    NIA,
    NORTH,
    ORGANISATION,
    ORGANISATION_BOT,
    OTHER_TEAM,
    SOUTH,
    TEAM,
    SlackControl,
)
from tests.adapters.slack_sandbox.conftest import Doorway, fixture
from tests.adapters.slack_sandbox.installing import installable
from tests.adapters.slack_sandbox.receiving import Receiver, receiving


@fixture()
async def receiver(slack: SlackControl, doorway: Doorway) -> AsyncIterator[Receiver]:
    async with receiving(slack, doorway) as opened:
        yield opened


def told(receiver: Receiver) -> list[str]:
    return [each["event"]["type"] for each in receiver.received]


async def test_both_events_come_in_the_order_that_is_asked_for(slack: SlackControl, receiver: Receiver) -> None:
    answers = await slack.app.uninstall(TEAM, told=("tokens_revoked", "app_uninstalled"))
    assert [answer.ok for answer in answers] == [True, True]
    assert told(receiver) == ["tokens_revoked", "app_uninstalled"]
    assert receiver.received[0]["event"]["tokens"] == {"oauth": [], "bot": [BOT]}
    assert [each["team_id"] for each in receiver.received] == [TEAM, TEAM]
    assert "authorizations" not in receiver.last


async def test_an_event_that_was_kept_comes_after_the_next_installation_with_its_old_time(
    slack: SlackControl, receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    await slack.app.uninstall(TEAM, told=("app_uninstalled",), late=("tokens_revoked",))
    assert told(receiver) == ["app_uninstalled"]
    await slack.advance_clock(3600)
    async with installable(slack) as app:
        await app.installed(session, NIA, NORTH)
    assert [answer.ok for answer in await slack.app.tell_late()] == [True]
    assert told(receiver) == ["app_uninstalled", "tokens_revoked"]
    first, second = receiver.received
    assert abs(second["event_time"] - first["event_time"]) <= 1
    assert await slack.app.tell_late() == []


async def test_the_removal_from_an_organisation_names_it(
    slack: SlackControl, receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    async with installable(slack) as app:
        await app.installed(session, NIA, ORGANISATION)
    await slack.app.uninstall(ORGANISATION)
    assert told(receiver) == ["app_uninstalled", "tokens_revoked"]
    assert [(each["team_id"], each["enterprise_id"]) for each in receiver.received] == [(ORGANISATION,) * 2] * 2
    assert receiver.last["event"]["tokens"]["bot"] == [ORGANISATION_BOT]


async def test_an_app_that_goes_by_itself_hears_of_it_too(
    slack: SlackControl, receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    async with installable(slack) as app:
        token = (await app.installed(session, "U0ODA00001", OTHER_TEAM))["access_token"]
    client = AsyncWebClient(token=token, base_url=slack.api_url, session=session, retry_handlers=[])
    await client.apps_uninstall(client_id=CLIENT_ID, client_secret=CLIENT_SECRET)

    async def both_came() -> bool:
        return told(receiver) == ["app_uninstalled", "tokens_revoked"]

    await slack.until(both_came, what="both events")


async def test_an_organisation_that_takes_it_away_from_a_team_says_from_which(
    slack: SlackControl, receiver: Receiver, session: aiohttp.ClientSession
) -> None:
    async with installable(slack) as app:
        await app.installed(session, NIA, ORGANISATION)
    await slack.app.grant(ORGANISATION, NORTH, told=True)
    assert (receiver.last["team_id"], receiver.last["enterprise_id"]) == (None, ORGANISATION)
    assert receiver.last["event"].items() >= {"type": "team_access_revoked", "team_ids": [SOUTH]}.items()
    await slack.app.grant(ORGANISATION, SOUTH, late=True)
    assert told(receiver) == ["team_access_revoked"]
    assert [answer.ok for answer in await slack.app.tell_late()] == [True, True]
    assert told(receiver) == ["team_access_revoked", "team_access_granted", "team_access_revoked"]
    assert [each["event"]["team_ids"] for each in receiver.received] == [[SOUTH], [SOUTH], [NORTH]]
