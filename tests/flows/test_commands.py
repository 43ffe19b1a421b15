"""Each row of the command table, over both ways in: acknowledgement, root message, thread, completion, the wire."""

import pytest

from bot.commands import COMMANDS
from sandbox.slack import MAIL
from tests.flows.stage import CALLER_ID, KEY, Mailroom

pytestmark = pytest.mark.parametrize("mode", ["socket", "http"])


async def test_help_shows_every_command_with_an_example(unconnected: Mailroom) -> None:
    ack = await unconnected.ben.types(MAIL, "/mail help")
    for command in COMMANDS:
        assert command.usage in ack.text
        assert command.summary in ack.text
        assert command.example in ack.text


async def test_the_command_alone_is_the_way_in(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, "/mail")
    assert f"Connected with the key ending `{KEY[-4:]}`" in ack.text
    answer = await mailroom.private(mailroom.ben, "Connected")
    await mailroom.ben.clicks(answer, "Show Help")
    await mailroom.private(mailroom.ben, *(command.summary for command in COMMANDS))


async def test_a_key_is_connected_in_a_form_and_a_direct_message_confirms_it(unconnected: Mailroom) -> None:
    ack = await unconnected.ana.types(MAIL, "/mail connect")
    assert ack.text == ""
    await unconnected.ana.fills(**{"API key": KEY, "Caller id": str(CALLER_ID)})
    assert await unconnected.ana.submits() == {}
    told = await unconnected.direct(unconnected.ana, "Connected", KEY[-4:], "1 domain in the account")
    assert KEY not in told.visible
    await unconnected.form(unconnected.ana, "Connected", KEY[-4:], "1 domain in the account")
    assert await unconnected.asked("list_domain") == [{"caller_id": str(CALLER_ID)}]


async def test_the_domains_are_listed_privately(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_domain(KEY, "late.example", status="pending", quota="20GB")
    await mailroom.mailapi.set_speed(domain_seconds=3600)
    await mailroom.mailapi.add_mailbox(KEY, "kim@example.com")
    ack = await mailroom.ben.types(MAIL, "/mail domain list")
    assert ack.ok
    table = await mailroom.private(mailroom.ben, "2 domains")
    lines = table.visible.splitlines()
    assert lines[1] == "Domain | Status | Quota | Mailboxes | Created"
    assert lines[2].startswith("example.com | verified | 10GB | 1 | 20")
    assert lines[3].startswith("late.example | ")
    assert await mailroom.roots(mailroom.ana) == []


async def test_a_domain_is_created_and_watched_until_it_is_verified(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    ack = await mailroom.ben.types(MAIL, "/mail domain create New.Example")
    assert "new.example" in ack.text
    root = await mailroom.root(mailroom.ana, "In progress", "new.example", f"<@{mailroom.ben.id}>")
    assert await mailroom.ana.reads_thread(MAIL, root.ts) == []
    await mailroom.mailapi.release_queue()
    root = await mailroom.root(mailroom.ana, "Done", "new.example")
    assert "created and verified" in (await mailroom.completion(mailroom.ben, root)).visible
    assert await mailroom.asked("create_domain") == [{"Domain": "new.example", "Params": {}}]
    assert (await mailroom.mailapi.domains())["new.example"] == "verified"


async def test_sub_domains_are_created_and_watched_until_all_are_there(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, "/mail subdomain create example.com Team support")
    assert "2 sub-domains of `example.com`" in ack.text
    root = await mailroom.root(mailroom.ana, "Done", "2 of 2", "team.example.com", "support.example.com")
    completion = await mailroom.completion(mailroom.ben, root)
    assert "team.example.com | verified" in completion.visible
    assert "support.example.com | verified" in completion.visible
    assert await mailroom.asked("create_subdomain") == [
        {"Domain": "example.com", "Params": {"sub_domains": ["team", "support"]}}
    ]


async def test_the_mailboxes_of_a_domain_are_listed_privately_without_credentials(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_mailbox(KEY, "kim@example.com", quota="512MB")
    await mailroom.mailapi.set_credentials("kim@example.com", {"password": "hunter2hunter2"})
    assert (await mailroom.ben.types(MAIL, "/mail mailbox list Example.com")).ok
    table = await mailroom.private(mailroom.ben, "1 mailbox", "kim@example.com | active | 512MB")
    assert "hunter2" not in table.visible
    assert "hunter2" not in await mailroom.slack.everything()
    assert await mailroom.roots(mailroom.ana) == []
    assert await mailroom.asked("list_mailbox") == [{"caller_id": str(CALLER_ID), "domain": "example.com"}]


async def test_one_mailbox_is_created_and_its_end_is_told_in_the_thread(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, '/mail mailbox create john@example.com --name "John Doe" --quota 1024')
    assert "john@example.com" in ack.text
    root = await mailroom.root(mailroom.ana, "Done", "john@example.com", "John Doe", "1024 MB", "MailAPI task")
    assert root.edited
    completion = await mailroom.completion(mailroom.ben, root)
    assert completion.visible.splitlines() == [
        f"<@{mailroom.ben.id}> Mailbox `john@example.com`: created.",
        "Show Credentials",
    ]
    assert await mailroom.asked("create_mailbox_single") == [
        {
            "Domain": "example.com",
            "Email_fullname": "john",
            "Params": {"display_name": "John Doe", "quota_mb": 1024},
            "single_bulk": "single",
        }
    ]
    assert await mailroom.mailapi.mailboxes("example.com") == {"john@example.com": 1}


async def test_many_mailboxes_are_created_at_once_and_each_is_told(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, "/mail mailbox bulk example.com team 3 --quota 512")
    assert "3 mailboxes at `example.com`" in ack.text
    root = await mailroom.root(mailroom.ana, "Done", "3 of 3", "512 MB each, 1,536 MB in all")
    completion = await mailroom.completion(mailroom.ben, root)
    assert completion.visible.splitlines()[1:] == [
        "Mailbox | Result",
        *(f"team{n}@example.com | Created successfully." for n in (1, 2, 3)),
        "Show Credentials",
    ]
    assert await mailroom.asked("create_mailbox_bulk") == [
        {
            "Domain": "example.com",
            "Email_fullname": "team",
            "Params": {"count": 3, "quota_mb": 512},
            "single_bulk": "bulk",
        }
    ]
    assert await mailroom.mailapi.mailboxes("example.com") == {f"team{n}@example.com": 1 for n in (1, 2, 3)}


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("/mail mailbox create john@example.com", "john@example.com | Created successfully."),
        ("/mail mailbox bulk example.com team 2", "team2@example.com | Created successfully."),
    ],
    ids=["single", "bulk"],
)
async def test_a_task_of_either_kind_is_shown_privately(mailroom: Mailroom, line: str, result: str) -> None:
    await mailroom.mailapi.number_tasks_from(7001)
    await mailroom.ben.types(MAIL, line)
    root = await mailroom.root(mailroom.ben, "Done", "MailAPI task 7001")
    assert (await mailroom.ana.types(MAIL, "/mail task 7001")).ok
    await mailroom.private(mailroom.ana, "Task 7001 at `example.com` is completed", result)
    assert len(await mailroom.roots(mailroom.ben)) == 1
    assert all("Task 7001" not in m.visible for m in await mailroom.ben.reads_thread(MAIL, root.ts))


async def test_a_task_that_does_not_exist_is_told_privately_as_mailapi_words_it(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail task 999")
    await mailroom.private(mailroom.ben, "MailAPI says: Task ID was not found for this API key.")
