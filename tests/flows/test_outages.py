"""MailAPI that fails, is away, or no longer takes the key: nothing is lost, nothing is made twice."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.mailapi import MailAPIControl
from sandbox.mailapi import create_app as create_mailapi
from sandbox.serving import serve
from sandbox.slack import MAIL
from tests.flows.stage import CALLER_ID, IMPATIENT, KEY, OTHER_KEY, Mailroom

SINGLE = "mailbox create john@example.com"
READS = {
    "the look before": ("list_mailbox", SINGLE),
    "the look before, at domains": ("list_domain", "domain create new.example"),
    "the look before, at the parent": ("list_domain", "subdomain create example.com team"),
    "a single's task": ("get_mailbox_single", SINGLE),
    "a bulk's task": ("get_mailbox_bulk", "mailbox bulk example.com team 3"),
}
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "status": 503},
    {"kind": "html"},
    {"kind": "malformed"},
    {"kind": "empty"},
    {"kind": "reset_before"},
    {"kind": "rate_limited", "retry_after": 1},
)


@pytest.mark.parametrize(("endpoint", "line"), READS.values(), ids=READS.keys())
async def test_a_read_that_fails_is_asked_again_whatever_the_failure(
    mailroom: Mailroom, endpoint: Any, line: str
) -> None:
    for fault in FAULTS:
        await mailroom.mailapi.fault(endpoint, **fault)
    await mailroom.ben.types(MAIL, f"/mail {line}")
    await mailroom.made(endpoint)
    for _ in range(len(FAULTS) + 1):
        await mailroom.passes(minutes=1)
    await mailroom.completed(mailroom.ben)
    await mailroom.root(mailroom.ana, "Done")
    assert len(await mailroom.mailapi.creates()) == 1
    assert len(await mailroom.asked(endpoint)) > len(FAULTS)


async def test_a_read_that_never_answers_is_asked_again(outside: Mailroom) -> None:
    outside.timeouts = IMPATIENT
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.mailapi.fault("list_mailbox", "drop")
        await outside.ben.types(MAIL, f"/mail {SINGLE}")
        await outside.made("list_mailbox")
        await outside.passes(seconds=5)
        await outside.completed(outside.ben)


@pytest.mark.parametrize("line", ["domain list", "mailbox list example.com", "task 1"])
async def test_a_question_that_mailapi_does_not_answer_is_told_privately(mailroom: Mailroom, line: str) -> None:
    await mailroom.mailapi.fault("any", "status", times=None, status=503)
    await mailroom.ben.types(MAIL, f"/mail {line}")
    await mailroom.private(mailroom.ben, "MailAPI did not answer", "Try again in a minute")


async def test_a_create_that_is_limited_is_sent_again(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("create_mailbox_single", "rate_limited", retry_after=60)
    await mailroom.ben.types(MAIL, f"/mail {SINGLE}")
    await mailroom.made("create_mailbox_single")
    await mailroom.passes(seconds=40)
    await mailroom.at_rest()
    assert len(await mailroom.asked("create_mailbox_single")) == 1
    await mailroom.passes(seconds=21)
    await mailroom.completed(mailroom.ben)
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1}


async def test_mailapi_that_is_away_is_waited_for(outside: Mailroom, tmp_path: Path) -> None:
    state = tmp_path / "mailapi.db"
    async with serve(create_mailapi(state=state)) as url:
        async with MailAPIControl(url) as control:
            await control.set_speed(mailbox_seconds=0.01)
            await control.add_account(KEY, CALLER_ID)
            await control.add_domain(KEY, "example.com")
        outside.settings = outside.settings.model_copy(update={"mailapi_url": f"{url}/api"})
        bot = outside.running()
        await bot.__aenter__()
        await outside.connected(outside.ana)
    try:
        await outside.ben.types(MAIL, f"/mail {SINGLE}")
        for _ in range(4):
            await outside.passes(seconds=20)
        await outside.root(outside.ana, "MailAPI is slow to answer", "Nothing has been sent")
        async with serve(create_mailapi(state=state), port=urlsplit(url).port or 0), MailAPIControl(url) as control:
            await control.set_speed(mailbox_seconds=0.01)
            await outside.passes(seconds=60)
            await outside.completed(outside.ben)
            assert await control.mailboxes() == {"john@example.com": 1}
    finally:
        await bot.__aexit__(None, None, None)


async def test_a_key_that_is_refused_later_pauses_the_work_until_the_next_connect(mailroom: Mailroom) -> None:
    await mailroom.mailapi.forget_key(KEY)
    await mailroom.ben.types(MAIL, f"/mail {SINGLE}")
    told = await mailroom.direct(mailroom.ana, "MailAPI refuses the key", KEY[-4:], "Invalid API key.", "/mail connect")
    await mailroom.passes(seconds=60)
    await mailroom.ben.types(MAIL, "/mail domain create new.example")
    await mailroom.passes(seconds=60)
    assert [m.ts for m in await mailroom.ana.direct_messages() if "refuses" in m.visible] == [told.ts]
    assert await mailroom.mailapi.creates() == []
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await mailroom.connected(mailroom.ana, OTHER_KEY)
    await mailroom.passes(seconds=60)
    await mailroom.root(mailroom.ana, "Done", "john@example.com")
    await mailroom.root(mailroom.ana, "Done", "new.example")
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1}


async def test_a_key_that_is_refused_by_a_create_loses_nothing(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("create_mailbox_single", "status", status=401, reason="Invalid API key.")
    await mailroom.ben.types(MAIL, f"/mail {SINGLE}")
    await mailroom.direct(mailroom.ana, "MailAPI refuses the key")
    await mailroom.connected(mailroom.ana)
    await mailroom.passes(seconds=60)
    await mailroom.completed(mailroom.ben)
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1}


async def test_a_question_with_a_refused_key_is_told_how_to_go_on(mailroom: Mailroom) -> None:
    await mailroom.mailapi.forget_key(KEY)
    await mailroom.ben.types(MAIL, "/mail domain list")
    await mailroom.private(mailroom.ben, f"refuses the key ending `{KEY[-4:]}`", "/mail connect")
    await mailroom.direct(mailroom.ana, "MailAPI refuses the key")


async def test_what_was_accepted_goes_on_after_the_key_was_exchanged(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, f"/mail {SINGLE}")
    await mailroom.made("create_mailbox_single")
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await mailroom.connected(mailroom.ana, OTHER_KEY)
    await mailroom.mailapi.release_queue()
    await mailroom.completed(mailroom.ben)
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1}


async def test_what_was_accepted_ends_also_where_its_key_is_gone(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, f"/mail {SINGLE}")
    await mailroom.made("create_mailbox_single")
    await mailroom.mailapi.forget_key(KEY)
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID)
    await mailroom.passes(seconds=30)
    await mailroom.connected(mailroom.ana, OTHER_KEY)
    await mailroom.mailapi.release_queue()
    await mailroom.exists("john@example.com")
    for _ in range(10):
        await mailroom.passes(seconds=60)
    await mailroom.completed(mailroom.ben)
    await mailroom.root(mailroom.ana, "Done")
    assert len(await mailroom.mailapi.creates()) == 1


async def test_a_paused_request_says_so_in_its_root_message(mailroom: Mailroom) -> None:
    await mailroom.mailapi.forget_key(KEY)
    await mailroom.ben.types(MAIL, f"/mail {SINGLE}")
    await mailroom.direct(mailroom.ana, "MailAPI refuses the key")
    await mailroom.passes(seconds=10)
    await mailroom.root(mailroom.ana, "john@example.com", "has no key that works", "/mail connect")


async def test_a_request_that_is_made_while_the_key_is_refused_is_announced(mailroom: Mailroom) -> None:
    await mailroom.mailapi.forget_key(KEY)
    await mailroom.ben.types(MAIL, "/mail domain list")
    await mailroom.direct(mailroom.ana, "MailAPI refuses the key")
    await mailroom.ben.types(MAIL, f"/mail {SINGLE}")
    await mailroom.passes(seconds=10)
    await mailroom.root(mailroom.ana, "john@example.com", "has no key that works", "/mail connect")
