"""`/mail connect`: the form, who may use it, and which key is in force afterwards."""

import pytest

from sandbox.slack import ANA, BEN, EVE, GUS, MAIL
from storage.tables import AuditEntry
from tests.flows.breaking import rows
from tests.flows.stage import CALLER_ID, KEY, OTHER_KEY, Mailroom

BAD_KEY = "exactly 32 letters and digits"
BAD_CALLER = "The caller id is a whole number"

FORMS = {
    "short key": ("abc", "123", {"API key": BAD_KEY}),
    "long key": (f"{KEY}x", "123", {"API key": BAD_KEY}),
    "key with a sign": (f"{KEY[:-1]}-", "123", {"API key": BAD_KEY}),
    "key with an umlaut": (f"{KEY[:-1]}ü", "123", {"API key": BAD_KEY}),
    "caller id of 0": (KEY, "0", {"Caller id": BAD_CALLER}),
    "negative caller id": (KEY, "-5", {"Caller id": BAD_CALLER}),
    "huge caller id": (KEY, "9" * 19, {"Caller id": BAD_CALLER}),
    "both": ("abc", "0", {"API key": BAD_KEY, "Caller id": BAD_CALLER}),
}


async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(unconnected: Mailroom) -> None:
    ana = unconnected.ana
    await ana.types(MAIL, "/mail connect")
    for case, (key, caller_id, wrong) in FORMS.items():
        await ana.fills(**{"API key": key, "Caller id": caller_id})
        errors = await ana.submits()
        assert errors.keys() == wrong.keys(), case
        assert all(said in errors[field] for field, said in wrong.items()), case
        assert (await unconnected.form(ana)).values == {"API key": key, "Caller id": caller_id}, case
    assert await unconnected.mailapi.requests() == []
    assert await ana.direct_messages() == []


async def test_a_wrong_field_can_be_put_right_in_the_same_form(unconnected: Mailroom) -> None:
    await unconnected.connect(unconnected.ana, key="abc")
    await unconnected.ana.fills(**{"API key": f"  {KEY} "})
    assert await unconnected.ana.submits() == {}
    await unconnected.direct(unconnected.ana, "Connected", KEY[-4:])


async def test_the_form_says_checking_until_mailapi_has_answered(unconnected: Mailroom) -> None:
    await unconnected.mailapi.fault("list_domain", "latency", seconds=0.3)
    await unconnected.connect(unconnected.ana)
    assert "Checking" in (await unconnected.form(unconnected.ana)).text
    assert (await unconnected.form(unconnected.ana)).inputs == []
    await unconnected.form(unconnected.ana, "Connected")


async def test_a_closed_form_does_not_keep_the_direct_message_away(unconnected: Mailroom) -> None:
    await unconnected.mailapi.fault("list_domain", "latency", seconds=0.2)
    await unconnected.connect(unconnected.ana)
    await unconnected.ana.closes()
    await unconnected.direct(unconnected.ana, "Connected", KEY[-4:])


async def test_the_number_of_domains_is_told(unconnected: Mailroom) -> None:
    for n in range(4):
        await unconnected.mailapi.add_domain(KEY, f"domain{n}.example")
    await unconnected.connect(unconnected.ana)
    await unconnected.form(unconnected.ana, "5 domains in the account")
    await unconnected.direct(unconnected.ana, "5 domains in the account")


REFUSALS = {
    "unknown key": (OTHER_KEY, CALLER_ID, "Invalid API key."),
    "another's caller id": (KEY, 999, "Unauthorized caller."),
}


@pytest.mark.parametrize(("key", "caller_id", "reason"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_key_that_mailapi_refuses_is_not_connected_and_the_form_says_why(
    unconnected: Mailroom, key: str, caller_id: int, reason: str
) -> None:
    ana = unconnected.ana
    await unconnected.connect(ana, key, caller_id)
    form = await unconnected.form(ana, "Not connected", f"MailAPI says: {reason}")
    assert form.inputs == ["API key", "Caller id"]
    assert form.values["Caller id"] == str(caller_id)
    await unconnected.direct(ana, f"ending `{key[-4:]}` was not connected", reason, "/mail connect")
    assert "has no MailAPI key yet" in (await ana.types(MAIL, "/mail domain list")).text


async def test_after_a_refusal_the_same_form_takes_the_right_key(unconnected: Mailroom) -> None:
    await unconnected.connect(unconnected.ana, OTHER_KEY)
    await unconnected.form(unconnected.ana, "Not connected")
    await unconnected.ana.fills(**{"API key": KEY})
    assert await unconnected.ana.submits() == {}
    await unconnected.form(unconnected.ana, "Connected", KEY[-4:])


async def test_a_refused_key_leaves_the_one_in_force_in_force(mailroom: Mailroom) -> None:
    await mailroom.connect(mailroom.ana, OTHER_KEY)
    told = await mailroom.direct(mailroom.ana, "was not connected", f"ending `{KEY[-4:]}` stays in force")
    assert OTHER_KEY not in told.visible
    await mailroom.form(mailroom.ana, "Not connected", f"ending `{KEY[-4:]}` is in force")
    await mailroom.ben.types(MAIL, "/mail domain list")
    await mailroom.private(mailroom.ben, "1 domain")


async def test_a_working_key_replaces_the_one_in_force(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_account(OTHER_KEY, 456)
    await mailroom.mailapi.add_domain(OTHER_KEY, "other.example")
    await mailroom.ana.types(MAIL, "/mail connect")
    assert f"ending `{KEY[-4:]}` is in force" in (await mailroom.form(mailroom.ana)).text
    await mailroom.ana.closes()
    await mailroom.connected(mailroom.ana, OTHER_KEY, 456)
    await mailroom.ben.types(MAIL, "/mail domain list")
    await mailroom.private(mailroom.ben, "other.example")


async def test_a_refusal_of_a_key_that_was_replaced_meanwhile_is_not_news_and_nothing_waits(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await mailroom.mailapi.fault("list_mailbox", "status", status=401, reason="Invalid API key.", seconds=1)
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")

    async def is_out() -> bool:
        return bool(await mailroom.asked("list_mailbox"))

    await mailroom.until(is_out, "the request that is refused")
    await mailroom.connected(mailroom.ana, OTHER_KEY)
    await mailroom.completed(mailroom.ben)
    assert not [m for m in await mailroom.ana.direct_messages() if "refuses" in m.visible]
    assert [(row.outcome, row.subject) for row in await rows(mailroom, AuditEntry) if row.action == "connection"] == []


async def test_mailapi_that_is_down_for_a_moment_is_asked_again(unconnected: Mailroom) -> None:
    await unconnected.mailapi.fault("list_domain", "status", times=2, status=503)
    await unconnected.connect(unconnected.ana)
    await unconnected.passes(seconds=4)
    await unconnected.passes(seconds=4)
    await unconnected.form(unconnected.ana, "Connected")


async def test_mailapi_that_stays_down_is_told_and_the_key_in_force_stays(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_account(OTHER_KEY, 456)
    await mailroom.mailapi.fault("list_domain", "reset_before", times=None)
    await mailroom.connect(mailroom.ana, OTHER_KEY, 456)
    for _ in range(4):
        await mailroom.passes(seconds=4)
    await mailroom.form(mailroom.ana, "MailAPI did not answer, so the key could not be checked")
    await mailroom.direct(mailroom.ana, "could not be checked", f"ending `{KEY[-4:]}` stays in force")


async def test_the_admins_are_told_of_the_very_first_key_and_of_no_other(unconnected: Mailroom) -> None:
    await unconnected.slack.add_user("U0OWNER001", "olga", is_owner=True)
    olga = unconnected.slack.person("U0OWNER001")
    await unconnected.connected(unconnected.ben)
    for admin in (unconnected.ana, olga):
        await unconnected.direct(admin, f"<@{BEN}> connected Mailroom", f"`{KEY[-4:]}`")
    await unconnected.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await unconnected.connected(unconnected.ben, OTHER_KEY)
    await unconnected.at_rest()
    assert len(await unconnected.ana.direct_messages()) == 1
    assert len(await olga.direct_messages()) == 1
    assert len(await unconnected.ben.direct_messages()) == 2


async def test_the_admins_are_told_once_slack_says_who_they_are(unconnected: Mailroom) -> None:
    await unconnected.slack.fault("users.list", "error", times=1_000, error="internal_error")
    await unconnected.connected(unconnected.ben)
    await unconnected.at_rest()
    await unconnected.slack.no_faults()
    await unconnected.passes(seconds=60)
    await unconnected.direct(unconnected.ana, f"<@{BEN}> connected Mailroom")


async def test_an_admin_who_connects_the_first_key_himself_is_told_once(mailroom: Mailroom) -> None:
    await mailroom.at_rest()
    assert sum("connected" in m.text.lower() for m in await mailroom.ana.direct_messages()) == 1


async def test_a_member_cannot_replace_the_key_of_an_admin(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, "/mail connect")
    assert "Only admins, owners and whoever connected the key" in ack.text
    assert f"<@{ANA}>" in ack.text
    assert await mailroom.ben.view() is None


async def test_an_admin_can_replace_the_key_of_a_member(unconnected: Mailroom) -> None:
    await unconnected.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await unconnected.connected(unconnected.ben)
    await unconnected.connected(unconnected.ana, OTHER_KEY)
    assert "Only admins" in (await unconnected.ben.types(MAIL, "/mail connect")).text


async def test_a_form_that_was_opened_earlier_does_not_get_around_the_rule(unconnected: Mailroom) -> None:
    await unconnected.ben.types(MAIL, "/mail connect")
    await unconnected.connected(unconnected.ana)
    await unconnected.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await unconnected.ben.fills(**{"API key": OTHER_KEY, "Caller id": str(CALLER_ID)})
    assert "Only admins, owners" in (await unconnected.ben.submits())["API key"]
    assert len(await unconnected.asked("list_domain")) == 1


async def test_a_guest_can_do_nothing(mailroom: Mailroom) -> None:
    asked = await mailroom.mailapi.requests()
    gus = mailroom.slack.person(GUS)
    for line in ("connect", "domain list", "domain create new.example", "mailbox create john@example.com", "task 1"):
        ack = await gus.types(MAIL, f"/mail {line}")
        assert "Guests and people of other organisations cannot use Mailroom" in ack.text, line
    assert await gus.view() is None
    await mailroom.at_rest()
    assert await mailroom.mailapi.requests() == asked
    assert await mailroom.roots(mailroom.ana) == []


async def test_somebody_of_another_organisation_can_do_nothing(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail connect")
    command = (await mailroom.slack.envelopes("slash_commands"))[-1]["payload"]
    asked = await mailroom.mailapi.requests()
    for text in ("connect", "domain create new.example"):
        ack = await mailroom.slack.request({**command, "user_id": EVE, "text": text})
        assert "Guests and people of other organisations" in ack.payload["text"]
    await mailroom.at_rest()
    assert await mailroom.mailapi.requests() == asked


@pytest.mark.parametrize(("kind", "options"), [("error", {}), ("status", {}), ("latency", {"seconds": 1.7})])
async def test_where_slack_does_not_say_who_somebody_is_the_answer_is_no_for_now(
    unconnected: Mailroom, kind: str, options: dict[str, float]
) -> None:
    await unconnected.slack.ask("fault", method="users.info", kind=kind, **options)
    ack = await unconnected.ana.types(MAIL, "/mail connect")
    assert "Slack did not say in time who you are" in ack.text
    assert await unconnected.ana.view() is None
    await unconnected.connected(unconnected.ana)


async def test_a_role_that_was_lost_counts_after_a_minute(mailroom: Mailroom) -> None:
    await mailroom.slack.set_user(BEN, is_admin=True)
    assert (await mailroom.ben.types(MAIL, "/mail connect")).text == ""
    await mailroom.ben.closes()
    await mailroom.slack.set_user(BEN, is_admin=False)
    await mailroom.passes(seconds=61)
    assert "Only admins" in (await mailroom.ben.types(MAIL, "/mail connect")).text


async def test_a_form_that_slack_does_not_open_in_time_is_told(unconnected: Mailroom) -> None:
    await unconnected.slack.fault("views.open", "error", error="expired_trigger_id")
    ack = await unconnected.ana.types(MAIL, "/mail connect")
    assert "The form could not be opened" in ack.text
    assert "Try once more" in ack.text


KEYLESS = (
    "domain list",
    "domain create new.example",
    "subdomain create example.com team",
    "mailbox list example.com",
    "mailbox create john@example.com",
    "mailbox bulk example.com team 3",
    "task 1",
)


async def test_without_a_key_everything_is_answered_with_how_to_connect_one(unconnected: Mailroom) -> None:
    for line in KEYLESS:
        ack = await unconnected.ben.types(MAIL, f"/mail {line}")
        assert "Connect one with `/mail connect`" in ack.text, line
    await unconnected.at_rest()
    assert await unconnected.roots(unconnected.ana) == []
    assert await unconnected.mailapi.requests() == []
