"""Approvals: nothing is created that the right people did not agree to."""

from sandbox.slack import MAIL
from tests.flows.stage import Mailroom


async def test_what_somebody_asks_for_is_created_when_an_approver_agrees(gated: Mailroom) -> None:
    await gated.ben.types(MAIL, "/mail mailbox bulk example.com team 25 --quota 512")
    root = await gated.root(gated.ana, "Waiting for approval", "None of the 25 mailboxes exists yet")
    await gated.ana.clicks(root, "Approve")
    await gated.private(gated.ana, "Approved. It is carried out now")
    await gated.root(gated.ana, "Done", "25 of 25")
    await gated.reply(gated.ben, root, f"<@{gated.ben.id}> Approved by <@{gated.ana.id}>")
    await gated.completion(gated.ben, root)
    assert len(await gated.asked("create_mailbox_bulk")) == 1


async def test_what_an_approver_rejects_is_not_created(gated: Mailroom) -> None:
    await gated.ben.types(MAIL, "/mail domain create new.example")
    root = await gated.root(gated.ana, "Waiting for approval")
    await gated.ana.clicks(root, "Reject")
    await gated.form(gated.ana, "Nothing will be created")
    await gated.ana.fills(Reason="Not *ours* <!channel>")
    await gated.ana.submits()
    await gated.root(gated.ben, "Rejected by", "Not *ours* <!channel>")
    await gated.reply(gated.ben, root, f"<@{gated.ben.id}> Rejected by <@{gated.ana.id}>")
    assert await gated.mailapi.creates() == []
