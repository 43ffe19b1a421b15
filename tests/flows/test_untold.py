"""A removal of which nobody was told: Slack is asked, and the secrets are erased all the same."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from sandbox.slack import BOT, MAIL, OTHER_TEAM, TEAM
from sandbox.slack.removal import BOTH
from storage.encryption import generate_key
from storage.states import InstallationState
from storage.tables import AuditEntry, Connection, Installation, table_of
from tests.adapters.storage.conftest import new_postgresql, new_sqlite, postgres
from tests.flows import stage
from tests.flows.breaking import rows
from tests.flows.places import ELSEWHERE, LUMEN, MERIDIAN, Place, installs, moves_in
from tests.flows.stage import FAST, Mailroom
from tests.flows.test_uninstalling import event_of, has_left, secrets_of, state_of, tells

__all__ = ["new_postgresql", "new_sqlite", "postgres"]

UNINSTALLED, REVOKED = BOTH
LOOKING = replace(FAST, look_for_removals=timedelta(seconds=0.1))


@pytest.fixture
async def outside(slack_url: str, mailapi_url: str, tmp_path: Path) -> AsyncIterator[Mailroom]:
    """A bot that is not started, and will look often whose turn it is."""
    async with stage.outside(slack_url, mailapi_url, tmp_path, "oauth") as many:
        many.pace = LOOKING
        yield many


@pytest.fixture
async def many(outside: Mailroom) -> AsyncIterator[Mailroom]:
    """The same bot, running; nobody has installed it yet."""
    async with outside.running():
        yield outside


async def asked(many: Mailroom, times: int, place: str = TEAM) -> None:
    """Wait until Slack was asked so often in all whether the token of a place works."""

    async def was_asked() -> bool:
        return await times_asked(many, place) >= times

    await many.until(was_asked, "a question whether the token works")


async def times_asked(many: Mailroom, place: str = TEAM) -> int:
    return len([call for call in await many.slack.calls("auth.test") if call["place"] == place])


async def an_hour_on(many: Mailroom, place: str = TEAM) -> None:
    """An hour passes in which Slack is asked once."""
    before = await times_asked(many, place)
    await many.passes(hours=1)
    await asked(many, before + 1, place)
    await many.at_rest()


@pytest.mark.parametrize("place", [LUMEN, MERIDIAN], ids=["workspace", "organisation"])
async def test_it_was_removed_while_the_bot_was_down(outside: Mailroom, place: Place) -> None:
    async with outside.running():
        await moves_in(outside, place)
        await outside.at_rest()
    await outside.slack.app.uninstall(place.id, told=())
    async with outside.running():
        assert len(await secrets_of(outside, place.id)) == 2
        await outside.clock_ahead(hours=1)
        await has_left(outside, place.id)
        assert await secrets_of(outside, place.id) == []
        entries = [each for each in await rows(outside, AuditEntry) if each.action == "uninstall"]
        assert [(each.actor, each.outcome) for each in entries] == [("mailroom", "done")]


async def test_it_was_removed_while_the_bot_ran_and_the_others_stay(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    await moves_in(many, ELSEWHERE)
    await many.slack.app.uninstall(TEAM, told=())
    await an_hour_on(many, OTHER_TEAM)
    await has_left(many)
    assert await secrets_of(many) == []
    assert len(await secrets_of(many, OTHER_TEAM)) == 2


async def test_each_is_asked_about_once_an_hour(many: Mailroom) -> None:
    both = (TEAM, OTHER_TEAM)
    for each in (LUMEN, ELSEWHERE):
        await moves_in(many, each)
    before = {place: await times_asked(many, place) for place in both}
    for hours in (1, 2, 3):
        await many.passes(hours=1)
        for place in both:
            await asked(many, before[place] + hours, place)
    assert {place: await times_asked(many, place) - before[place] for place in both} == dict.fromkeys(both, 3)


@pytest.mark.parametrize("error", ["team_added_to_org", "invalid_auth", "internal_error", "an_unknown_word"])
async def test_what_slack_does_not_say_is_gone_stays(many: Mailroom, error: str) -> None:
    await moves_in(many, LUMEN)
    await many.slack.fault("auth.test", "error", error=error)
    await an_hour_on(many)
    assert await state_of(many) is InstallationState.INSTALLED
    assert len(await secrets_of(many)) == 2


async def test_a_token_that_cannot_be_read_here_is_no_removal(outside: Mailroom) -> None:
    outside.settings = outside.settings.model_copy(update={"mailroom_encryption_keys": SecretStr(generate_key())})
    async with outside.running():
        await moves_in(outside, LUMEN)
        await outside.at_rest()
    outside.settings = outside.settings.model_copy(update={"mailroom_encryption_keys": SecretStr(generate_key())})
    with capture_logs() as lines:
        async with outside.running():
            await outside.clock_ahead(hours=1)

            async def was_tried() -> bool:
                return "a stored token cannot be read" in [line["event"] for line in lines]

            await outside.until(was_tried, "an attempt to read the token")
            await outside.at_rest()
            assert await state_of(outside) is InstallationState.INSTALLED
            assert len(await secrets_of(outside)) == 2


async def test_in_an_outage_of_slack_all_wait_and_it_is_logged_once(many: Mailroom) -> None:
    for place in (LUMEN, ELSEWHERE):
        await moves_in(many, place)
    await many.slack.app.uninstall(TEAM, told=())
    await many.slack.fault("auth.test", "error", error="internal_error", times=3)
    with capture_logs() as lines:
        for _ in range(4):
            await many.passes(hours=1)
            before = len(await many.slack.calls("auth.test"))

            async def was_asked(before: int = before) -> bool:
                return len(await many.slack.calls("auth.test")) > before

            await many.until(was_asked, "a question")
        await many.clock_ahead(minutes=2)
        await has_left(many)
    assert await state_of(many, OTHER_TEAM) is InstallationState.INSTALLED
    said = [line["log_level"] for line in lines if line["event"] == "could not ask Slack whether tokens work"]
    assert (len(said), said.count("warning")) == (3, 1)


async def test_a_revoked_token_of_which_slack_could_not_be_asked_is_asked_about_a_minute_later(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    await many.slack.app.uninstall(TEAM, told=())
    await many.slack.fault("auth.test", "error", error="internal_error")
    assert await tells(many, event_of(REVOKED, tokens={"bot": [BOT]}), at=many.clock().timestamp()) == 200
    assert await state_of(many) is InstallationState.INSTALLED
    await many.clock_ahead(seconds=61)
    await has_left(many)
    assert await secrets_of(many) == []


async def test_one_that_came_back_untold_stays(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    await many.slack.app.uninstall(TEAM, told=())
    await installs(many, LUMEN)
    await an_hour_on(many)
    assert await state_of(many) is InstallationState.INSTALLED
    assert len(await secrets_of(many)) == 2


async def test_a_token_that_comes_to_its_end_is_exchanged_for_the_asking(many: Mailroom) -> None:
    await many.slack.app.rotate_tokens()
    await moves_in(many, LUMEN)
    await many.passes(hours=14)
    await many.slack.app.expire_token(TEAM)
    await asked(many, 2)
    assert [call["answer"]["ok"] for call in await many.slack.calls("oauth.v2.access")] == [True, True]
    assert await state_of(many) is InstallationState.INSTALLED


async def test_its_token_ended_before_anybody_asked(outside: Mailroom) -> None:
    await outside.slack.app.rotate_tokens()
    async with outside.running():
        await moves_in(outside, LUMEN)
        await outside.at_rest()
    await outside.slack.app.expire_token(TEAM)
    await outside.slack.app.uninstall(TEAM, told=())
    await outside.clock_ahead(hours=14)
    async with outside.running():
        await outside.clock_ahead(hours=1)
        await has_left(outside)
        assert await secrets_of(outside) == []


async def test_a_token_that_ended_and_cannot_be_exchanged_is_no_removal(outside: Mailroom) -> None:
    await outside.slack.app.rotate_tokens()
    async with outside.running():
        await moves_in(outside, LUMEN)
        await outside.at_rest()
        before = await times_asked(outside)
    await outside.slack.app.expire_token(TEAM)
    await outside.slack.fault("oauth.v2.access", "error", times=9, error="invalid_client_id")
    await outside.clock_ahead(hours=14)
    async with outside.running():
        await outside.clock_ahead(hours=1)
        await asked(outside, before + 1)
        await outside.at_rest()
        assert await state_of(outside) is InstallationState.INSTALLED
        assert len(await secrets_of(outside)) == 3


async def test_of_tokens_that_are_exchanged_one_that_was_revoked_is_no_removal(many: Mailroom) -> None:
    """Slack revokes the oldest of three: what it gave for the one that stands here may have been lost."""
    await many.slack.app.rotate_tokens()
    await moves_in(many, LUMEN)
    await many.slack.fault("auth.test", "error", error="token_revoked")
    await an_hour_on(many)
    assert await state_of(many) is InstallationState.INSTALLED
    assert len(await secrets_of(many)) == 3


async def test_what_is_said_of_a_token_that_is_being_exchanged_is_asked_again(many: Mailroom) -> None:
    await many.slack.app.rotate_tokens()
    await moves_in(many, LUMEN)
    until = many.clock() + timedelta(hours=1, seconds=20)
    assert many.bot is not None
    exchanging = table_of(Installation).update().values(refreshing_until=until)
    await many.bot.database.write(lambda session: session.execute(exchanging))
    await many.slack.app.uninstall(TEAM, told=())
    before = len(await many.slack.calls("auth.test"))
    await many.passes(hours=1)

    async def was_asked() -> bool:
        return len(await many.slack.calls("auth.test")) > before

    await many.until(was_asked, "a question about a token that is void")
    await many.at_rest()
    assert await state_of(many) is InstallationState.INSTALLED
    await many.passes(minutes=1)
    await has_left(many)
    assert await secrets_of(many) == []


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_what_is_open_ends_as_after_an_event(
    request: pytest.FixtureRequest, outside: Mailroom, database: str
) -> None:
    outside.stores_in(request.getfixturevalue(f"new_{database}"))
    async with outside.running():
        await moves_in(outside, LUMEN)
        await outside.lays_down()
        await outside.ben.types(MAIL, "/mail domain create new.example")
        await outside.root(outside.ben, "Waiting for approval")
        await outside.at_rest()
        await outside.slack.app.uninstall(TEAM, told=())
        await outside.clock_ahead(hours=1)
        await has_left(outside)
        assert [each.secret for each in await rows(outside, Connection)] == [None]
        await installs(outside, LUMEN)
        await outside.slack.invite_bot(MAIL)
        await outside.root(outside.ben, "Cancelled")


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_where_the_token_stands_in_the_settings_nobody_asks(
    slack_url: str, mailapi_url: str, tmp_path: Path, mode: str
) -> None:
    """Installations of an earlier time have rows, and tokens that this bot does not use."""
    async with AsyncExitStack() as stack:
        many = await stack.enter_async_context(stage.outside(slack_url, mailapi_url, tmp_path, "oauth"))
        async with many.running():
            await moves_in(many, LUMEN)
            await moves_in(many, ELSEWHERE)
            await many.at_rest()
        one = await stack.enter_async_context(stage.outside(slack_url, mailapi_url, tmp_path, mode))
        one.pace = LOOKING
        async with one.running():
            await one.mailapi.set_speed(mailbox_seconds=0.5)  # for as long as it takes to look several times
            await one.clock_ahead(hours=2)
            await one.ben.types(MAIL, "/mail mailbox create one@example.com")
            await one.root(one.ben, "Done")
            assert await state_of(one, OTHER_TEAM) is InstallationState.INSTALLED
            assert len(await secrets_of(one, OTHER_TEAM)) == 2
