"""The wire: what was sent can be sent again, as it was or changed."""

from collections.abc import AsyncIterator

import pytest

from sandbox.slack import BEN, BOT, MAIL, Impossible, SlackControl
from tests.adapters.slack_sandbox.conftest import Doorway, fixture
from tests.adapters.slack_sandbox.receiving import Receiver, receiving


@fixture()
async def receiver(slack: SlackControl, doorway: Doorway) -> AsyncIterator[Receiver]:
    async with receiving(slack, doorway) as opened:
        yield opened


async def test_a_request_comes_again_byte_for_byte(slack: SlackControl, receiver: Receiver) -> None:
    receiver.answer = {"text": "Usage"}
    await slack.person(BEN).types(MAIL, "/mail help")
    await slack.person(BEN).says(MAIL, f"<@{BOT}> help")
    command, event = await slack.wire.sent()
    assert (command.kind, command.status, event.kind) == ("slash_commands", 200, "events_api")
    assert await slack.wire.sent("events_api") == [event]
    answer = await slack.wire.replay(command.number)
    assert (answer.status, answer.text) == (200, '{"text":"Usage"}')
    assert receiver.last == receiver.received[0]
    await slack.wire.replay()
    assert receiver.last == receiver.received[1]
    assert len(receiver.received) == 4
    assert len(await slack.wire.sent()) == 2  # what is sent again is not recorded anew


@pytest.mark.parametrize(
    ("age", "status"), [(0, 200), (299, 200), (301, 401), (-301, 401)], ids=["new", "younger", "older", "ahead"]
)
async def test_a_request_is_as_old_as_it_is_said_to_be(
    slack: SlackControl, receiver: Receiver, age: float, status: int
) -> None:
    await slack.person(BEN).types(MAIL, "/mail help")
    assert (await slack.wire.replay(age=age)).status == status
    assert len(receiver.received) == (2 if status == 200 else 1)


async def test_a_request_that_was_tampered_with_is_not_signed(slack: SlackControl, receiver: Receiver) -> None:
    await slack.person(BEN).types(MAIL, "/mail help")
    (command,) = await slack.wire.sent()
    assert (await slack.wire.replay(body=command.body + "&text=else")).status == 401
    assert (await slack.wire.replay(headers={"X-Slack-Signature": "v0=0"})).status == 401
    assert len(receiver.received) == 1


async def test_only_what_was_sent_is_sent_again(slack: SlackControl, receiver: Receiver) -> None:
    with pytest.raises(Impossible, match="no request -1: 0 were sent"):
        await slack.wire.replay()
    await slack.person(BEN).types(MAIL, "/mail help")
    assert len(receiver.received) == 1
    await slack.deliver_to(None)
    with pytest.raises(Impossible, match="nowhere"):
        await slack.wire.replay()
