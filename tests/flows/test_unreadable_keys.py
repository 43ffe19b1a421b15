"""Keys that are stored and cannot be decrypted: the work waits, and whoever connected the key hears why."""

from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from sandbox.slack import MAIL
from storage.encryption import generate_key
from storage.tables import Connection
from tests.flows.breaking import execute, rows
from tests.flows.stage import KEY, OTHER_KEY, Mailroom

SINGLE = "/mail mailbox create john@example.com"


async def loses_its_key(mailroom: Mailroom) -> None:
    await execute(mailroom, "UPDATE connection SET secret = 'unreadable'")


def with_another_key(mailroom: Mailroom) -> Any:
    """The settings of a bot that was started with another encryption key."""
    return mailroom.settings.model_copy(update={"mailroom_encryption_keys": SecretStr(generate_key())})


async def test_the_work_waits_and_goes_on_after_the_next_connect(mailroom: Mailroom) -> None:
    await loses_its_key(mailroom)
    with capture_logs() as lines:
        await mailroom.ben.types(MAIL, SINGLE)
        told = await mailroom.direct(mailroom.ana, KEY[-4:], "cannot be read with the encryption keys", "/mail connect")
        await mailroom.passes(seconds=60)
        await mailroom.ben.types(MAIL, "/mail domain create new.example")
        await mailroom.passes(seconds=60)
    assert "refuses" not in told.visible
    assert [m.ts for m in await mailroom.ana.direct_messages() if "encryption keys" in m.visible] == [told.ts]
    assert not [line for line in lines if line.get("exc_info")]
    assert [line["log_level"] for line in lines if line["event"] == "a stored key cannot be read"] == ["warning"]
    await mailroom.root(mailroom.ana, "john@example.com", "has no key that works", "/mail connect")
    assert "cannot be read here" in (await mailroom.ben.types(MAIL, "/mail status")).text
    await mailroom.connected(mailroom.ana)
    await mailroom.passes(seconds=60)
    await mailroom.root(mailroom.ana, "Done", "john@example.com")
    await mailroom.root(mailroom.ana, "Done", "new.example")


@pytest.mark.parametrize("line", ["domain list", "mailbox list example.com", "task 1"])
async def test_a_question_is_told_how_to_go_on(mailroom: Mailroom, line: str) -> None:
    await loses_its_key(mailroom)
    await mailroom.ben.types(MAIL, f"/mail {line}")
    told = await mailroom.private(mailroom.ben, f"The stored key ending `{KEY[-4:]}` cannot be read", "/mail connect")
    assert "refuses" not in told.visible


async def test_what_was_accepted_with_it_is_watched_with_the_next_key_of_the_same_account(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, SINGLE)
    await mailroom.made("create_mailbox_single")
    await mailroom.mailapi.add_account(OTHER_KEY, 123)
    await mailroom.connected(mailroom.ana, OTHER_KEY)
    await execute(mailroom, "UPDATE connection SET secret = 'unreadable' WHERE state = 'replaced'")
    await mailroom.mailapi.release_queue()
    await mailroom.exists("john@example.com")
    for _ in range(3):
        await mailroom.passes(seconds=60)
    await mailroom.completed(mailroom.ben)
    assert [row.broken_at is None for row in await rows(mailroom, Connection)] == [False, True]
    assert not [m for m in await mailroom.ana.direct_messages() if "cannot be read" in m.visible]


async def test_a_start_with_another_encryption_key_crashes_nothing_and_one_with_the_right_key_goes_on(
    outside: Mailroom,
) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await outside.at_rest()
    right = outside.settings
    outside.settings = with_another_key(outside)
    async with outside.running():
        await outside.ben.types(MAIL, SINGLE)
        await outside.direct(outside.ana, "cannot be read with the encryption keys")
        await outside.passes(seconds=60)
    outside.settings = right
    async with outside.running():
        await outside.completed(outside.ben)
    assert await outside.mailapi.mailboxes() == {"john@example.com": 1}


async def test_a_key_that_could_be_read_again_and_is_refused_later_is_told_of_both_times(outside: Mailroom) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.at_rest()
    right = outside.settings
    outside.settings = with_another_key(outside)
    async with outside.running():
        await outside.ben.types(MAIL, "/mail domain list")
        await outside.direct(outside.ana, "cannot be read with the encryption keys")
        await outside.at_rest()
    outside.settings = right
    async with outside.running():
        await outside.mailapi.forget_key(KEY)
        await outside.ben.types(MAIL, "/mail domain list")
        await outside.direct(outside.ana, "MailAPI refuses the key")


async def test_a_key_that_is_refused_by_mailapi_is_not_tried_again_at_a_start(outside: Mailroom) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.mailapi.forget_key(KEY)
        await outside.ben.types(MAIL, "/mail domain list")
        await outside.direct(outside.ana, "MailAPI refuses the key")
        await outside.at_rest()
    async with outside.running():
        await outside.at_rest()
        assert [row.broken_at is None for row in await rows(outside, Connection)] == [False]


async def test_a_key_that_cannot_be_read_while_it_is_checked_is_told_so(outside: Mailroom) -> None:
    await outside.mailapi.fault("list_domain", "status", times=None, status=503)
    async with outside.running():
        await outside.connect(outside.ana)
        await outside.made("list_domain")
    await outside.mailapi.clear_faults()
    outside.settings = with_another_key(outside)
    async with outside.running():
        await outside.passes(seconds=10)
        told = await outside.direct(outside.ana, "cannot be read with the encryption keys")
    assert "MailAPI says" not in told.visible
