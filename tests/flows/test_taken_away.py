"""An organisation takes the bot away from one of its workspaces: it is silent there, and works on in the others."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.slack import NED, NIA, NORTH, NORTH_MAIL, ORGANISATION, SOUTH, SOUTH_MAIL
from sandbox.slack.person import Person
from sandbox.slack.removal import ACCESS_REVOKED
from storage.states import CallState, InstallationState, NoticeState, RequestState
from storage.tables import AuditEntry, Call, Notice, Request
from tests.adapters.storage.conftest import new_postgresql, new_sqlite, postgres
from tests.flows import stage
from tests.flows.breaking import rows
from tests.flows.places import MERIDIAN, SOUTHERNER, installations, moves_in
from tests.flows.stage import Mailroom
from tests.flows.test_uninstalling import tells

__all__ = ["new_postgresql", "new_sqlite", "postgres"]


async def settles(many: Mailroom) -> Person:
    """In the whole organisation, invited in both of its workspaces; gives somebody who is in South alone."""
    await moves_in(many, MERIDIAN)
    await many.slack.invite_bot(SOUTH_MAIL)
    await many.lays_down(workspace=ORGANISATION)
    return many.slack.person(SOUTHERNER)


async def asks(many: Mailroom, person: Person, channel: str, domain: str = "new.example") -> None:
    await person.types(channel, f"/mail domain create {domain}")
    await many.root(person, domain, "Waiting for approval", channel=channel)
    await many.at_rest()


async def entries(many: Mailroom) -> list[dict[str, Any]]:
    return [each.details for each in await rows(many, AuditEntry) if each.action == "leave_teams"]


async def owed(many: Mailroom) -> list[str]:
    settled = (NoticeState.TOLD, NoticeState.DROPPED)
    return [each.kind for each in await rows(many, Notice) if each.state not in settled]


async def test_what_waited_there_is_cancelled_and_nothing_is_said_there(many: Mailroom) -> None:
    sol = await settles(many)
    await asks(many, sol, SOUTH_MAIL)
    said = [message.visible for message in await sol.sees(SOUTH_MAIL)]
    assert [answer.ok for answer in await many.slack.app.grant(ORGANISATION, NORTH, told=True)] == [True]
    (request,) = await rows(many, Request)
    assert (request.state, "taken away" in (request.reason or "")) == (RequestState.CANCELLED, True)
    await many.at_rest()
    assert await owed(many) == []
    assert [message.visible for message in await sol.sees(SOUTH_MAIL)] == said
    assert await sol.direct_messages() == []
    assert await many.asked("/v1/create/domain") == []
    assert await entries(many) == [{"teams": [SOUTH], "requests": 1}]


async def test_who_can_be_reached_elsewhere_hears_of_it_there(many: Mailroom) -> None:
    await settles(many)
    await many.slack.set_members(SOUTH_MAIL, joins=(NIA,))
    nia, elsewhere = many.slack.person(NIA, SOUTH), many.slack.person(NIA, NORTH)
    await asks(many, nia, SOUTH_MAIL)
    await many.slack.app.grant(ORGANISATION, NORTH, told=True)
    card = await many.direct(elsewhere, "new.example", "Cancelled")
    await many.reply(elsewhere, card, "took Mailroom away")


async def test_what_mailapi_is_at_is_watched_to_its_end(many: Mailroom) -> None:
    """The organisation's key is still in force, so that it is known what was made."""
    sol = await settles(many)
    await many.without_gates(ORGANISATION)
    await many.mailapi.hold_queue()
    await sol.types(SOUTH_MAIL, f"/mail mailbox create slow@{MERIDIAN.domain}")

    async def is_out() -> bool:
        return [each.state for each in await rows(many, Call)] == [CallState.ACCEPTED]

    await many.until(is_out, "a call that MailAPI has accepted")
    await many.slack.app.grant(ORGANISATION, NORTH, told=True)
    await many.mailapi.release_queue()

    async def is_done() -> bool:
        return [each.state for each in await rows(many, Request)] == [RequestState.DONE]

    await many.until(is_done, "the end of the request")
    await many.at_rest()
    assert await owed(many) == []
    assert await sol.direct_messages() == []


async def test_the_other_workspaces_notice_nothing(many: Mailroom) -> None:
    sol = await settles(many)
    ned = many.slack.person(NED)
    await asks(many, sol, SOUTH_MAIL, "south.example")
    await asks(many, ned, NORTH_MAIL, "north.example")
    await many.slack.app.grant(ORGANISATION, NORTH, told=True)
    await many.at_rest()
    await many.slack.person(MERIDIAN.installer).clicks(
        await many.root(ned, "north.example", channel=NORTH_MAIL), "Approve"
    )
    await many.root(ned, "Done", "north.example", channel=NORTH_MAIL)
    (installed,) = await installations(many)
    assert installed.state is InstallationState.INSTALLED
    assert many.bot is not None
    assert await many.bot.causes() == {}


async def test_where_it_is_given_back_it_works_and_what_is_told_late_ends_nothing(many: Mailroom) -> None:
    sol = await settles(many)
    await many.slack.app.grant(ORGANISATION, NORTH, late=True)
    await many.slack.app.grant(ORGANISATION, NORTH, SOUTH, late=True)
    await asks(many, sol, SOUTH_MAIL)
    assert [answer.ok for answer in await many.slack.app.tell_late()] == [True, True]
    (request,) = await rows(many, Request)
    assert request.state is RequestState.AWAITING_DECISION
    assert await entries(many) == []


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])
async def test_a_repeated_delivery_does_it_once(
    request: pytest.FixtureRequest, slack_url: str, mailapi_url: str, tmp_path: Path, database: str, *, at_once: bool
) -> None:
    async with stage.outside(slack_url, mailapi_url, tmp_path, "oauth") as many:
        many.stores_in(request.getfixturevalue(f"new_{database}"))
        async with many.running():
            sol = await settles(many)
            await asks(many, sol, SOUTH_MAIL)
            await many.slack.deliver_twice("events_api", at_once=at_once)
            await many.slack.app.grant(ORGANISATION, NORTH, told=True)
            await many.at_rest()
            assert await entries(many) == [{"teams": [SOUTH], "requests": 1}]
            assert [each.state for each in await rows(many, Request)] == [RequestState.CANCELLED]


NONSENSE: dict[str, dict[str, Any]] = {
    "no teams": {"team_ids": None},
    "a word": {"team_ids": SOUTH},
    "teams of another shape": {"team_ids": [{"id": SOUTH}, None, 3]},
    "none": {"team_ids": []},
}


@pytest.mark.parametrize("organisation", [ORGANISATION, "E0UNKNOWN1", None, {"id": ORGANISATION}], ids=str)
async def test_nonsense_is_acknowledged_and_ends_nothing(many: Mailroom, organisation: object) -> None:
    sol = await settles(many)
    await asks(many, sol, SOUTH_MAIL)
    await many.slack.app.grant(ORGANISATION, NORTH)
    teams = NONSENSE if organisation == ORGANISATION else {**NONSENSE, "one": {"team_ids": [SOUTH]}}
    for name, inner in teams.items():
        event = {"type": "event_callback", "enterprise_id": organisation, "event_id": f"Ev{name}"}
        status = await tells(many, {**event, "event": {"type": ACCESS_REVOKED, **inner}})
        assert (status, name) in ((200, name), (404, name))
    (request,) = await rows(many, Request)
    assert request.state is RequestState.AWAITING_DECISION
