"""Two workspaces and an organisation in one process: each sees its own, and answers go where they were asked for."""

from sandbox.slack import MAIL, NORTH_MAIL, ORGANISATION, POST, SOUTH_MAIL
from storage.tables import Request
from tests.flows.breaking import rows
from tests.flows.places import ELSEWHERE, LUMEN, MERIDIAN, SOUTHERNER, moves_in
from tests.flows.stage import Mailroom
from tests.flows.test_outages_noticed import begins


async def test_each_works_in_its_own_account_and_channel(many: Mailroom) -> None:
    for place in (LUMEN, ELSEWHERE, MERIDIAN):
        _, asker = await moves_in(many, place)
        await asker.types(place.channel, f"/mail mailbox create one@{place.domain}")
        await many.exists(f"one@{place.domain}")
        await many.root(asker, "Done", f"one@{place.domain}", channel=place.channel)
    found = {each.workspace_id: each.asked_in for each in await rows(many, Request)}
    assert found == {each.id: each.channel for each in (LUMEN, ELSEWHERE, MERIDIAN)}


async def test_one_does_not_see_what_the_other_has(many: Mailroom) -> None:
    _, ben = await moves_in(many, LUMEN)
    _, eve = await moves_in(many, ELSEWHERE)
    await ben.types(MAIL, "/mail mailbox create secret@example.com")
    await many.root(ben, "Done")
    await eve.types(POST, "/mail tasks")
    told = await many.private(eve, channel=POST)
    assert "secret" not in told.visible
    await eve.types(POST, "/mail domain list")
    told = await many.private(eve, ELSEWHERE.domain, channel=POST)
    assert "example.com" not in told.visible.replace(ELSEWHERE.domain, "")


async def test_a_click_on_a_request_of_another_workspace_does_nothing(many: Mailroom) -> None:
    """They share a channel, in which one workspace's card stands."""
    _, ben = await moves_in(many, LUMEN)
    oda, _ = await moves_in(many, ELSEWHERE)
    await many.lays_down()
    await ben.types(MAIL, "/mail domain create new.example")
    root = await many.root(ben, "Waiting for approval")
    await oda.clicks(root, "Approve")
    await many.at_rest()
    assert await many.asked("/v1/create/domain") == []
    await many.root(ben, "Waiting for approval")


async def test_an_organisation_asks_in_one_team_and_is_answered_there(many: Mailroom) -> None:
    _, ned = await moves_in(many, MERIDIAN)
    await many.slack.invite_bot(SOUTH_MAIL)
    sol = many.slack.person(SOUTHERNER)
    await ned.types(NORTH_MAIL, f"/mail mailbox create north@{MERIDIAN.domain}")
    await sol.types(SOUTH_MAIL, f"/mail mailbox create south@{MERIDIAN.domain}")
    await many.root(ned, "Done", "north@", channel=NORTH_MAIL)
    await many.root(sol, "Done", "south@", channel=SOUTH_MAIL)
    found = {(each.workspace_id, each.asker, each.team_id) for each in await rows(many, Request)}
    assert found == {(ORGANISATION, ned.id, "T0NORTH001"), (ORGANISATION, sol.id, "T0SOUTH001")}


async def test_the_admins_of_an_organisation_are_its_own_and_not_those_of_a_team(many: Mailroom) -> None:
    nia, _ = await moves_in(many, MERIDIAN)
    await many.slack.invite_bot(SOUTH_MAIL)
    sol = many.slack.person(SOUTHERNER)  # an admin of the team South
    await sol.types(SOUTH_MAIL, "/mail connect")
    await many.private(sol, "admin", channel=SOUTH_MAIL)
    await nia.types(NORTH_MAIL, "/mail connect")
    await many.form(nia)


async def test_approvers_of_an_organisation_are_found_in_all_its_teams(many: Mailroom) -> None:
    await moves_in(many, MERIDIAN)
    await many.slack.invite_bot(SOUTH_MAIL)
    await many.lays_down(workspace=ORGANISATION, groups=("S0NORTHERN",), admins=False, connector=False)
    sol, ned = many.slack.person(SOUTHERNER), many.slack.person(MERIDIAN.asker)
    await sol.types(SOUTH_MAIL, "/mail domain create new.example")
    card = await many.direct(ned, "new.example")
    await ned.clicks(card, "Approve")
    await many.root(sol, "Done", "new.example", channel=SOUTH_MAIL)


async def test_while_slack_refuses_ones_token_the_other_goes_on_and_what_is_owed_waits(many: Mailroom) -> None:
    _, ben = await moves_in(many, LUMEN)
    _, eve = await moves_in(many, ELSEWHERE)
    await ben.types(MAIL, "/mail status")  # who he is, is known for a minute then
    await many.slack.fault("*", "error", error="invalid_auth", times=1_000, place=LUMEN.id)
    for number in range(5):
        await ben.types(MAIL, f"/mail mailbox create a{number}@example.com")
    await many.exists(*(f"a{number}@example.com" for number in range(5)))
    await eve.types(POST, f"/mail mailbox create one@{ELSEWHERE.domain}")
    await many.root(eve, "Done", channel=POST)
    assert many.bot is not None
    assert await many.bot.causes() == {}
    assert await many.roots(ben) == []
    await many.slack.no_faults()
    for _ in range(3):
        await many.clock_ahead(seconds=25)
        await many.at_rest()
    for number in range(5):
        await many.root(ben, "Done", f"a{number}@example.com")


async def test_an_outage_of_slack_is_noticed_and_ends(many: Mailroom) -> None:
    _, ben = await moves_in(many, LUMEN)
    await ben.types(MAIL, "/mail status")
    await many.slack.fault("*", "status", times=1_000, status=500)
    for number in range(3):
        await ben.types(MAIL, f"/mail mailbox create a{number}@example.com")
    await begins(many, "slack")
    await many.slack.no_faults()
    assert many.bot is not None

    async def has_ended() -> bool:
        await many.clock_ahead(seconds=1)
        return await many.bot.causes() == {}  # type: ignore[union-attr]

    await many.until(has_ended, "the end of the outage")
