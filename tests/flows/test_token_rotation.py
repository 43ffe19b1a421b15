"""Tokens that expire: exchanged in time, once, whoever needs one, and without anybody's noticing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bot import signing_on
from bot.app import vault_for
from bot.outages import Outages
from bot.slacks import Ended, Slacks
from sandbox.slack import BOT, MAIL, TEAM
from storage.database import Database
from storage.tables import NAMING
from tests.adapters.storage.conftest import new_postgresql, new_sqlite, postgres
from tests.flows import stage
from tests.flows.deciding import thread_of
from tests.flows.places import LUMEN, installations, installs, moves_in
from tests.flows.stage import Mailroom

__all__ = ["new_postgresql", "new_sqlite", "postgres"]


@pytest.fixture
async def rotating(many: Mailroom) -> Mailroom:
    """Installed and connected, with a token that ends after twelve hours."""
    await many.slack.app.rotate_tokens()
    await moves_in(many, LUMEN)
    return many


async def exchanges(many: Mailroom) -> int:
    """How often a refresh token was handed in."""
    calls = [call["arguments"] for call in await many.slack.calls("oauth.v2.access")]
    return len([call for call in calls if call.get("grant_type") == "refresh_token"])


async def creates(many: Mailroom, name: str) -> None:
    assert (await many.ben.types(MAIL, f"/mail mailbox create {name}@example.com")).ok
    await many.root(many.ben, "Done", name)


async def test_a_token_is_exchanged_before_its_end(rotating: Mailroom) -> None:
    await creates(rotating, "one")
    assert await exchanges(rotating) == 0
    (before,) = await installations(rotating)
    await rotating.passes(hours=11, minutes=31)
    await creates(rotating, "two")
    await rotating.until(lambda: exchanged(rotating, 1), "an exchange")
    await creates(rotating, "three")
    assert await exchanges(rotating) == 1
    (after,) = await installations(rotating)
    assert after.bot_token != before.bot_token
    assert after.expires_at is not None
    assert after.expires_at > rotating.clock() + timedelta(hours=11)


async def exchanged(many: Mailroom, times: int) -> bool:
    return await exchanges(many) == times


async def test_one_that_is_over_is_exchanged_while_somebody_waits(rotating: Mailroom) -> None:
    """Nobody used the bot over night."""
    for night in (1, 2):
        await rotating.passes(hours=14)
        await rotating.slack.app.expire_token(TEAM)
        await creates(rotating, f"night{night}")
        assert await exchanges(rotating) == night


async def test_work_without_anybody_in_slack_gets_a_new_one_too(rotating: Mailroom) -> None:
    await rotating.mailapi.set_speed(mailbox_seconds=1)
    await rotating.ben.types(MAIL, "/mail mailbox create slow@example.com")
    await rotating.root(rotating.ben, "slow")
    await rotating.slack.app.expire_token(TEAM)
    await rotating.passes(hours=13)
    await rotating.exists("slow@example.com")
    await rotating.passes(hours=1)  # after so long MailAPI is asked but now and then
    await rotating.completed(rotating.ben)
    assert await exchanges(rotating) == 1


async def test_a_bot_that_starts_after_its_end_tells_what_it_owes_without_anybody_in_slack(
    slack_url: str, mailapi_url: str, tmp_path: Path
) -> None:
    async with stage.outside(slack_url, mailapi_url, tmp_path, "oauth") as many:
        await many.slack.app.rotate_tokens()
        async with many.running():
            await moves_in(many, LUMEN)
            await many.mailapi.hold_queue()
            await many.ben.types(MAIL, "/mail mailbox create slow@example.com")
            await many.root(many.ben, "slow")
            await many.at_rest()
        await many.mailapi.release_queue()
        await many.exists("slow@example.com")
        await many.slack.app.expire_token(TEAM)
        await many.clock_ahead(hours=13)
        delivered = len(await many.slack.envelopes())
        async with many.running():
            await many.completed(many.ben)
            assert await exchanges(many) == 1
            assert len(await many.slack.envelopes()) == delivered


async def test_while_nothing_can_be_exchanged_what_is_owed_waits_and_is_told_later(rotating: Mailroom) -> None:
    await rotating.mailapi.hold_queue()
    await rotating.ben.types(MAIL, "/mail mailbox create slow@example.com")
    root = await rotating.root(rotating.ben, "slow")
    await rotating.slack.fault("oauth.v2.access", "error", error="internal_error", times=1)
    await rotating.slack.app.expire_token(TEAM)
    await rotating.passes(hours=14)
    await rotating.mailapi.release_queue()
    await rotating.exists("slow@example.com")
    await rotating.passes(seconds=30)
    await rotating.until(lambda: exchanged(rotating, 1), "an exchange in vain")
    assert not any("created" in said for said in await thread_of(rotating, root))
    for _ in range(3):
        await rotating.clock_ahead(seconds=20)
        await rotating.at_rest()
    await rotating.completed(rotating.ben)
    assert await exchanges(rotating) == 2


async def test_while_slack_does_not_exchange_it_the_old_one_is_used(rotating: Mailroom) -> None:
    await rotating.passes(hours=11, minutes=40)
    await rotating.slack.fault("oauth.v2.access", "error", error="invalid_client_id")
    await creates(rotating, "one")
    await creates(rotating, "two")
    assert await exchanges(rotating) == 1
    await rotating.passes(minutes=6)
    await creates(rotating, "three")
    await rotating.until(lambda: exchanged(rotating, 2), "another exchange")


async def test_an_exchange_whose_answer_is_lost_is_done_again(rotating: Mailroom) -> None:
    """Slack takes a spent refresh token again for a short while."""
    await rotating.slack.settings(refresh_grace_seconds=60)
    await rotating.passes(hours=14)
    await rotating.slack.app.expire_token(TEAM)
    await rotating.slack.fault("oauth.v2.access", "error", error="internal_error", applied=True)
    await rotating.ben.types(MAIL, "/mail help")
    await rotating.passes(seconds=6)
    await creates(rotating, "one")
    assert await exchanges(rotating) == 2


async def test_where_slack_asks_for_a_pause_it_has_it(rotating: Mailroom) -> None:
    await rotating.passes(hours=11, minutes=40)
    await rotating.slack.fault("oauth.v2.access", "ratelimited", retry_after=60)
    await creates(rotating, "one")
    await rotating.until(lambda: exchanged(rotating, 1), "an exchange in vain")
    await rotating.passes(seconds=40)
    await creates(rotating, "two")
    assert await exchanges(rotating) == 1
    await rotating.passes(seconds=21)
    await creates(rotating, "three")
    await rotating.until(lambda: exchanged(rotating, 2), "an exchange")


async def test_who_types_while_slack_does_not_exchange_it_is_told_in_time(rotating: Mailroom) -> None:
    await rotating.passes(hours=14)
    await rotating.slack.app.expire_token(TEAM)
    await rotating.slack.fault("oauth.v2.access", "latency", seconds=4, times=2)
    answers = [await rotating.ben.types(MAIL, "/mail status") for _ in range(2)]
    assert [answer.ok for answer in answers] == [True, True]
    assert max(answer.seconds for answer in answers) < 3
    await rotating.private(rotating.ben, "ry again")
    await rotating.until(lambda: exchanged(rotating, 1), "an exchange")
    await rotating.passes(seconds=1)
    await creates(rotating, "one")
    assert await exchanges(rotating) == 1


async def test_who_does_not_come_back_from_an_exchange_holds_nobody_up(rotating: Mailroom) -> None:
    """A process died between Slack's answer and the row."""
    assert rotating.bot is not None
    await rotating.passes(hours=14)
    await rotating.slack.app.expire_token(TEAM)
    until = rotating.clock() + timedelta(seconds=30)
    table = NAMING.tables["installation"]
    await rotating.bot.database.write(lambda session: session.execute(table.update().values(refreshing_until=until)))
    await rotating.clock_ahead(seconds=31)
    await creates(rotating, "one")


@pytest.fixture(params=["sqlite", "postgresql"])
async def processes(
    request: pytest.FixtureRequest, slack_url: str, mailapi_url: str, tmp_path: Path
) -> AsyncIterator[tuple[Mailroom, Slacks, Slacks]]:
    """Two processes' worth of tokens beside a running bot, on one database."""
    url = request.getfixturevalue(f"new_{request.param}")
    async with AsyncExitStack() as stack:
        many = await stack.enter_async_context(stage.outside(slack_url, mailapi_url, tmp_path, "oauth"))
        many.stores_in(url)
        await stack.enter_async_context(many.running())
        yield many, await _slacks(stack, many), await _slacks(stack, many)


async def _slacks(stack: AsyncExitStack, many: Mailroom) -> Slacks:
    database = Database.open(many.settings.database_url)
    stack.callback(database.close)
    opening = signing_on.slacks(many.settings, database, vault_for(many.settings), Outages(many.clock), many.clock)
    return await stack.enter_async_context(opening)


async def test_two_processes_exchange_one_token_once(processes: tuple[Mailroom, Slacks, Slacks]) -> None:
    many, *both = processes
    await many.slack.app.rotate_tokens()
    await installs(many, LUMEN)
    await many.direct(many.ana, "Mailroom is installed")
    for times in (1, 2):
        await many.clock_ahead(hours=14)
        await many.slack.app.expire_token(TEAM)
        found = await asyncio.gather(*(slacks.of(TEAM) for slacks in both * 5))
        identities = await asyncio.gather(*(slack.identity() for slack in found))
        assert {each["user_id"] for each in identities} == {BOT}
        assert await exchanges(many) == times


async def test_where_nobody_gets_a_token_all_are_told_so(processes: tuple[Mailroom, Slacks, Slacks]) -> None:
    many, *both = processes
    await many.slack.app.rotate_tokens()
    await installs(many, LUMEN)
    await many.direct(many.ana, "Mailroom is installed")
    await many.clock_ahead(hours=14)
    await many.slack.app.expire_token(TEAM)
    await many.slack.fault("oauth.v2.access", "error", error="invalid_refresh_token")
    found = await asyncio.gather(*(slacks.of(TEAM) for slacks in both), return_exceptions=True)
    assert [type(each) for each in found] == [Ended, Ended]
    assert await exchanges(many) == 1
