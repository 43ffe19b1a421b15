"""`/mail disconnect`: says what is open and what becomes of it, asks, and does it."""

import pytest
from sqlmodel import Session, select

from sandbox.slack import ANA, BEN, GUS, MAIL
from storage.states import ConnectionState
from storage.tables import AuditEntry, Connection
from tests.flows.stage import CALLER_ID, KEY, OTHER_KEY, Mailroom

ERASED, KEPT = (ConnectionState.ERASED, False), (ConnectionState.REPLACED, True)
IN_FORCE = (ConnectionState.IN_FORCE, True)


async def keys(mailroom: Mailroom) -> list[tuple[ConnectionState, bool]]:
    """The state of each connection, and whether its key is still there."""

    def read(session: Session) -> list[tuple[ConnectionState, bool]]:
        rows = session.exec(select(Connection).order_by(Connection.id)).all()  # type: ignore[arg-type]
        return [(row.state, row.secret is not None) for row in rows]

    assert mailroom.bot is not None
    return await mailroom.bot.database.read(read)


async def audited(mailroom: Mailroom, action: str) -> list[tuple[str, str]]:
    def read(session: Session) -> list[tuple[str, str]]:
        rows = session.exec(select(AuditEntry).where(AuditEntry.action == action)).all()
        return [(row.actor, row.outcome) for row in rows]

    assert mailroom.bot is not None
    return await mailroom.bot.database.read(read)


async def erased(mailroom: Mailroom) -> None:
    async def is_erased() -> bool:
        return await keys(mailroom) == [ERASED]

    await mailroom.until(is_erased, "the end of the key")


async def test_it_is_asked_before_it_is_done(mailroom: Mailroom) -> None:
    await mailroom.ana.types(MAIL, "/mail disconnect")
    form = await mailroom.form(mailroom.ana, f"key ending `{KEY[-4:]}`", "Nothing is under way", "erased at once")
    assert form.raw["submit"]["text"] == "Disconnect"
    await mailroom.ana.closes()
    await mailroom.ben.types(MAIL, "/mail domain list")
    await mailroom.private(mailroom.ben, "1 domain")
    assert await keys(mailroom) == [IN_FORCE]


async def test_the_key_is_erased_and_everything_says_how_to_connect_one(mailroom: Mailroom) -> None:
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.ana.submits()
    await mailroom.form(mailroom.ana, "no longer used", "`/mail connect`")
    assert await keys(mailroom) == [ERASED]
    assert await audited(mailroom, "disconnect") == [(ANA, "done")]
    for line in ("", " status", " domain list", " mailbox create john@example.com", " disconnect"):
        assert "/mail connect" in (await mailroom.ben.types(MAIL, f"/mail{line}")).text, line


async def test_what_is_with_mailapi_is_watched_to_its_end_with_the_old_key(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3")
    await mailroom.made("create_mailbox_bulk")
    root = await mailroom.root(mailroom.ana, "In progress")
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.form(mailroom.ana, "1 call", "watched with the old key", "erased then")
    await mailroom.ana.submits()
    await mailroom.form(mailroom.ana, "no longer used")
    assert await keys(mailroom) == [KEPT]
    await mailroom.mailapi.release_queue()
    assert "created." in (await mailroom.completion(mailroom.ben, root)).visible
    await mailroom.root(mailroom.ana, "Done", "3 of 3")
    await erased(mailroom)


async def test_what_waits_for_its_window_is_cancelled_and_told(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail subdomain create example.com team")
    await mailroom.root(mailroom.ana, "Done", "team.example.com")
    await mailroom.ben.types(MAIL, "/mail subdomain create example.com support")
    await mailroom.clock_ahead(seconds=3)
    root = await mailroom.root(mailroom.ana, "Waiting", "support.example.com")
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.form(mailroom.ana, "calls that wait", "cancelled")
    await mailroom.ana.submits()
    completion = await mailroom.completion(mailroom.ben, root)
    assert "not created" in completion.visible
    assert "disconnected" in completion.visible
    assert "&lt;@" not in completion.visible
    await erased(mailroom)
    await mailroom.passes(hours=2)
    assert len(await mailroom.asked("create_subdomain")) == 1


async def test_what_is_not_planned_yet_is_cancelled_and_told(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("list_mailbox", "status", times=None, status=503)
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    await mailroom.clock_ahead(seconds=3)
    root = await mailroom.root(mailroom.ana, "MailAPI is slow")
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.form(mailroom.ana, "1 request not sent yet will be cancelled")
    await mailroom.ana.submits()
    await mailroom.root(mailroom.ana, "Cancelled", "nothing was created")
    told = await mailroom.completion(mailroom.ben, root)
    assert f"<@{ANA}> disconnected MailAPI before this was sent" in told.visible
    await erased(mailroom)
    await mailroom.mailapi.clear_faults()
    await mailroom.passes(minutes=5)
    await mailroom.at_rest()
    assert await mailroom.mailapi.creates() == []


async def test_a_part_that_was_not_sent_is_told_beside_what_was_made(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "team1@example.com")
    await mailroom.mailapi.fault("create_mailbox_single", "latency", times=1, seconds=0)
    await mailroom.mailapi.fault("create_mailbox_single", "rate_limited", times=None, retry_after=60)
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3")
    (root,) = await mailroom.slack.until(lambda: mailroom.roots(mailroom.ana), what="a root message")
    await mailroom.made("create_mailbox_single", 2)
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.form(mailroom.ana)
    await mailroom.ana.submits()
    await mailroom.mailapi.release_queue()
    completion = await mailroom.completion(mailroom.ben, root)
    assert "1 created, 2 not" in completion.visible
    assert "disconnected" in completion.visible
    assert "<@" not in completion.visible.replace(f"<@{BEN}>", "", 1)
    await erased(mailroom)


async def test_what_is_refused_for_now_while_the_key_is_given_up_is_not_sent_later(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("create_mailbox_single", "rate_limited", times=None, retry_after=1, seconds=0.7)
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")

    async def is_out() -> bool:
        return "1 of their calls with MailAPI" in (await mailroom.ana.types(MAIL, "/mail status")).text

    await mailroom.until(is_out, "the call with MailAPI")
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.ana.submits()
    await mailroom.form(mailroom.ana, "no longer used")
    completion = await mailroom.completed(mailroom.ben)
    assert "not created. MailAPI was disconnected before this was sent." in completion.visible
    await erased(mailroom)
    assert len(await mailroom.asked("create_mailbox_single")) == 1


async def test_another_key_can_be_connected_while_the_old_one_still_watches(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    await mailroom.made("create_mailbox_single")
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.ana.submits()
    await mailroom.form(mailroom.ana, "no longer used")
    await mailroom.ana.closes()
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await mailroom.connected(mailroom.ana, OTHER_KEY)
    assert await keys(mailroom) == [KEPT, IN_FORCE]
    await mailroom.mailapi.release_queue()
    await mailroom.completed(mailroom.ben)
    assert await keys(mailroom) == [ERASED, IN_FORCE]


@pytest.mark.parametrize("who", [BEN, GUS], ids=["a member", "a guest"])
async def test_only_admins_and_whoever_connected_may_disconnect(mailroom: Mailroom, who: str) -> None:
    person = mailroom.slack.person(who)
    ack = await person.types(MAIL, "/mail disconnect")
    assert ("Guests" if who == GUS else "Only admins, owners and whoever connected") in ack.text
    assert await person.view() is None
    assert await keys(mailroom) == [IN_FORCE]
    assert (who, "refused") in await audited(mailroom, "disconnect") + await audited(mailroom, "connect")


async def test_whoever_connected_may_disconnect_and_so_may_an_admin(unconnected: Mailroom) -> None:
    await unconnected.mailapi.add_account(OTHER_KEY, CALLER_ID)
    for person, key in ((unconnected.ben, KEY), (unconnected.ana, OTHER_KEY)):
        await unconnected.connected(unconnected.ben, key)
        await unconnected.ben.closes()
        await person.types(MAIL, "/mail disconnect")
        await person.submits()
        await unconnected.form(person, "no longer used")
        await person.closes()


async def test_a_question_that_was_opened_earlier_does_not_get_around_the_rule(unconnected: Mailroom) -> None:
    await unconnected.connected(unconnected.ben)
    await unconnected.ben.closes()
    await unconnected.ben.types(MAIL, "/mail disconnect")
    await unconnected.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await unconnected.connected(unconnected.ana, OTHER_KEY)
    await unconnected.ben.submits()
    await unconnected.form(unconnected.ben, "Only admins, owners")
    assert "Connected" in (await unconnected.ben.types(MAIL, "/mail status")).text


async def test_a_question_that_is_answered_twice_is_done_once(mailroom: Mailroom) -> None:
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.slack.deliver_twice("interactive")
    await mailroom.ana.submits()
    await mailroom.at_rest()
    assert await audited(mailroom, "disconnect") == [(ANA, "done")]
