"""A MailAPI key that somebody types where it does not belong is refused, and is nowhere afterwards."""

from pathlib import Path

import pytest

from sandbox.slack import MAIL
from tests.flows.deciding import asks, rejects
from tests.flows.stage import Mailroom
from tests.flows.test_canaries import found, shown_in_slack, stored

KEY = "Typ3dWh3r3N0K3yB3longs0123456789"
REFUSED = "does not belong"


async def is_nowhere(mailroom: Mailroom, folder: Path) -> None:
    """Neither as it was typed nor as it would be as a part of an address."""
    await mailroom.at_rest()
    assert found({**stored(folder), **await shown_in_slack(mailroom)}, (KEY, KEY.lower())) == []
    assert await mailroom.mailapi.creates() == []


@pytest.mark.parametrize(
    "line",
    [
        f"mailbox create {KEY}@example.com",
        f"mailbox create john@example.com --name 'my {KEY}'",
        f"mailbox bulk example.com {KEY} 2",
        f"domain list key={KEY}",
        f"explain mailbox create {KEY}@example.com",
        f"domain create {KEY}.example",
        f"audit key:{KEY}",
        f"{KEY}",
        f"{KEY} mailbox list",
        f"mailbox list --{KEY}=x",
    ],
)
async def test_as_a_part_of_a_line(mailroom: Mailroom, tmp_path: Path, line: str) -> None:
    ack = await mailroom.ben.types(MAIL, f"/mail {line}")
    assert REFUSED in ack.text
    await is_nowhere(mailroom, tmp_path)


@pytest.mark.parametrize("line", [f"create-mailbox {KEY}@example.com", f"mailbox creat {KEY}", f"nothing {KEY}"])
async def test_behind_something_that_is_no_command(mailroom: Mailroom, tmp_path: Path, line: str) -> None:
    ack = await mailroom.ben.types(MAIL, f"/mail {line}")
    assert "no command" in ack.text
    await is_nowhere(mailroom, tmp_path)


REQUIRED = {"Domain": "example.com", "Before the @": "john", "Prefix": "team", "How many": "2"}
FIELDS = {
    "domain": ("domain create", "Domain", f"{KEY}.example"),
    "labels": ("subdomain create example.com", "Labels", f"team, {KEY}"),
    "local part": ("mailbox create", "Before the @", KEY),
    "name": ("mailbox create", "Name", f"Key {KEY}"),
    "prefix": ("mailbox bulk", "Prefix", KEY),
}


@pytest.mark.parametrize(("line", "field", "typed"), FIELDS.values(), ids=FIELDS)
async def test_in_a_field_of_a_form(mailroom: Mailroom, tmp_path: Path, line: str, field: str, typed: str) -> None:
    await mailroom.ben.types(MAIL, f"/mail {line}")
    inputs = (await mailroom.form(mailroom.ben)).inputs
    await mailroom.ben.fills(**{name: value for name, value in {**REQUIRED, field: typed}.items() if name in inputs})
    assert REFUSED in (await mailroom.ben.submits())[field]
    await is_nowhere(mailroom, tmp_path)


async def test_in_the_reason_of_a_rejection(gated: Mailroom, tmp_path: Path) -> None:
    errors = await rejects(gated, gated.ana, await asks(gated), f"The key {KEY} is old.")
    assert REFUSED in errors["Reason"]
    await is_nowhere(gated, tmp_path)


async def test_a_checksum_is_no_key(mailroom: Mailroom) -> None:
    """An MD5 has 32 digits and letters of one case."""
    await mailroom.ben.types(MAIL, "/mail mailbox create d41d8cd98f00b204e9800998ecf8427e@example.com")
    await mailroom.exists("d41d8cd98f00b204e9800998ecf8427e@example.com")
