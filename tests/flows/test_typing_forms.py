"""The forms of the creates: prefilled from what was typed, checked field by field, done once."""

import asyncio
from typing import Any

import pytest

from sandbox.slack import ANA, BEN, EVE, GUS, MAIL
from tests.flows.stage import KEY, Mailroom

both_ways = pytest.mark.parametrize("mode", ["socket", "http"])

EMPTY: dict[str, tuple[str, str, list[str]]] = {
    "domain": ("domain create", "Create a domain", ["Domain"]),
    "sub-domain": ("subdomain create", "Create sub-domains", ["Parent domain", "Labels"]),
    "mailbox": ("mailbox create", "Create a mailbox", ["Domain", "Before the @", "Name", "Quota"]),
    "bulk": ("mailbox bulk", "Create mailboxes", ["Domain", "Prefix", "How many", "Quota of each"]),
}


@pytest.mark.parametrize(("line", "title", "inputs"), EMPTY.values(), ids=EMPTY.keys())
async def test_a_create_without_arguments_opens_an_empty_form(
    mailroom: Mailroom, line: str, title: str, inputs: list[str]
) -> None:
    ack = await mailroom.ben.types(MAIL, f"/mail {line}")
    assert (ack.ok, ack.text) == (True, "")
    form = await mailroom.form(mailroom.ben)
    assert (form.title, form.inputs) == (title, inputs)
    assert not any(form.values.values())
    assert await mailroom.roots(mailroom.ana) == []


HALF: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "parent": (
        "subdomain create <http://Example.com|Example.com>",
        {"Parent domain": "Example.com"},
        {"Labels": "team, support"},
        "2 sub-domains",
    ),
    "local part": ("mailbox create john", {"Before the @": "john"}, {"Domain": "example.com"}, "john@example.com"),
    "local part and options": (
        "mailbox create john —name “John Doe” quota=1GB",
        {"Before the @": "john", "Name": "John Doe", "Quota": "1GB"},
        {"Domain": "example.com"},
        "John Doe",
    ),
    "only options": (
        "mailbox create --quota 512MB",
        {"Quota": "512MB"},
        {"Domain": "example.com", "Before the @": "jane"},
        "512 MB",
    ),
    "domain": (
        "mailbox bulk example.com",
        {"Domain": "example.com"},
        {"Prefix": "team", "How many": "2"},
        "2 mailboxes",
    ),
    "domain and prefix": (
        "mailbox bulk example.com team --quota 256",
        {"Domain": "example.com", "Prefix": "team", "Quota of each": "256"},
        {"How many": "2"},
        "256 MB each",
    ),
}


@pytest.mark.parametrize(("line", "filled", "missing", "said"), HALF.values(), ids=HALF.keys())
async def test_a_create_with_half_of_its_arguments_opens_a_form_with_that_half(
    mailroom: Mailroom, line: str, filled: dict[str, Any], missing: dict[str, Any], said: str
) -> None:
    ack = await mailroom.ben.types(MAIL, f"/mail {line}")
    assert (ack.ok, ack.text) == (True, "")
    form = await mailroom.form(mailroom.ben)
    assert {label: value for label, value in form.values.items() if value} == filled
    await mailroom.ben.fills(**missing)
    assert await mailroom.ben.submits() == {}
    assert await mailroom.ben.view() is None
    root = await mailroom.root(mailroom.ana, "Done", said, f"<@{BEN}>")
    await mailroom.completion(mailroom.ben, root)


async def test_a_domain_may_be_created_from_its_form(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail domain create")
    await mailroom.ben.fills(Domain=" New.Example ")
    assert await mailroom.ben.submits() == {}
    await mailroom.root(mailroom.ana, "Done", "new.example")
    assert await mailroom.asked("create_domain") == [{"Domain": "new.example", "Params": {}}]


async def test_the_request_lives_in_the_channel_where_the_form_was_asked_for(mailroom: Mailroom) -> None:
    await mailroom.slack.add_channel("C0SALES001", "sales", members=(ANA, BEN), bot=True)
    await mailroom.ben.types("C0SALES001", "/mail mailbox bulk example.com team")
    await mailroom.ben.fills(**{"How many": "2"})
    assert await mailroom.ben.submits() == {}
    root = await mailroom.root(mailroom.ana, "Done", "2 of 2", channel="C0SALES001")
    await mailroom.completion(mailroom.ben, root)
    assert await mailroom.roots(mailroom.ana, MAIL) == []


WRONG: dict[str, tuple[str, dict[str, Any], dict[str, str]]] = {
    "domain": ("domain create", {"Domain": "example"}, {"Domain": "example is not a domain"}),
    "labels": (
        "subdomain create example.com",
        {"Labels": "team a.b"},
        {"Labels": "a.b is not a sub-domain label: use letters, digits and hyphens"},
    ),
    "eleven labels": (
        "subdomain create example.com",
        {"Labels": " ".join(f"label{n}" for n in range(11))},
        {"Labels": "up to 10 sub-domains"},
    ),
    "a whole address and a quota in words": (
        "mailbox create",
        {"Domain": "example.com", "Before the @": "john@example.com", "Name": "John", "Quota": "lots"},
        {"Before the @": "cannot stand before the @", "Quota": "type it as 1024, 1024MB or 1GB"},
    ),
    "prefix and count": (
        "mailbox bulk",
        {"Domain": "example.com", "Prefix": "te@m", "How many": "5000", "Quota of each": "1GB"},
        {"Prefix": "cannot stand before the @", "How many": "1,000"},
    ),
    "no mailbox": (
        "mailbox bulk",
        {"Domain": "example.com", "Prefix": "team", "How many": "0"},
        {"How many": "is not a number of mailboxes"},
    ),
    "prefix and number together": (
        "mailbox bulk",
        {"Domain": "example.com", "Prefix": "x" * 63, "How many": "10"},
        {"Prefix": "64 characters"},
    ),
}


@pytest.mark.parametrize(("line", "filled", "said"), WRONG.values(), ids=WRONG.keys())
async def test_each_wrong_field_says_how_to_mend_it_and_keeps_what_was_typed(
    mailroom: Mailroom, line: str, filled: dict[str, Any], said: dict[str, str]
) -> None:
    await mailroom.ben.types(MAIL, f"/mail {line}")
    await mailroom.ben.fills(**filled)
    typed = (await mailroom.form(mailroom.ben)).values
    errors = await mailroom.ben.submits()
    assert errors.keys() == said.keys()
    assert all(words in errors[field] for field, words in said.items()), errors
    assert not any("`" in error or "&" in error for error in errors.values())
    assert (await mailroom.form(mailroom.ben)).values == typed
    await mailroom.at_rest()
    assert await mailroom.roots(mailroom.ana) == []


@both_ways
async def test_a_wrong_field_can_be_put_right_in_the_same_form(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team")
    await mailroom.ben.fills(**{"How many": "5000"})
    assert await mailroom.ben.submits() != {}
    await mailroom.ben.fills(**{"How many": "2"})
    assert await mailroom.ben.submits() == {}
    await mailroom.root(mailroom.ana, "Done", "2 of 2")


async def test_closing_the_form_loses_nothing(mailroom: Mailroom) -> None:
    ben, line = mailroom.ben, "/mail mailbox bulk example.com team --quota 512"
    for _ in range(2):
        await ben.types(MAIL, line)
        form = await mailroom.form(ben)
        assert form.values == {"Domain": "example.com", "Prefix": "team", "How many": None, "Quota of each": "512"}
        assert (await ben.closes()).ok
    await mailroom.at_rest()
    assert await mailroom.roots(mailroom.ana) == []
    await ben.types(MAIL, "/mail mailbox bulk example.com team many --quota 512")
    answer = await mailroom.private(ben, "`many`")
    for _ in range(2):
        await ben.clicks(answer, "Open Form")
        assert (await mailroom.form(ben)).values["Quota of each"] == "512"
        await ben.closes()


async def test_a_trigger_that_has_expired_is_told(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail help")
    command = (await mailroom.slack.envelopes("slash_commands"))[-1]["payload"]
    await mailroom.slack.advance_clock(4)
    ack = await mailroom.slack.request({**command, "text": "mailbox bulk example.com team"})
    assert "The form could not be opened, since it took too long. Try once more." in ack.payload["text"]
    assert await mailroom.ben.view() is None
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team")
    assert (await mailroom.form(mailroom.ben)).values["Prefix"] == "team"


async def test_a_trigger_that_was_used_opens_no_second_form(mailroom: Mailroom) -> None:
    await mailroom.slack.deliver_twice()
    await mailroom.ben.types(MAIL, "/mail mailbox bulk")
    assert (await mailroom.form(mailroom.ben)).title == "Create mailboxes"
    assert [call["answer"]["ok"] for call in await mailroom.slack.calls("views.open")][-2:] == [True, False]
    assert all(each["error"] is None for each in await mailroom.slack.envelopes("slash_commands"))


GARBLED = {
    "no JSON": "{",
    "a list": "[]",
    "nothing": "",
    "no kind": "{}",
    "another kind": '{"kind": "x", "filled": {}}',
}


@pytest.mark.parametrize("value", GARBLED.values(), ids=GARBLED.keys())
async def test_a_button_that_cannot_be_read_is_answered_with_the_way_in(mailroom: Mailroom, value: str) -> None:
    await mailroom.ben.types(MAIL, "/mail")
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, "Nothing is under way."), "Create Domain")
    await mailroom.ben.closes()
    click = (await mailroom.slack.envelopes("interactive"))[-1]["payload"]
    ack = await mailroom.slack.request({**click, "actions": [{**click["actions"][0], "value": value}]})
    assert ack.ok
    await mailroom.private(mailroom.ben, "Type `/mail` to begin anew.")
    assert await mailroom.ben.view() is None


async def test_a_trigger_of_a_button_that_has_expired_is_told(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team many")
    answer = await mailroom.private(mailroom.ben, "`many`")
    await mailroom.slack.fault("views.open", "error", error="expired_trigger_id")
    await mailroom.ben.clicks(answer, "Open Form")
    await mailroom.private(mailroom.ben, "The form could not be opened")
    await mailroom.ben.clicks(answer, "Open Form")
    await mailroom.form(mailroom.ben)


@pytest.mark.parametrize("at_once", [False, True], ids=["one after the other", "at once"])
async def test_a_form_that_is_delivered_twice_is_one_request(mailroom: Mailroom, *, at_once: bool) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team")
    await mailroom.ben.fills(**{"How many": "2"})
    await mailroom.slack.deliver_twice("interactive", at_once=at_once)
    assert await mailroom.ben.submits() == {}
    root = await mailroom.root(mailroom.ana, "Done", "2 of 2")
    await mailroom.completion(mailroom.ben, root)
    await mailroom.at_rest()
    assert len(await mailroom.roots(mailroom.ana)) == 1
    assert len(await mailroom.mailapi.creates()) == 1
    answers = [each["ack"] for each in (await mailroom.slack.envelopes("interactive"))[-2:]]
    assert answers[0] == answers[1]


async def test_two_forms_with_the_same_words_are_two_requests_since_each_was_sent_on_purpose(
    mailroom: Mailroom,
) -> None:
    for _ in range(2):
        await mailroom.ben.types(MAIL, "/mail mailbox create john")
        await mailroom.ben.fills(Domain="example.com")
        assert await mailroom.ben.submits() == {}

    async def two() -> bool:
        return len(await mailroom.roots(mailroom.ana)) == 2

    await mailroom.until(two, "two root messages")
    await mailroom.at_rest()
    assert len(await mailroom.mailapi.creates()) == 1


async def test_a_form_that_is_sent_after_the_key_was_given_up_says_so_and_keeps_what_was_typed(
    mailroom: Mailroom,
) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team")
    await mailroom.ben.fills(**{"How many": "2"})
    await mailroom.ana.types(MAIL, "/mail disconnect")
    assert await mailroom.ana.submits() == {}
    errors = await mailroom.ben.submits()
    assert "no MailAPI key yet" in errors["Domain"]
    assert (await mailroom.form(mailroom.ben)).values["How many"] == "2"
    assert await mailroom.ben.searches(await mailroom.form(mailroom.ben), "Domain", "example") == []
    await mailroom.ana.closes()
    await mailroom.connect(mailroom.ana)
    await mailroom.form(mailroom.ana, "Connected")
    assert await mailroom.ben.submits() == {}
    await mailroom.root(mailroom.ana, "Done", "2 of 2")


async def test_a_guest_gets_no_form(mailroom: Mailroom) -> None:
    gus = mailroom.slack.person(GUS)
    for line in ("domain create", "subdomain create example.com", "mailbox create john", "mailbox bulk", ""):
        assert "cannot use Mailroom" in (await gus.types(MAIL, f"/mail {line}")).text
    assert await gus.view() is None


async def test_somebody_who_became_a_guest_over_the_form_is_refused(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team")
    await mailroom.ben.fills(**{"How many": "2"})
    await mailroom.slack.set_user(BEN, is_restricted=True)
    await mailroom.passes(seconds=61)
    assert "cannot use Mailroom" in (await mailroom.ben.submits())["Domain"]
    assert await mailroom.roots(mailroom.ana) == []


MANY = 1_000


async def many_domains(mailroom: Mailroom) -> None:
    """A thousand domains, as an account may have them."""
    names = [f"domain{number:04}.example" for number in range(MANY - 2)] + ["xn--mnchen-3ya.example"]
    await asyncio.gather(*(mailroom.mailapi.add_domain(KEY, name) for name in names))


async def offered(mailroom: Mailroom, typed: str) -> list[str]:
    """The values of the options that Ben is shown in the form on his screen."""
    options = await mailroom.ben.searches(await mailroom.form(mailroom.ben), "Domain", typed)
    return [option["value"] for option in options]


async def test_a_domain_is_chosen_by_typing_from_a_thousand_of_the_workspace(mailroom: Mailroom) -> None:
    await many_domains(mailroom)
    await mailroom.ben.types(MAIL, "/mail mailbox create john")
    first = await offered(mailroom, "")
    assert len(first) == 100
    assert first == sorted(first)
    assert await offered(mailroom, "domain07") == [f"domain07{number:02}.example" for number in range(100)]
    assert await offered(mailroom, "0777") == ["domain0777.example"]
    assert await offered(mailroom, " DOMAIN0997.exa ") == ["domain0997.example"]
    assert await offered(mailroom, "EXAMPLE.C") == ["example.com"]
    assert await offered(mailroom, "nowhere") == []
    assert await offered(mailroom, "x" * 3000) == []
    await mailroom.ben.fills(Domain="domain0997.example")
    assert await mailroom.ben.submits() == {}
    await mailroom.root(mailroom.ana, "Done", "john@domain0997.example")
    assert len(await mailroom.asked("list_domain")) <= 3  # typing asks MailAPI once, not with every letter


@both_ways
async def test_what_begins_with_the_typed_letters_is_offered_first(mailroom: Mailroom) -> None:
    for name in ("an-example.test", "zeta-example.test", "example.net"):
        await mailroom.mailapi.add_domain(KEY, name)
    await mailroom.ben.types(MAIL, "/mail mailbox create john")
    assert await offered(mailroom, "example") == ["example.com", "example.net", "an-example.test", "zeta-example.test"]


async def test_an_international_domain_is_found_as_written_and_as_it_travels(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_domain(KEY, "xn--mnchen-3ya.example")
    await mailroom.ben.types(MAIL, "/mail mailbox create john")
    for typed in ("münch", "MÜNCHEN.Example", "xn--mn"):
        assert await offered(mailroom, typed) == ["xn--mnchen-3ya.example"], typed
    (option,) = await mailroom.ben.searches(await mailroom.form(mailroom.ben), "Domain", "münch")
    assert option["text"]["text"] == "münchen.example (xn--mnchen-3ya.example)"
    await mailroom.ben.fills(Domain="xn--mnchen-3ya.example")
    assert await mailroom.ben.submits() == {}
    await mailroom.root(mailroom.ana, "Done", "münchen.example")


async def test_a_domain_that_is_too_long_for_a_choice_does_not_keep_the_others_away(mailroom: Mailroom) -> None:
    long = f"{'x' * 60}.{'y' * 60}.{'z' * 60}.example"
    await mailroom.mailapi.add_domain(KEY, long)
    await mailroom.mailapi.add_domain(KEY, f"{'x' * 60}.{'y' * 60}.example")
    await mailroom.ben.types(MAIL, "/mail mailbox create john")
    found = await offered(mailroom, "")
    assert "example.com" in found
    assert f"{'x' * 60}.{'y' * 60}.example" in found


async def test_slow_mailapi_offers_nothing_the_first_time_and_what_is_known_afterwards(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("list_domain", "latency", seconds=3, times=None)
    await mailroom.ben.types(MAIL, "/mail mailbox create john")
    assert await offered(mailroom, "exam") == []

    async def known() -> bool:
        return await offered(mailroom, "exam") == ["example.com"]

    await mailroom.until(known, "the choices")
    await mailroom.clock_ahead(seconds=31)
    assert await offered(mailroom, "exam") == ["example.com"]
    assert all(each["error"] is None for each in await mailroom.slack.envelopes("interactive"))


async def test_mailapi_that_is_out_of_reach_offers_what_is_known(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox create john")
    assert await offered(mailroom, "exam") == ["example.com"]
    await mailroom.mailapi.fault("list_domain", "status", status=503, times=None)
    await mailroom.clock_ahead(seconds=31)
    assert await offered(mailroom, "exam") == ["example.com"]


OTHERS = {"guest": GUS, "outsider": EVE}


@pytest.mark.parametrize("user", OTHERS.values(), ids=OTHERS.keys())
async def test_somebody_who_may_not_see_the_domains_is_offered_none(mailroom: Mailroom, user: str) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox create john")
    assert await offered(mailroom, "exam") == ["example.com"]
    payload = (await mailroom.slack.envelopes("interactive"))[-1]["payload"]
    ack = await mailroom.slack.request({**payload, "user": {**payload["user"], "id": user}})
    assert ack.payload == {"options": []}


async def test_a_domain_that_is_new_to_the_workspace_is_offered_within_half_a_minute(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox create john")
    assert await offered(mailroom, "late") == []
    await mailroom.mailapi.add_domain(KEY, "late.example")
    await mailroom.clock_ahead(seconds=31)
    assert await offered(mailroom, "late") == ["late.example"]
