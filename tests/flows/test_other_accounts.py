"""The key is replaced by one of another account, or given up, while something is under way with the old one."""

from collections.abc import Awaitable, Callable

import pytest

from sandbox.slack import MAIL, Message
from tests.flows.stage import CALLER_ID, KEY, OTHER_KEY, Mailroom
from tests.flows.test_lost_answers import lose

SINGLE = "/mail mailbox create john@example.com"


async def connects_another_account(mailroom: Mailroom) -> None:
    """The old key is revoked, and the new one is of an account without the domain."""
    await mailroom.mailapi.forget_key(KEY)
    await mailroom.mailapi.add_account(OTHER_KEY, CALLER_ID + 1)
    await mailroom.connect(mailroom.ana, OTHER_KEY, CALLER_ID + 1)
    await mailroom.direct(mailroom.ana, "Connected", OTHER_KEY[-4:])


async def gives_up(mailroom: Mailroom) -> None:
    """The old key is revoked, and no other one is connected."""
    await mailroom.mailapi.forget_key(KEY)
    await mailroom.ana.types(MAIL, "/mail disconnect")
    await mailroom.ana.submits()
    await mailroom.form(mailroom.ana, "no longer used")


async def test_what_was_not_sent_ends_where_the_new_account_has_no_such_domain(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("create_mailbox_single", "rate_limited", retry_after=60)
    await mailroom.ben.types(MAIL, SINGLE)
    await mailroom.made("create_mailbox_single")
    await connects_another_account(mailroom)
    await mailroom.passes(seconds=70)
    told = await mailroom.completed(mailroom.ben)
    assert "example.com" in told.visible
    assert "not created" in told.visible
    assert len(await mailroom.asked("create_mailbox_single")) == 1


async def asked(mailroom: Mailroom) -> Message:
    """What a person is asked about the lost answer, once the time for looking is over."""
    for _ in range(3):
        await mailroom.passes(seconds=65)
    (root,) = await mailroom.roots(mailroom.ana)
    return await mailroom.reply(mailroom.ben, root, "was lost")


@pytest.mark.parametrize("leaves", [gives_up, connects_another_account])
async def test_what_nobody_can_look_for_any_more_is_put_to_a_person(
    mailroom: Mailroom, leaves: Callable[[Mailroom], Awaitable[None]]
) -> None:
    await lose(mailroom, "create_mailbox_single")
    await leaves(mailroom)
    assert (await asked(mailroom)).buttons == ["Look Again", "Send Again"]
