"""What clients do to typed text is undone, and what is wrong is answered so that the next attempt is right."""

import random
from typing import Any

import pytest

from bot.commands import COMMANDS
from sandbox.slack import MAIL
from tests.flows.stage import KEY, Mailroom

PHONES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "a domain that Slack links": (
        "domain create <http://New.Example|New.Example>",
        "create_domain",
        {"Domain": "new.example", "Params": {}},
    ),
    "a domain that a phone begins with a capital and ends with a dot": (
        "Domain create New.example.",
        "create_domain",
        {"Domain": "new.example", "Params": {}},
    ),
    "an international domain": (
        "domain create München.Example",
        "create_domain",
        {"Domain": "xn--mnchen-3ya.example", "Params": {}},
    ),
    "a parent that Slack links, with no-break spaces": (
        "subdomain\u00a0create\u00a0<http://example.com|example.com>\u00a0Team",
        "create_subdomain",
        {"Domain": "example.com", "Params": {"sub_domains": ["team"]}},
    ),
    "an address that Slack links, curly quotes and em dashes": (
        "mailbox create <mailto:John@Example.com|John@Example.com> —name “John Doe” —quota 1GB",
        "create_mailbox_single",
        {
            "Domain": "example.com",
            "Email_fullname": "john",
            "Params": {"display_name": "John Doe", "quota_mb": 1024},
            "single_bulk": "single",
        },
    ),
    "entities, a channel and options without dashes": (
        "mailbox create rd@example.com name='R&amp;D in <#C0MAIL0001|mail>' quota=512MB",
        "create_mailbox_single",
        {
            "Domain": "example.com",
            "Email_fullname": "rd",
            "Params": {"display_name": "R&D in #mail", "quota_mb": 512},
            "single_bulk": "single",
        },
    ),
    "upper case and an option with an equals sign": (
        "MAILBOX BULK EXAMPLE.COM TEAM 2 --QUOTA=256",
        "create_mailbox_bulk",
        {"Domain": "example.com", "Email_fullname": "team", "Params": {"count": 2, "quota_mb": 256}}
        | {"single_bulk": "bulk"},
    ),
}


@pytest.mark.parametrize(("line", "endpoint", "sent"), PHONES.values(), ids=PHONES.keys())
async def test_a_command_as_a_phone_sends_it_is_carried_out_as_it_was_meant(
    mailroom: Mailroom, line: str, endpoint: str, sent: dict[str, Any]
) -> None:
    await mailroom.ben.types(MAIL, f"/mail {line}")
    await mailroom.root(mailroom.ben, "Done")
    assert await mailroom.asked(endpoint) == [sent]


async def test_an_international_domain_is_shown_as_written_and_as_it_travels(mailroom: Mailroom) -> None:
    both = "`münchen.example` (`xn--mnchen-3ya.example`)"
    assert both in (await mailroom.ben.types(MAIL, "/mail domain create MÜNCHEN.example")).text
    root = await mailroom.root(mailroom.ben, "Done", both)
    assert both in (await mailroom.completion(mailroom.ben, root)).visible


async def test_a_wrong_word_is_named_with_what_was_understood_and_the_form_goes_on_from_there(
    mailroom: Mailroom,
) -> None:
    ack = await mailroom.ben.types(MAIL, "/mail mailbox bulk <http://example.com|example.com> team many —quota 1GB")
    assert "`many` is not a number of mailboxes." in ack.text
    assert "Understood so far: domain `example.com`, prefix `team`, quota of each `1GB`." in ack.text
    assert "Example: `/mail mailbox bulk example.com team 25 --quota 512`" in ack.text
    answer = await mailroom.private(mailroom.ben, "`many`")
    assert answer.buttons == ["Open Form"]
    await mailroom.ben.clicks(answer, "Open Form")
    form = await mailroom.form(mailroom.ben)
    assert form.values == {"Domain": "example.com", "Prefix": "team", "How many": None, "Quota of each": "1GB"}
    await mailroom.ben.fills(**{"How many": "2"})
    assert await mailroom.ben.submits() == {}
    await mailroom.root(mailroom.ana, "Done", "2 of 2", "1,024 MB each")


OFFERED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "domain": ("domain create example", "`example` is not a domain", {"Domain": None}),
    "sub-domain": (
        "subdomain create example.com a_b",
        "`a_b` is not a sub-domain label",
        {"Parent domain": "example.com", "Labels": None},
    ),
    "mailbox": (
        'mailbox create john@example.com --name "John Doe" --quota lots',
        "`lots` is not a quota",
        {"Domain": "example.com", "Before the @": "john", "Name": "John Doe", "Quota": None},
    ),
    "word too many": (
        "mailbox bulk example.com team 25 now",
        "`now` is one word too many",
        {"Domain": "example.com", "Prefix": "team", "How many": "25", "Quota of each": None},
    ),
    "option that is not there": (
        "mailbox bulk example.com team 25 --size 5",
        "There is no option `--size` here",
        {"Domain": "example.com", "Prefix": "team", "How many": "25", "Quota of each": None},
    ),
}


@pytest.mark.parametrize(("line", "said", "filled"), OFFERED.values(), ids=OFFERED.keys())
async def test_wrong_input_offers_the_form_with_what_was_right(
    mailroom: Mailroom, line: str, said: str, filled: dict[str, Any]
) -> None:
    ack = await mailroom.ben.types(MAIL, f"/mail {line}")
    assert said in ack.text
    assert "Example: `/mail " in ack.text
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, said), "Open Form")
    form = await mailroom.form(mailroom.ben)
    assert {label: value or None for label, value in form.values.items()} == filled


NEAREST = {
    "second word": ("mailbox blk example.com team 25", "Did you mean `/mail mailbox bulk`?"),
    "first word": ("mailbx bulk example.com team 25", "Did you mean `/mail mailbox bulk`?"),
    "both words in one": ("domainlist", "Did you mean `/mail domain list`?"),
    "one word": ("hlep", "Did you mean `/mail help`?"),
    "in capitals": ("DOMIAN LIST", "Did you mean `/mail domain list`?"),
    "nothing near": ("frobnicate", "`/mail help` shows what there is"),
    "half of a command": ("mailbox", "`/mail mailbox list` or `/mail mailbox create` or `/mail mailbox bulk`"),
}


@pytest.mark.parametrize(("line", "said"), NEAREST.values(), ids=NEAREST.keys())
async def test_a_command_that_there_is_not_is_answered_with_the_nearest(
    mailroom: Mailroom, line: str, said: str
) -> None:
    ack = await mailroom.ben.types(MAIL, f"/mail {line}")
    assert said in ack.text
    assert "Example: `/mail " in ack.text
    assert await mailroom.roots(mailroom.ana) == []


async def test_a_mistyped_create_opens_the_form_of_the_nearest_command_with_what_was_right(
    mailroom: Mailroom,
) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox blk example.com team 25")
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, "Did you mean `/mail mailbox bulk`?"), "Open Form")
    form = await mailroom.form(mailroom.ben)
    assert form.values == {"Domain": "example.com", "Prefix": "team", "How many": "25", "Quota of each": None}


async def test_a_word_that_is_no_domain_is_answered_with_the_nearest_of_the_workspace(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_domain(KEY, "quite-another.test")
    for line in ("mailbox create john@exampel", "mailbox bulk exampel team 2", "mailbox list exampel"):
        ack = await mailroom.ben.types(MAIL, f"/mail {line}")
        assert "`exampel` is not a domain." in ack.text, line
        assert "Did you mean `example.com`?" in ack.text, line


async def test_a_domain_that_is_not_the_workspaces_is_answered_with_the_nearest_that_is(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_domain(KEY, "quite-another.test")
    await mailroom.ben.types(MAIL, "/mail mailbox bulk exmaple.com team 2")
    assert "Did you mean example.com?" in (await mailroom.completed(mailroom.ben)).visible
    await mailroom.ben.types(MAIL, "/mail mailbox list exmaple.com")
    await mailroom.private(mailroom.ben, "Did you mean `example.com`?")


TOPICS = {
    "mailbox": (["/mail mailbox list", "/mail mailbox create", "/mail mailbox bulk"], "/mail domain"),
    "domain": (["/mail domain list", "/mail domain create"], "/mail mailbox"),
    "SUBDOMAIN": (["/mail subdomain create"], "/mail domain"),
    "tasks": (["/mail tasks"], "/mail mailbox"),
    "connect": (["/mail connect"], "/mail mailbox"),
}


@pytest.mark.parametrize(("topic", "there", "not_there"), [(k, *v) for k, v in TOPICS.items()], ids=TOPICS.keys())
async def test_help_about_a_topic_shows_its_commands_and_no_others(
    mailroom: Mailroom, topic: str, there: list[str], not_there: str
) -> None:
    ack = await mailroom.ben.types(MAIL, f"/mail help {topic}")
    assert all(usage in ack.text for usage in there)
    assert not_there not in ack.text


async def test_help_about_nothing_that_there_is_names_the_topics(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, "/mail help frobnicate")
    assert "There is no help about `frobnicate`" in ack.text
    assert all(topic in ack.text for topic in ("connect", "domain", "subdomain", "mailbox", "task", "status"))


PIECES = (
    *(" ".join(command.path) for command in COMMANDS),
    *(word for command in COMMANDS for word in command.example.split()[1:]),
    *("--name", "—quota", "quota=", "name=“", "--", "=", "'", '"', "\\", "|", "<", ">", "<@U1|x>", "<#C1>", "<!here>"),
    *(
        "&amp;",
        "&lt;",
        "\u00a0",
        "\u200b",
        "\u202e",
        "\x00",
        "💌",
        "ü",
        "例え.jp",
        "٢",
        "." * 300,
        "x" * 3000,
        "a@b@c",
        "@",
    ),
)


async def test_no_line_makes_a_handler_fail(mailroom: Mailroom) -> None:
    await mailroom.slack.settings(ack_seconds=10)
    chosen = random.Random(1)  # noqa: S311 - the same lines in each run
    for _ in range(150):
        line = chosen.choice(("", " ")).join(chosen.choices(PIECES, k=chosen.randint(1, 7)))
        ack = await mailroom.ben.types(MAIL, f"/mail {line}")
        assert ack.ok, line
        assert "went wrong" not in ack.text, line
        assert "could not be opened" not in ack.text, line
        while await mailroom.ben.view():
            await mailroom.ben.closes()
