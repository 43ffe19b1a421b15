"""Each row of the command table, over both ways in."""

import pytest

from sandbox.slack import MAIL
from tests.flows.stage import Mailroom

pytestmark = pytest.mark.parametrize("mode", ["socket", "http"])


async def test_help_shows_every_command_with_an_example(unconnected: Mailroom) -> None:
    ack = await unconnected.ben.types(MAIL, "/mail help")
    assert ack.ok
    assert "/mail mailbox bulk DOMAIN PREFIX COUNT" in ack.text
    assert "/mail mailbox bulk example.com team 25" in ack.text


async def test_one_mailbox_is_created_and_its_end_is_told_in_the_thread(mailroom: Mailroom) -> None:
    ack = await mailroom.ben.types(MAIL, '/mail mailbox create john@example.com --name "John Doe" --quota 1024')
    assert "john@example.com" in ack.text
    root = await mailroom.root(mailroom.ben, "Done", "john@example.com")
    reply = await mailroom.reply(mailroom.ben, root, "created")
    assert f"<@{mailroom.ben.id}>" in reply.text
    (create,) = await mailroom.mailapi.creates()
    assert create.parameters["Params"] == {"display_name": "John Doe", "quota_mb": 1024}
    assert await mailroom.mailapi.mailboxes("example.com") == {"john@example.com": 1}
