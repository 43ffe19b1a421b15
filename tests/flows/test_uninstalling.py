"""Removing the bot: its secrets go at once, all else after a time, whichever way and however late Slack tells it."""

import asyncio
import json
import time
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.retention import Retention
from bot.uninstalling import leave
from sandbox.slack import BOT, MAIL, ORGANISATION, POST, TEAM
from sandbox.slack.delivery.signed_http import JSON
from sandbox.slack.removal import BOTH
from storage import retention
from storage.states import OPEN_CALLS, OPEN_REQUESTS, CallState, InstallationState, RequestState
from storage.tables import NAMING, AuditEntry, Call, Connection, Installation, Request
from tests.adapters.storage.conftest import new_postgresql, new_sqlite, postgres
from tests.flows import stage
from tests.flows.breaking import rows
from tests.flows.places import ELSEWHERE, LUMEN, MERIDIAN, connects, installations, installs, moves_in, person_of
from tests.flows.stage import OTHER_KEY, Mailroom
from tests.flows.test_http import signed

__all__ = ["new_postgresql", "new_sqlite", "postgres"]

UNINSTALLED, REVOKED = BOTH


async def state_of(many: Mailroom, workspace: str = TEAM) -> InstallationState:
    return {each.workspace_id: each.state for each in await installations(many)}[workspace]


async def has_left(many: Mailroom, workspace: str = TEAM) -> None:
    async def left() -> bool:
        return await state_of(many, workspace) is InstallationState.UNINSTALLED

    await many.until(left, "an end of the installation")


async def leaves(many: Mailroom, judged: Installation) -> None:
    """What the bot does once it knows that this installation is over."""
    assert many.bot is not None
    at, grace = judged.installed_at, timedelta(days=30)
    await many.bot.database.write(partial(leave, TEAM, installed_at=at, now=many.clock(), grace=grace))


async def secrets_of(many: Mailroom, workspace: str = TEAM) -> list[Any]:
    """What is still there of keys and tokens."""
    installed = [each for each in await installations(many) if each.workspace_id == workspace]
    connected = [each for each in await rows(many, Connection) if each.workspace_id == workspace]
    tokens = [secret for each in installed for secret in (each.bot_token, each.refresh_token)]
    return [secret for secret in (*tokens, *(each.secret for each in connected)) if secret is not None]


async def count_rows(many: Mailroom, workspace: str) -> dict[str, int]:
    assert many.bot is not None

    def count(session: Any) -> dict[str, int]:
        tables = [table for table in NAMING.sorted_tables if "workspace_id" in table.c]
        found = {t.name: session.execute(t.select().where(t.c.workspace_id == workspace)).all() for t in tables}
        return {name: len(rows) for name, rows in found.items() if rows}

    return await many.bot.database.read(count)


async def pruned(many: Mailroom, **time: float) -> None:
    assert many.bot is not None
    await many.passes(**time)
    await Retention(database=many.bot.database, clock=many.clock, keep=timedelta(days=30)).prune()


@pytest.mark.parametrize("told", [BOTH, BOTH[::-1], (UNINSTALLED,), (REVOKED,)], ids=["both", "turned", "one", "other"])
async def test_its_secrets_are_erased_at_once(many: Mailroom, told: tuple[str, ...]) -> None:
    await many.slack.app.rotate_tokens()
    await moves_in(many, LUMEN)
    assert len(await secrets_of(many)) == 3
    answers = await many.slack.app.uninstall(TEAM, told)
    assert all(answer.ok for answer in answers)
    await has_left(many)
    assert await secrets_of(many) == []
    entries = [each for each in await rows(many, AuditEntry) if each.action == "uninstall"]
    assert [(each.actor, each.outcome) for each in entries] == [("mailroom", "done")]


async def test_what_was_open_ends_and_the_asker_hears_it_if_it_comes_back(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    await many.lays_down()
    await many.ben.types(MAIL, "/mail domain create new.example")
    root = await many.root(many.ben, "Waiting for approval")
    await many.at_rest()
    await many.slack.app.uninstall(TEAM)
    await has_left(many)
    (request,) = await rows(many, Request)
    assert (request.state, bool(request.reason)) == (RequestState.CANCELLED, True)
    assert await many.asked("/v1/create/domain") == []
    await many.passes(hours=1)
    await installs(many, LUMEN)
    await many.slack.invite_bot(MAIL)
    await many.reply(many.ben, root, "This ended when Mailroom was removed")
    await many.root(many.ben, "Cancelled")


async def test_what_mailapi_was_at_is_watched_no_more(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    await many.mailapi.set_speed(mailbox_seconds=60)
    await many.ben.types(MAIL, "/mail mailbox bulk example.com team 2")

    async def is_out() -> bool:
        return [each.state for each in await rows(many, Call)] == [CallState.ACCEPTED]

    await many.until(is_out, "a call that MailAPI has accepted")
    await many.slack.app.uninstall(TEAM)
    await has_left(many)
    (call,) = await rows(many, Call)
    assert (call.state, "nobody knows" in str(call.reason)) == (CallState.SET_ASIDE, True)
    asked = len(await many.mailapi.requests())
    await many.passes(hours=1)
    await many.at_rest()
    assert len(await many.mailapi.requests()) == asked


async def test_who_still_types_there_is_told_how_to_install_it_again(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    """Slack delivers what was typed before the bot was removed."""
    await leaves(many, *await installations(many))
    await many.passes(minutes=1)
    assert (await many.ben.types(MAIL, "/mail status")).ok
    await many.private(many.ben, "not installed here any more", str(many.settings.install_url))


async def test_a_form_in_flight_leaves_no_key_behind(many: Mailroom) -> None:
    """Another process was told of the removal, and this one keeps the token for up to a minute."""
    await moves_in(many, LUMEN)
    await many.ana.types(MAIL, "/mail connect")
    await many.ana.fills(**{"API key": OTHER_KEY, "Caller id": "456"})
    await leaves(many, *await installations(many))
    (said,) = (await many.ana.submits()).values()
    assert "Mailroom was removed from this workspace" in said
    assert await secrets_of(many) == []
    refused = [each.details for each in await rows(many, AuditEntry) if each.outcome == "refused"]
    assert [each["why"] for each in refused] == ["not installed"]


@pytest.mark.parametrize("late", [(UNINSTALLED,), (REVOKED,), BOTH], ids=["uninstalled", "revoked", "both"])
async def test_what_slack_tells_late_does_not_end_a_new_installation(many: Mailroom, late: tuple[str, ...]) -> None:
    await moves_in(many, LUMEN)
    await many.slack.app.uninstall(TEAM, told=tuple(each for each in BOTH if each not in late), late=late)
    await installs(many, LUMEN)
    answers = await many.slack.app.tell_late()
    assert [answer.ok for answer in answers] == [True] * len(late)
    assert await state_of(many) is InstallationState.INSTALLED
    assert (await many.ben.types(MAIL, "/mail help")).ok
    await many.private(many.ben, "Show what can be done")


@pytest.mark.parametrize("told", BOTH)
@pytest.mark.parametrize("minutes", [-3, 3], ids=["behind", "ahead"])
async def test_it_ends_though_the_bots_clock_is_not_slacks(many: Mailroom, told: str, minutes: int) -> None:
    await many.clock_ahead(minutes=minutes)
    await moves_in(many, LUMEN)
    await many.slack.app.uninstall(TEAM, (told,))
    await has_left(many)
    assert await secrets_of(many) == []


@pytest.mark.parametrize("late", BOTH)
@pytest.mark.parametrize("minutes", [-3, 3], ids=["behind", "ahead"])
async def test_a_new_installation_stays_though_the_bots_clock_is_not_slacks(
    many: Mailroom, late: str, minutes: int
) -> None:
    await many.clock_ahead(minutes=minutes)
    await moves_in(many, LUMEN)
    await many.slack.app.uninstall(TEAM, told=(), late=(late,))
    await installs(many, LUMEN)
    assert [answer.ok for answer in await many.slack.app.tell_late()] == [True]
    assert await state_of(many) is InstallationState.INSTALLED
    assert len(await secrets_of(many)) == 2


@pytest.mark.parametrize(
    ("seconds", "state"), [(-360, InstallationState.INSTALLED), (360, InstallationState.UNINSTALLED)]
)
async def test_where_the_time_says_enough_slack_is_not_asked(
    many: Mailroom, seconds: int, state: InstallationState
) -> None:
    await moves_in(many, LUMEN)
    before = len(await many.slack.calls("auth.test"))
    assert await tells(many, event_of(UNINSTALLED), at=time.time() + seconds) == 200
    assert await state_of(many) is state
    assert len(await many.slack.calls("auth.test")) == before


async def test_one_that_came_while_the_end_of_the_one_before_was_judged_stays(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    (before,) = await installations(many)
    await many.mailapi.hold_queue()
    await many.ben.types(MAIL, "/mail mailbox create john@example.com")
    await many.root(many.ben, "In progress")
    await installs(many, LUMEN)
    await leaves(many, before)
    assert await state_of(many) is InstallationState.INSTALLED
    assert len(await secrets_of(many)) == 2
    await many.mailapi.release_queue()
    await many.root(many.ben, "Done")


async def test_one_revoked_token_of_several_is_not_the_end(many: Mailroom) -> None:
    """Slack names no token, and an app whose tokens expire has two at times."""
    await moves_in(many, LUMEN)
    await many.clock_ahead(seconds=5)
    assert await tells(many, event_of(REVOKED, tokens={"oauth": [], "bot": [BOT]}), at=time.time() + 5) == 200
    assert await state_of(many) is InstallationState.INSTALLED
    assert len(await secrets_of(many)) == 2


@pytest.mark.parametrize("error", ["team_added_to_org", "org_login_required", "token_expired", "an_unknown_word"])
async def test_a_refusal_that_does_not_say_that_the_token_is_void_ends_nothing(many: Mailroom, error: str) -> None:
    await moves_in(many, LUMEN)
    before = len(await many.slack.calls("auth.test"))
    await many.slack.fault("auth.test", "error", error=error)
    assert await tells(many, event_of(REVOKED, tokens={"bot": [BOT]}), at=time.time()) == 200
    assert len(await many.slack.calls("auth.test")) == before + 1
    assert await state_of(many) is InstallationState.INSTALLED
    assert len(await secrets_of(many)) == 2


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive", "invalid_auth"])
async def test_a_refusal_that_says_that_the_token_is_void_is_the_end(many: Mailroom, error: str) -> None:
    await moves_in(many, LUMEN)
    await many.slack.fault("auth.test", "error", error=error)
    assert await tells(many, event_of(REVOKED, tokens={"bot": [BOT]}), at=time.time()) == 200
    assert await state_of(many) is InstallationState.UNINSTALLED
    assert await secrets_of(many) == []


NONSENSE: dict[str, dict[str, Any]] = {
    "no time": {"event_time": None},
    "a time in words": {"event_time": "yesterday"},
    "an endless time": {"event_time": 10**30},
    "no team": {"team_id": None},
    "another team": {"team_id": "T0UNKNOWN1"},
    "a team of another shape": {"team_id": {"id": TEAM}},
    "tokens of another shape": {"event": {"type": REVOKED, "tokens": ["bot"]}},
}


@pytest.mark.parametrize("kind", BOTH)
async def test_nonsense_about_a_removal_is_acknowledged_and_ends_nothing(many: Mailroom, kind: str) -> None:
    await moves_in(many, LUMEN)
    for name, changes in NONSENSE.items():
        event = {**event_of(REVOKED, tokens={"bot": [BOT]}), "event": {"type": kind}, **changes}
        assert (await tells(many, event), name) in ((200, name), (404, name))
        assert await state_of(many) is InstallationState.INSTALLED, name


def event_of(kind: str, **inner: Any) -> dict[str, Any]:
    event = {"type": kind, **inner}
    return {"type": "event_callback", "team_id": TEAM, "event": event, "event_id": "Ev0BYHAND1"}


async def tells(many: Mailroom, event: dict[str, Any], *, at: float = 1.0) -> int:
    """Deliver an event as Slack would sign it; gives the status of the answer."""
    body = json.dumps({"event_time": int(at), **event}).encode()
    url = f"{many.settings.mailroom_public_url}/slack/events"
    headers = signed(body, kind=JSON)
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status


async def test_an_organisation_leaves_as_a_whole(many: Mailroom) -> None:
    await moves_in(many, MERIDIAN)
    await many.slack.app.uninstall(ORGANISATION)
    await has_left(many, ORGANISATION)
    assert await secrets_of(many, ORGANISATION) == []


async def test_the_others_notice_nothing(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    _, eve = await moves_in(many, ELSEWHERE)
    await many.slack.app.uninstall(TEAM)
    await has_left(many)
    await eve.types(POST, f"/mail mailbox create one@{ELSEWHERE.domain}")
    await many.exists(f"one@{ELSEWHERE.domain}")
    await many.root(eve, "Done", channel=POST)
    assert await secrets_of(many, ELSEWHERE.id)
    assert many.bot is not None
    assert await many.bot.causes() == {}


async def test_all_of_it_goes_when_the_grace_period_is_over(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    await moves_in(many, ELSEWHERE)
    await many.ben.types(MAIL, "/mail mailbox create john@example.com")
    await many.exists("john@example.com")
    await many.at_rest()
    await many.slack.app.uninstall(TEAM)
    await has_left(many)
    await pruned(many, days=29)
    there = await count_rows(many, TEAM)
    assert there["request"] == 1
    assert there["audit_entry"] > 3
    elsewhere = await count_rows(many, ELSEWHERE.id)
    await pruned(many, days=1, seconds=1)
    assert await count_rows(many, TEAM) == {}
    assert {name: elsewhere[name] for name in ("connection", "audit_entry", "policy")}.items() <= (
        await count_rows(many, ELSEWHERE.id)
    ).items()
    await moves_in(many, LUMEN)
    await many.ben.types(MAIL, "/mail mailbox create joan@example.com")
    await many.exists("joan@example.com")


async def test_who_comes_back_in_time_finds_all_but_the_key(many: Mailroom) -> None:
    await moves_in(many, LUMEN)
    await many.ben.types(MAIL, "/mail mailbox create john@example.com")
    await many.exists("john@example.com")
    await many.at_rest()
    await many.slack.app.uninstall(TEAM)
    await has_left(many)
    await pruned(many, days=29)
    await installs(many, LUMEN)
    await many.slack.invite_bot(MAIL)
    await pruned(many, days=10)
    assert len(await rows(many, Request)) == 1
    await many.ben.types(MAIL, "/mail domain list")
    await many.private(many.ben, "Connect")
    await connects(many, LUMEN, many.ana)
    await many.ben.types(MAIL, "/mail mailbox create joan@example.com")
    await many.exists("joan@example.com")


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("batches", [0, 1, 4])
async def test_who_comes_back_later_begins_anew_however_much_was_deleted_by_then(
    request: pytest.FixtureRequest, slack_url: str, mailapi_url: str, tmp_path: Path, database: str, batches: int
) -> None:
    async with stage.outside(slack_url, mailapi_url, tmp_path, "oauth") as many:
        many.stores_in(request.getfixturevalue(f"new_{database}"))
        async with many.running() as bot:
            await moves_in(many, LUMEN)
            await many.ben.types(MAIL, "/mail mailbox create john@example.com")
            await many.exists("john@example.com")
            await many.at_rest()
            await many.slack.app.uninstall(TEAM)
            await has_left(many)
            await many.passes(days=31)
            before = await count_rows(many, TEAM)
            for _ in range(batches):  # of a deletion that goes on
                forget = partial(retention.forget_workspace, workspace_id=TEAM, now=many.clock(), most=1)
                assert not await bot.database.write(forget)
            assert sum((await count_rows(many, TEAM)).values()) == sum(before.values()) - batches
            assert (await installs(many, LUMEN)).status == 200
            there = await count_rows(many, TEAM)
            assert {"installation": 1, "audit_entry": 1, "notice": 1}.items() == there.items()
            await moves_in(many, LUMEN)
            await many.ben.types(MAIL, "/mail mailbox create joan@example.com")
            await many.root(many.ben, "Done", "joan")


async def test_a_token_that_slack_refuses_is_that_workspaces_matter(many: Mailroom) -> None:
    """No event comes, as where Slack was out of reach when it was told."""
    await moves_in(many, LUMEN)
    _, eve = await moves_in(many, ELSEWHERE)
    await many.ben.types(MAIL, "/mail mailbox create john@example.com")
    await many.slack.app.uninstall(TEAM, told=())
    await eve.types(POST, f"/mail mailbox create one@{ELSEWHERE.domain}")
    await many.root(eve, "Done", channel=POST)
    assert many.bot is not None
    assert await many.bot.causes() == {}
    assert OTHER_KEY[-4:] in (await many.direct(person_of(many, ELSEWHERE, ELSEWHERE.installer), "Connected")).visible


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_nothing_stays_open_of_what_is_asked_for_in_that_moment(
    request: pytest.FixtureRequest, slack_url: str, mailapi_url: str, tmp_path: Path, database: str
) -> None:
    async with stage.outside(slack_url, mailapi_url, tmp_path, "oauth") as many:
        many.stores_in(request.getfixturevalue(f"new_{database}"))
        async with many.running():
            _, ben = await moves_in(many, LUMEN)
            asking = [ben.types(MAIL, f"/mail mailbox create a{n}@example.com") for n in range(10)]
            leaving = asyncio.create_task(_soon(many))
            await asyncio.gather(*asking, return_exceptions=True)
            await leaving
            await has_left(many)
            await many.at_rest()
            assert not [each for each in await rows(many, Request) if each.state in OPEN_REQUESTS]
            assert not [each for each in await rows(many, Call) if each.state in OPEN_CALLS]
            assert await secrets_of(many) == []


async def _soon(many: Mailroom) -> None:
    """While the first of what was asked for is under way."""

    async def is_asked() -> bool:
        return bool(await rows(many, Request))

    await many.until(is_asked, "a request")
    await many.slack.app.uninstall(TEAM)


@pytest.mark.parametrize("mode", ["http", "socket"])
async def test_where_the_token_stands_in_the_settings_nothing_is_erased(mailroom: Mailroom) -> None:
    answers = await mailroom.slack.app.uninstall(TEAM)
    assert [answer.ok for answer in answers] == [True, True]
    assert len(await secrets_of(mailroom)) == 1


async def test_whose_token_stands_in_the_settings_later_begins_anew_too(
    slack_url: str, mailapi_url: str, tmp_path: Path
) -> None:
    async with stage.outside(slack_url, mailapi_url, tmp_path, "oauth") as many, many.running():
        await moves_in(many, LUMEN)
        await many.slack.app.uninstall(TEAM)
        await has_left(many)
    async with stage.outside(slack_url, mailapi_url, tmp_path, "http") as one:
        await one.clock_ahead(days=31)
        async with one.running():
            assert await count_rows(one, TEAM) == {}
