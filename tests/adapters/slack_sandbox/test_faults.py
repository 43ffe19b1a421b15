from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import ANA, BEN, MAIL, SlackControl
from sandbox.slack.refusal import Impossible

Json = dict[str, Any]


async def texts(slack: SlackControl) -> list[str]:
    return [message.text for message in await slack.person(ANA).sees(MAIL)]


async def test_too_many_calls_are_told_when_to_come_again(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.fault("chat.postMessage", "ratelimited", retry_after=7)
    with pytest.raises(SlackApiError, match="ratelimited") as raised:
        await client.chat_postMessage(channel=MAIL, text="x")
    assert (raised.value.response.status_code, raised.value.response.headers["Retry-After"]) == (429, "7")
    assert await texts(slack) == []
    await client.chat_postMessage(channel=MAIL, text="y")
    assert await texts(slack) == ["y"]


@pytest.mark.parametrize(("kind", "applied"), [("drop_before", []), ("drop_after", ["x"])])
async def test_a_dropped_connection_may_have_had_its_effect(
    client: AsyncWebClient, slack: SlackControl, kind: Any, applied: list[str]
) -> None:
    await slack.fault("chat.postMessage", kind)
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=MAIL, text="x")
    assert await texts(slack) == applied
    (call,) = await slack.calls("chat.postMessage")
    assert call["fault"] == kind


async def test_a_client_that_repeats_a_lost_call_posts_twice(client: AsyncWebClient, slack: SlackControl) -> None:
    client.retry_handlers.append(AsyncConnectionErrorRetryHandler())
    await slack.fault("chat.postMessage", "drop_after")
    await client.chat_postMessage(channel=MAIL, text="x")
    assert await texts(slack) == ["x", "x"]


@pytest.mark.parametrize(("applied", "seen"), [(False, []), (True, ["x"])], ids=["before", "after"])
async def test_an_error_may_come_after_the_effect(
    client: AsyncWebClient, slack: SlackControl, applied: Any, seen: list[str]
) -> None:
    await slack.fault("chat.postMessage", "error", error="fatal_error", applied=applied)
    with pytest.raises(SlackApiError, match="fatal_error"):
        await client.chat_postMessage(channel=MAIL, text="x")
    assert await texts(slack) == seen


async def test_slack_may_be_down(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.fault("*", "status", times=2, status=503)
    for _ in range(2):
        with pytest.raises(SlackApiError) as raised:
            await client.auth_test()
        assert raised.value.response.status_code == 503
    await client.auth_test()


async def test_an_answer_may_take_its_time(
    client: AsyncWebClient, slack: SlackControl, session: aiohttp.ClientSession
) -> None:
    await slack.fault("auth.test", "latency", seconds=5)
    with pytest.raises(TimeoutError):
        await session.post(slack.api_url + "auth.test", timeout=aiohttp.ClientTimeout(total=0.05))
    await slack.fault("auth.test", "latency", seconds=0.01)
    assert (await client.auth_test())["ok"]


async def test_a_fault_may_be_for_certain_calls_only(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.fault("chat.postMessage", "error", skip=1, where={"channel": BEN})
    await client.chat_postMessage(channel=BEN, text="first")
    await client.chat_postMessage(channel=MAIL, text="elsewhere")
    with pytest.raises(SlackApiError, match="internal_error"):
        await client.chat_postMessage(channel=BEN, text="second")


async def test_faults_can_be_taken_back(client: AsyncWebClient, slack: SlackControl) -> None:
    await slack.fault("*", "error", times=100)
    await slack.no_faults()
    await client.auth_test()


async def test_an_unknown_fault_is_refused(slack: SlackControl) -> None:
    with pytest.raises(Impossible, match="There is no fault 'boredom'"):
        await slack.ask("fault", method="*", kind="boredom")
    with pytest.raises(Impossible, match="no setting"):
        await slack.settings(mood="bad")
