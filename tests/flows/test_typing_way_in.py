"""`/mail` alone, and what every command says before anybody has connected."""

import pytest

from bot.commands import COMMANDS
from sandbox.slack import MAIL
from tests.flows.stage import CALLER_ID, KEY, Mailroom

FORMS = {
    "Create Mailboxes": ["Domain", "Prefix", "How many", "Quota of each"],
    "Create One Mailbox": ["Domain", "Before the @", "Name", "Quota"],
    "Create Domain": ["Domain"],
    "Create Sub-domains": ["Parent domain", "Labels"],
}
LINES = {
    "List Domains": ("1 domain", "example.com"),
    "Show Status": ("Connected with the key ending", "0 requests"),
    "Show Help": ("/mail mailbox bulk", "Examples"),
}
UNCONNECTED = {
    **{
        " ".join(command.path): command.example.removeprefix("/mail ")
        for command in COMMANDS
        if command.path not in {("help",), ("connect",), ("audit",)}
    },
    "form": "mailbox bulk",
    "half a form": "mailbox bulk example.com team",
    "wrong word": "mailbox bulk example.com team many",
    "no such command": "frobnicate",
    "half a command": "domain",
    "open quote": 'mailbox create john@example.com --name "John',
    "help": "help",
    "help about a topic": "help mailbox",
    "nothing": "",
}


@pytest.mark.parametrize("line", UNCONNECTED.values(), ids=UNCONNECTED.keys())
async def test_before_anybody_has_connected_every_command_says_how_with_a_button_that_works(
    unconnected: Mailroom, line: str
) -> None:
    ben = unconnected.ben
    await ben.types(MAIL, f"/mail {line}")
    await ben.clicks(await unconnected.private(ben, "/mail connect"), "Connect MailAPI")
    assert (await unconnected.form(ben)).inputs == ["API key", "Caller id"]
    await ben.fills(**{"API key": KEY, "Caller id": str(CALLER_ID)})
    assert await ben.submits() == {}
    await unconnected.direct(ben, "Connected", KEY[-4:])


async def test_a_key_that_is_typed_after_connect_is_warned_of_also_before_anybody_has_connected(
    unconnected: Mailroom,
) -> None:
    for line in (f"connect {KEY}", f"Connect --key {KEY}", f"connect key={KEY}", f'connect "{KEY}'):
        ack = await unconnected.ben.types(MAIL, f"/mail {line}")
        assert "replace it at MailAPI now" in ack.text, line
        assert KEY.lower() not in ack.text.lower(), line
        assert await unconnected.ben.view() is None
    assert await unconnected.mailapi.requests() == []


async def test_the_command_alone_says_before_anybody_has_connected_what_this_is(unconnected: Mailroom) -> None:
    ack = await unconnected.ben.types(MAIL, "/mail")
    assert "creates mail domains and mailboxes through MailAPI" in ack.text
    answer = await unconnected.private(unconnected.ben, "no MailAPI key yet")
    assert answer.buttons == ["Connect MailAPI", "Show Help"]
    await unconnected.ben.clicks(answer, "Show Help")
    await unconnected.private(unconnected.ben, *(command.usage for command in COMMANDS if "<" not in command.usage))


async def test_the_command_alone_says_what_is_connected_and_offers_the_common_things(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, "/mail")
    assert f"ending `{KEY[-4:]}`" in ack.text
    assert f"caller id {CALLER_ID}" in ack.text
    assert "Nothing is under way." in ack.text
    assert ack.payload["response_type"] == "ephemeral"
    answer = await mailroom.private(mailroom.ben, "Nothing is under way.")
    assert answer.buttons == [*FORMS, *LINES]


async def test_the_command_alone_says_what_waits(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    await mailroom.root(mailroom.ben, "In progress")
    assert "1 request under way" in (await mailroom.ana.types(MAIL, "/mail")).text
    await mailroom.ben.types(MAIL, "/mail mailbox create jane@example.com")
    assert "2 requests under way" in (await mailroom.ana.types(MAIL, "/mail")).text
    await mailroom.mailapi.release_queue()
    await mailroom.exists("john@example.com", "jane@example.com")

    async def nothing_waits() -> bool:
        return "Nothing is under way." in (await mailroom.ana.types(MAIL, "/mail")).text

    await mailroom.until(nothing_waits, "the end of both")


@pytest.mark.parametrize("button", FORMS)
async def test_a_button_of_the_way_in_opens_an_empty_form(mailroom: Mailroom, button: str) -> None:
    await mailroom.ben.types(MAIL, "/mail")
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, "Nothing is under way."), button)
    form = await mailroom.form(mailroom.ben)
    assert form.inputs == FORMS[button]
    assert not any(form.values.values())


@pytest.mark.parametrize("button", LINES)
async def test_a_button_of_the_way_in_stands_for_a_command(mailroom: Mailroom, button: str) -> None:
    await mailroom.ben.types(MAIL, "/mail")
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, "Nothing is under way."), button)
    await mailroom.private(mailroom.ben, *LINES[button])
    assert await mailroom.roots(mailroom.ana) == []


async def test_a_form_from_the_way_in_makes_a_request_in_the_channel_of_the_way_in(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail")
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, "Nothing is under way."), "Create One Mailbox")
    await mailroom.ben.fills(**{"Domain": "example.com", "Before the @": "john"})
    assert await mailroom.ben.submits() == {}
    root = await mailroom.root(mailroom.ana, "Done", "john@example.com")
    await mailroom.completion(mailroom.ben, root)


async def test_the_way_in_says_that_mailapi_refuses_the_key(mailroom: Mailroom) -> None:
    await mailroom.mailapi.forget_key(KEY)
    await mailroom.ben.types(MAIL, "/mail domain list")
    await mailroom.private(mailroom.ben, "MailAPI refuses the key")
    ack = await mailroom.ben.types(MAIL, "/mail")
    assert f"refuses the key ending `{KEY[-4:]}`" in ack.text
    assert "/mail connect" in ack.text
