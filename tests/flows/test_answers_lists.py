"""Lists of any length: pages that turn in place, filters, totals, and all of it as a file."""

import asyncio
import csv
import io

import pytest

from sandbox.slack import ANA, MAIL, Message
from sandbox.slack.person import Person
from sandbox.slack.seen import SharedFile
from tests.flows.stage import KEY, OTHER_KEY, Mailroom

SIZES = [25, 25, 10]
"""The rows on each page of 60."""


async def with_mailboxes(mailroom: Mailroom, number: int, quota: str = "100MB") -> None:
    """Plant `a00@example.com` and so on, from the last to the first, so that any order is the bot's."""
    for n in reversed(range(number)):
        await mailroom.mailapi.add_mailbox(KEY, f"a{n:02}@example.com", quota)


async def with_domains(mailroom: Mailroom, number: int) -> None:
    """Plant `d000.example` and so on, beside `example.com`, which is there."""
    planted = [mailroom.mailapi.add_domain(KEY, f"d{n:03}.example") for n in reversed(range(number))]
    for at in range(0, number, 20):
        await asyncio.gather(*planted[at : at + 20])


def rows(message: Message) -> list[str]:
    """The first cells of the table, without its head."""
    lines = [line.split(" | ") for line in message.visible.splitlines() if " | " in line]
    return [cells[0] for cells in lines[1:]]


async def file_for(mailroom: Mailroom, person: Person) -> SharedFile:
    """The file that the bot sent to a person directly."""

    async def find() -> list[SharedFile]:
        return [file for message in await person.direct_messages() for file in message.files]

    (file,) = await mailroom.slack.until(find, what="a file")
    return file


def cells(file: SharedFile) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.text)))


async def test_sixty_mailboxes_are_three_sorted_pages_that_turn_in_place(mailroom: Mailroom) -> None:
    await with_mailboxes(mailroom, 60)
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    page = first = await mailroom.private(mailroom.ben, "Page 1 of 3")
    assert page.buttons == ["Next", "Get CSV"]
    seen = [rows(page)]
    for number in (2, 3):
        await mailroom.ben.clicks(page, "Next")
        page = await mailroom.private(mailroom.ben, f"Page {number} of 3")
        seen.append(rows(page))
    assert page.buttons == ["Previous", "Get CSV"]
    assert [len(each) for each in seen] == SIZES
    assert [row for each in seen for row in each] == [f"a{n:02}@example.com" for n in range(60)]
    await mailroom.ben.clicks(page, "Previous")
    page = await mailroom.private(mailroom.ben, "Page 2 of 3")
    assert page.buttons == ["Previous", "Next", "Get CSV"]
    assert rows(page) == seen[1]
    assert page.ts == first.ts
    assert [m.ts for m in await mailroom.ben.sees(MAIL) if m.ephemeral and "Page" in m.visible] == [first.ts]


async def test_three_hundred_domains_are_thirteen_sorted_pages(mailroom: Mailroom) -> None:
    await with_domains(mailroom, 299)
    await mailroom.ben.types(MAIL, "/mail domain list")
    page = await mailroom.private(mailroom.ben, "300 domains with 0 mailboxes", "Page 1 of 12")
    seen = rows(page)
    for number in range(2, 13):
        await mailroom.ben.clicks(page, "Next")
        page = await mailroom.private(mailroom.ben, f"Page {number} of 12")
        seen += rows(page)
    assert seen == sorted(["example.com", *(f"d{n:03}.example" for n in range(299))])
    assert "Next" not in page.buttons


async def test_a_list_that_fits_on_one_page_has_nothing_to_turn(mailroom: Mailroom) -> None:
    await with_mailboxes(mailroom, 25)
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    page = await mailroom.private(mailroom.ben, "25 mailboxes")
    assert page.buttons == ["Get CSV"]
    assert "Page" not in page.visible


async def test_mailboxes_are_totalled_and_their_quotas_set_against_the_domains(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_domain(KEY, "example.com", quota="10GB")
    await with_mailboxes(mailroom, 3, quota="1024MB")
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    await mailroom.private(mailroom.ben, "3 mailboxes at `example.com`", "3,072 MB of the domain's 10,240 MB")


async def test_domains_are_totalled_with_their_mailboxes(mailroom: Mailroom) -> None:
    await mailroom.mailapi.add_domain(KEY, "other.example")
    await mailroom.mailapi.add_mailbox(KEY, "kim@other.example")
    await with_mailboxes(mailroom, 2)
    await mailroom.ben.types(MAIL, "/mail domain list")
    await mailroom.private(mailroom.ben, "2 domains with 3 mailboxes")


async def test_mailboxes_are_filtered_and_totalled_by_what_is_left(mailroom: Mailroom) -> None:
    await with_mailboxes(mailroom, 40)
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com A1")
    page = await mailroom.private(mailroom.ben, "10 mailboxes at `example.com`", "with `a1` in the name", "1,000 MB")
    assert rows(page) == [f"a{n}@example.com" for n in range(10, 20)]


async def test_domains_are_filtered_and_the_filter_stays_when_the_page_is_turned(mailroom: Mailroom) -> None:
    await with_domains(mailroom, 60)
    await mailroom.ben.types(MAIL, "/mail domain list D0")
    page = await mailroom.private(mailroom.ben, "60 domains", "with `d0` in the name", "Page 1 of 3")
    await mailroom.ben.clicks(page, "Next")
    page = await mailroom.private(mailroom.ben, "with `d0` in the name", "Page 2 of 3")
    assert rows(page) == [f"d{n:03}.example" for n in range(25, 50)]


@pytest.mark.parametrize("line", ["mailbox list example.com zebra", "domain list zebra"])
async def test_a_filter_without_a_match_says_so_and_how_to_see_all(mailroom: Mailroom, line: str) -> None:
    await with_mailboxes(mailroom, 2)
    await mailroom.ben.types(MAIL, f"/mail {line}")
    told = await mailroom.private(mailroom.ben, "has `zebra` in its name")
    assert f"`/mail {line.removesuffix(' zebra')}`" in told.visible
    assert told.buttons == []


async def test_an_empty_list_of_mailboxes_says_how_to_make_one(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    await mailroom.private(mailroom.ben, "no mailboxes at `example.com` yet", "`/mail mailbox create john@example.com`")


async def test_an_empty_list_of_domains_says_how_to_make_one(unconnected: Mailroom) -> None:
    await unconnected.mailapi.add_account(OTHER_KEY, 456)
    await unconnected.connected(unconnected.ana, OTHER_KEY, 456)
    await unconnected.ben.types(MAIL, "/mail domain list")
    await unconnected.private(unconnected.ben, "no domains yet", "`/mail domain create example.com`")


async def test_an_empty_list_that_is_filtered_says_how_to_make_one_too(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com zebra")
    await mailroom.private(mailroom.ben, "no mailboxes at `example.com` yet", "`/mail mailbox create john@example.com`")


async def test_a_list_that_has_shrunk_is_turned_to_its_last_page(mailroom: Mailroom) -> None:
    await with_mailboxes(mailroom, 30)
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    page = await mailroom.private(mailroom.ben, "Page 1 of 2")
    await mailroom.mailapi.reset()
    await mailroom.mailapi.add_account(KEY, 123)
    await mailroom.mailapi.add_domain(KEY, "example.com")
    await with_mailboxes(mailroom, 3)
    await mailroom.ben.clicks(page, "Next")
    assert len(rows(await mailroom.private(mailroom.ben, "3 mailboxes"))) == 3


async def test_the_whole_list_is_sent_as_a_file_to_a_direct_message(mailroom: Mailroom) -> None:
    await with_mailboxes(mailroom, 60)
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, "Page 1 of 3"), "Get CSV")
    await mailroom.private(mailroom.ben, "in your direct messages with Mailroom")
    file = await file_for(mailroom, mailroom.ben)
    head, *body = cells(file)
    assert file.name == "mailboxes-example.com.csv"
    assert head == ["Mailbox", "Status", "Quota", "Created"]
    assert [row[0] for row in body] == [f"a{n:02}@example.com" for n in range(60)]
    assert {tuple(row[1:3]) for row in body} == {("active", "100MB")}
    (told,) = await mailroom.ben.direct_messages()
    assert told.text.startswith("60 mailboxes at `example.com`")
    assert not [m for m in await mailroom.ana.direct_messages() if "mailboxes at" in m.text or m.files]
    assert await mailroom.roots(mailroom.ana) == []


async def test_the_file_of_a_filtered_list_is_filtered(mailroom: Mailroom) -> None:
    await with_domains(mailroom, 40)
    await mailroom.ben.types(MAIL, "/mail domain list d03")
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, "10 domains"), "Get CSV")
    file = await file_for(mailroom, mailroom.ben)
    assert file.name == "domains.csv"
    assert [row[0] for row in cells(file)[1:]] == [f"d{n:03}.example" for n in range(30, 40)]


async def test_no_cell_of_the_file_is_run_as_a_formula(mailroom: Mailroom) -> None:
    await mailroom.mailapi.set_speed(domain_seconds=3600)
    evil = {sign: f'{sign}HYPERLINK("https://evil.example")' for sign in "=+-@"}
    for n, formula in enumerate(evil.values()):
        await mailroom.mailapi.add_domain(KEY, f"{n}.example", status=formula, quota=formula)
    await mailroom.ben.types(MAIL, "/mail domain list .example")
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, "4 domains"), "Get CSV")
    body = cells(await file_for(mailroom, mailroom.ben))[1:]
    assert [row[1] for row in body] == [f"'{formula}" for formula in evil.values()]
    assert not any(cell.startswith(tuple(evil)) for row in body for cell in row)


async def test_a_file_that_slack_does_not_take_is_told(mailroom: Mailroom) -> None:
    await with_mailboxes(mailroom, 2)
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    await mailroom.slack.fault("files.completeUploadExternal", "error", error="internal_error")
    await mailroom.ben.clicks(await mailroom.private(mailroom.ben, "2 mailboxes"), "Get CSV")
    await mailroom.private(mailroom.ben, "Slack did not take the file")


async def test_mailapi_that_is_down_when_a_page_is_turned_leaves_the_page_that_is_seen(mailroom: Mailroom) -> None:
    await with_mailboxes(mailroom, 30)
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    page = await mailroom.private(mailroom.ben, "Page 1 of 2")
    await mailroom.mailapi.fault("list_mailbox", "status", times=None, status=503)
    await mailroom.ben.clicks(page, "Next")
    await mailroom.private(mailroom.ben, "MailAPI did not answer")
    assert (await mailroom.private(mailroom.ben, "Page 1 of 2")).ts == page.ts


async def test_nobody_else_sees_a_list(mailroom: Mailroom) -> None:
    await with_mailboxes(mailroom, 30)
    await mailroom.ben.types(MAIL, "/mail mailbox list example.com")
    page = await mailroom.private(mailroom.ben, "Page 1 of 2")
    await mailroom.ben.clicks(page, "Next")
    await mailroom.private(mailroom.ben, "Page 2 of 2")
    assert await mailroom.ana.sees(MAIL) == [m for m in await mailroom.ana.sees(MAIL) if m.user == ANA]
