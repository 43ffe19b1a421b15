"""Rights that are lost after they were checked, and before anything is written by them, are rights no more."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from sqlmodel import Session, col, select

from bot import access
from bot.access import Actor
from bot.policy import Policy
from sandbox.slack import ANA, BEN, MAIL, TEAM, Person
from storage import connections, moves, policies
from storage.engines import engine_for, writing
from storage.states import ConnectionState
from storage.tables import Connection
from tests.adapters.storage.conftest import new_postgresql, postgres
from tests.flows.breaking import rows
from tests.flows.deciding import CAT, audited, joins, refused
from tests.flows.policies import APPROVERS, GATES, THRESHOLD, changes, cleo_of, versions
from tests.flows.stage import CALLER_ID, KEY, OTHER_KEY, Mailroom
from tests.flows.test_lost_answers import lose, question

__all__ = ["new_postgresql", "postgres"]

LATE = timedelta(minutes=2)
"""Longer than what Slack said of somebody is kept."""


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def unconnected(request: pytest.FixtureRequest, outside: Mailroom) -> Any:
    """The running bot on each kind of database, to which nobody has given a key, and a second account at MailAPI."""
    if request.param == "postgresql":
        outside.stores_in(request.getfixturevalue("new_postgresql"))
    await outside.mailapi.add_account(OTHER_KEY, CALLER_ID)
    async with outside.running():
        yield outside


async def submits_late(mailroom: Mailroom, person: Person, key: str = OTHER_KEY) -> None:
    """Somebody submits a key whose check ends only when `comes_to_its_end`: MailAPI does not answer at first."""
    assert mailroom.bot is not None
    await mailroom.mailapi.fault("list_domain", "status", times=None, status=503)
    await mailroom.connect(person, key)
    await mailroom.until(partial(mailroom.bot.database.write, partial(_held_up, mailroom)), "a check that is put off")
    await mailroom.mailapi.clear_faults()


def _held_up(mailroom: Mailroom, session: Session) -> bool:
    put_off = select(Connection).where(Connection.state == ConnectionState.CHECKING, Connection.attempts > 0)
    found = session.exec(put_off.where(col(Connection.leased_until).is_(None))).first()
    return found is not None and moves.put_off(session, found, mailroom.clock() + LATE)


async def comes_to_its_end(mailroom: Mailroom) -> None:
    await mailroom.passes(seconds=LATE.total_seconds())
    await mailroom.at_rest()


async def in_force(mailroom: Mailroom) -> list[tuple[str, str]]:
    """Who connected the key in force, and its last four characters."""
    return [
        (each.connected_by, each.last_four)
        for each in await rows(mailroom, Connection)
        if each.state is ConnectionState.IN_FORCE
    ]


async def erased(mailroom: Mailroom, key: str = OTHER_KEY) -> bool:
    """Whether a key was refused, and nothing is left of it."""
    (found,) = [each for each in await rows(mailroom, Connection) if each.last_four == key[-4:]]
    return (found.state, found.secret) == (ConnectionState.REFUSED, None)


# While a key is checked.


async def test_a_members_first_key_does_not_replace_the_one_that_an_admin_connected_while_it_was_checked(
    unconnected: Mailroom,
) -> None:
    ben = unconnected.ben
    await submits_late(unconnected, ben)
    await unconnected.connected(unconnected.ana)
    await comes_to_its_end(unconnected)
    assert await in_force(unconnected) == [(ANA, KEY[-4:])]
    assert await erased(unconnected)
    said = (f"ending `{KEY[-4:]}` was in force", f"<@{ANA}> connected", f"Ask <@{ANA}>, or an admin")
    told = await unconnected.direct(ben, f"ending `{OTHER_KEY[-4:]}` was not connected", *said)
    assert "Only admins, owners and whoever connected the key in force" in told.visible
    assert "to try again" not in told.visible
    assert (await unconnected.form(ben, "was not connected", *said)).inputs == []
    assert await refused(unconnected) == [(BEN, "connect", "not an admin")]
    assert len(await ben.direct_messages()) == 1
    assert f"ending `{KEY[-4:]}`" in (await ben.types(MAIL, "/mail status")).text


async def test_of_two_members_who_connect_the_first_key_the_one_whose_check_ends_first_has_it(
    unconnected: Mailroom,
) -> None:
    cat = await joins(unconnected)
    await submits_late(unconnected, unconnected.ben)
    await unconnected.connected(cat)
    await comes_to_its_end(unconnected)
    assert await in_force(unconnected) == [(CAT, KEY[-4:])]
    await unconnected.direct(unconnected.ben, "was not connected", f"Ask <@{CAT}>, or an admin")


async def test_who_connected_the_key_before_the_one_in_force_cannot_replace_it(unconnected: Mailroom) -> None:
    third = "Z9y8X7w6V5u4T3s2R1q0P9o8N7m6L5k4"
    await unconnected.mailapi.add_account(third, CALLER_ID)
    await unconnected.connected(unconnected.ben, third)
    await unconnected.ben.closes()
    await submits_late(unconnected, unconnected.ben)
    await unconnected.connected(unconnected.ana)
    await comes_to_its_end(unconnected)
    assert await in_force(unconnected) == [(ANA, KEY[-4:])]
    assert await erased(unconnected)


@pytest.mark.parametrize("earlier", [BEN, ANA], ids=["of a member", "his own"])
async def test_an_admins_key_replaces_the_one_that_came_in_force_while_it_was_checked(
    unconnected: Mailroom, earlier: str
) -> None:
    await submits_late(unconnected, unconnected.ana)
    await unconnected.ana.closes()
    await unconnected.connected(unconnected.slack.person(earlier))
    await comes_to_its_end(unconnected)
    await unconnected.direct(unconnected.ana, "Connected", OTHER_KEY[-4:])
    assert await in_force(unconnected) == [(ANA, OTHER_KEY[-4:])]


async def test_a_members_second_key_replaces_his_first_that_came_in_force_while_it_was_checked(
    unconnected: Mailroom,
) -> None:
    await submits_late(unconnected, unconnected.ben)
    await unconnected.ben.closes()
    await unconnected.connected(unconnected.ben)
    await comes_to_its_end(unconnected)
    await unconnected.direct(unconnected.ben, "Connected", OTHER_KEY[-4:])
    assert await in_force(unconnected) == [(BEN, OTHER_KEY[-4:])]


async def test_where_the_key_was_given_up_meanwhile_a_members_is_a_first_one_and_the_admins_are_told(
    unconnected: Mailroom,
) -> None:
    await unconnected.connected(unconnected.ben)
    await unconnected.ben.closes()
    await submits_late(unconnected, unconnected.ben)
    await unconnected.ana.types(MAIL, "/mail disconnect")
    await unconnected.ana.submits()
    await unconnected.form(unconnected.ana, "no longer used")
    await comes_to_its_end(unconnected)
    assert await in_force(unconnected) == [(BEN, OTHER_KEY[-4:])]
    await unconnected.direct(unconnected.ana, f"<@{BEN}> connected Mailroom", f"`{OTHER_KEY[-4:]}`")


@pytest.mark.parametrize(
    ("loss", "said", "why"),
    [
        ({"is_admin": False}, f"Ask <@{ANA}>, or an admin", "not an admin"),
        ({"is_admin": False, "is_restricted": True}, "Guests and people of other organisations", "a guest"),
    ],
    ids=["an admin no more", "a guest"],
)
async def test_a_role_that_was_lost_while_a_key_was_checked_does_not_count(
    unconnected: Mailroom, loss: dict[str, bool], said: str, why: str
) -> None:
    await unconnected.connected(unconnected.ana)
    await unconnected.slack.set_user(BEN, is_admin=True)
    await submits_late(unconnected, unconnected.ben)
    await unconnected.slack.set_user(BEN, **loss)
    await comes_to_its_end(unconnected)
    await unconnected.form(unconnected.ben, "was not connected", said)  # a guest gets no direct messages
    assert await in_force(unconnected) == [(ANA, KEY[-4:])]
    assert await refused(unconnected) == [(BEN, "connect", why)]


async def test_where_slack_does_not_say_who_somebody_is_his_key_waits(unconnected: Mailroom) -> None:
    await submits_late(unconnected, unconnected.ana)
    await unconnected.slack.fault("users.info", "error")
    await comes_to_its_end(unconnected)
    assert await in_force(unconnected) == []
    await unconnected.passes(seconds=4)
    await unconnected.direct(unconnected.ana, "Connected", OTHER_KEY[-4:])


async def test_where_slack_does_not_say_so_for_long_the_key_is_refused_and_he_is_told(unconnected: Mailroom) -> None:
    await submits_late(unconnected, unconnected.ana)
    await unconnected.slack.fault("users.info", "error", times=1_000)
    await comes_to_its_end(unconnected)
    for _ in range(3):
        await unconnected.passes(seconds=4)
    await unconnected.slack.no_faults()
    await unconnected.passes(seconds=60)
    await unconnected.direct(unconnected.ana, "Slack did not say who you are", "Type `/mail connect` to try again")
    assert await erased(unconnected)


# Between a question and its answer.


async def test_a_question_about_a_key_that_was_replaced_does_not_give_up_the_new_one(unconnected: Mailroom) -> None:
    ana, cleo = unconnected.ana, await cleo_of(unconnected)
    await unconnected.connected(ana)
    await ana.types(MAIL, "/mail disconnect")
    await unconnected.form(ana, f"ending `{KEY[-4:]}` will no longer be used")
    await unconnected.connected(cleo, OTHER_KEY)
    await ana.submits()
    await unconnected.form(ana, "Somebody replaced the key meanwhile, so nothing was given up")
    assert await in_force(unconnected) == [(cleo.id, OTHER_KEY[-4:])]
    assert await refused(unconnected) == [(ANA, "disconnect", "another key")]
    await ana.closes()
    await ana.types(MAIL, "/mail disconnect")
    await ana.submits()
    await unconnected.form(ana, f"ending `{OTHER_KEY[-4:]}` is no longer used")


async def test_a_question_of_another_version_of_the_bot_gives_up_nothing(unconnected: Mailroom) -> None:
    await unconnected.connected(unconnected.ana)
    await unconnected.ana.types(MAIL, "/mail disconnect")
    view = await unconnected.form(unconnected.ana)
    await unconnected.ana.submits()
    await unconnected.form(unconnected.ana, "no longer used")
    await unconnected.ana.closes()
    submission = (await unconnected.slack.envelopes("interactive"))[-1]["payload"]
    await unconnected.connected(unconnected.ana, OTHER_KEY)
    for number, metadata in enumerate(("", "{}", "-1", "x" * 3_000)):
        older = {**view.raw, "private_metadata": metadata, "hash": f"1.{number}"}
        answer = await unconnected.slack.request({**submission, "view": older}, "interactive")
        assert "no such form any more" in str(answer.payload), metadata
    assert await refused(unconnected) == [(ANA, "disconnect", "unreadable")] * 4
    assert await in_force(unconnected) == [(ANA, OTHER_KEY[-4:])]


# Between the check and the transaction that writes.


def once_checked(
    monkeypatch: pytest.MonkeyPatch,
    mailroom: Mailroom,
    rule: str,
    person: Person,
    change: Callable[[Mailroom, Session], None],
) -> None:
    """Let another process `change` rows once, right after a rule was asked about somebody."""
    asked, changes_left = getattr(access, rule), [change]

    def and_then_changes(*values: Any, **others: Any) -> bool:
        found: bool = asked(*values, **others)
        about = [value.id for value in values if isinstance(value, Actor)]
        if changes_left and about == [person.id]:
            committed(mailroom, changes_left.pop())
        return found

    monkeypatch.setattr(access, rule, and_then_changes)


def committed(mailroom: Mailroom, change: Callable[[Mailroom, Session], None]) -> None:
    engine = engine_for(mailroom.settings.database_url)
    with Session(writing(engine)) as session, session.begin():
        change(mailroom, session)
    engine.dispose()


def ana_replaces_the_key(mailroom: Mailroom, session: Session) -> None:
    new = Connection(
        workspace_id=TEAM,
        secret="sealed",
        caller_id=CALLER_ID,
        last_four="4Ana",
        connected_by=ANA,
        deduplication_key="another process",
        created_at=mailroom.clock(),
    )
    connections.add(session, new)
    assert connections.put_in_force(session, new, now=mailroom.clock(), domain_count=1)


def ana_lays_down(mailroom: Mailroom, session: Session, **rules: Any) -> None:
    before = policies.current(session, TEAM)
    assert before is not None
    after, now = before.version, mailroom.clock()
    stored = Policy.read(before.rules).with_values(rules).stored()
    changed = policies.change(session, TEAM, stored, after=after, by=ANA, key=f"after {after}", now=now)
    assert changed is not None
    assert changed.version == after + 1


async def test_whose_key_is_replaced_in_that_moment_does_not_give_up_the_new_one(
    unconnected: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = unconnected.ben
    await unconnected.connected(ben)
    await ben.closes()
    await ben.types(MAIL, "/mail disconnect")
    await unconnected.form(ben)
    once_checked(monkeypatch, unconnected, "may_connect", ben, ana_replaces_the_key)
    await ben.submits()
    await unconnected.form(ben, "Somebody replaced the key meanwhile, so nothing was given up")
    assert await in_force(unconnected) == [(ANA, "4Ana")]
    assert await refused(unconnected) == [(BEN, "disconnect", "another key")]


async def test_whose_key_is_replaced_in_that_moment_does_not_change_the_policy(
    unconnected: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = unconnected.ben
    await unconnected.connected(ben)
    await ben.closes()
    assert await changes(unconnected, ben, GATES, **{THRESHOLD: "12"}) == {}
    await ben.closes()
    await unconnected.ben.types(MAIL, "/mail policy")
    await ben.clicks(await unconnected.private(ben, "What needs what"), APPROVERS)
    await unconnected.form(ben)
    await ben.fills(People=[BEN])
    once_checked(monkeypatch, unconnected, "may_edit_policy", ben, ana_replaces_the_key)
    assert await ben.submits() == {}
    await unconnected.form(ben, "Only admins, owners and whoever connected the key in force can change the policy")
    assert [each["people"] for each in await versions(unconnected)] == [[]]
    assert await refused(unconnected) == [(BEN, "policy", "not an admin")]


@pytest.mark.parametrize("left", [(), (CAT,)], ids=["an approver no more", "still an approver"])
async def test_whom_the_policy_names_no_more_in_that_moment_does_not_say_how_a_call_goes_on(
    unconnected: Mailroom, monkeypatch: pytest.MonkeyPatch, left: tuple[str, ...]
) -> None:
    await unconnected.connected(unconnected.ana)
    cat = await joins(unconnected)
    await unconnected.without_gates()
    committed(unconnected, partial(ana_lays_down, people=(CAT,)))
    await lose(unconnected, "create_mailbox_single")
    asked = await question(unconnected)
    once_checked(monkeypatch, unconnected, "may_approve", cat, partial(ana_lays_down, people=left, needed=2))
    await cat.clicks(asked, "Send Again")
    if left:
        await unconnected.completed(unconnected.ben)
        assert (CAT, "send_again", "done") in await audited(unconnected)
        return
    (root,) = await unconnected.roots(unconnected.ana)
    told = await unconnected.reply(cat, root, "Only the person who asked for this, approvers and admins")
    assert told.ephemeral
    await unconnected.at_rest()
    assert await unconnected.mailapi.creates() == []
    assert await refused(unconnected) == [(CAT, "send_again", "not an approver")]
