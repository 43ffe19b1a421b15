"""What flow tests about decisions do and look at."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import Session

from sandbox.slack import MAIL, TEAM, Message, Person
from storage import audit
from storage.tables import AuditEntry
from tests.flows.stage import Mailroom

BULK = "/mail mailbox bulk example.com team 25"
CAT, DAN = "U0CAT00001", "U0DAN00001"


async def asks(mailroom: Mailroom, line: str = BULK, *, channel: str = MAIL, by: Person | None = None) -> Message:
    """The root message of what Ben asks for, once it waits for a decision."""
    asker = by or mailroom.ben
    before = {message.ts for message in await mailroom.roots(asker, channel)}
    await asker.types(channel, line)

    async def find() -> Message | None:
        roots = await mailroom.roots(asker, channel)
        return next((m for m in roots if m.ts not in before and "Waiting for" in m.visible), None)

    return await mailroom.slack.until(find, what="a request that waits")


async def joins(mailroom: Mailroom, user: str = CAT, name: str = "cat", **fields: Any) -> Person:
    """One more person, who is in the channel."""
    person = await mailroom.slack.add_user(user, name, **fields)
    await mailroom.slack.set_members(MAIL, joins=(user,))
    return person


async def rejects(mailroom: Mailroom, person: Person, card: Message, reason: str = "Not ours") -> dict[str, str]:
    """Reject in the form; gives the errors that it shows."""
    await person.clicks(card, "Reject")
    await mailroom.form(person, "Nothing will be created")
    await person.fills(Reason=reason)
    return await person.submits()


async def nothing_sent(mailroom: Mailroom) -> None:
    """Make sure that nothing was sent to MailAPI, and nothing is about to be."""
    await mailroom.at_rest()
    assert await mailroom.mailapi.creates() == []


async def still_waits(mailroom: Mailroom) -> Message:
    """The root message, which waits as before; nothing was sent."""
    await nothing_sent(mailroom)
    (root,) = await mailroom.roots(mailroom.ana)
    assert "Waiting for" in root.visible
    assert root.buttons
    return root


async def entries(mailroom: Mailroom) -> Sequence[AuditEntry]:
    """The audit, oldest first, which is whole."""

    def read(session: Session) -> Sequence[AuditEntry]:
        assert audit.verify(session, TEAM).whole
        return audit.page(session, TEAM, (), number=1, size=1_000)[::-1]

    assert mailroom.bot is not None
    return await mailroom.bot.database.read(read)


async def audited(mailroom: Mailroom, *outcomes: str) -> list[tuple[str, str, str]]:
    """What the audit says of people: who, what, and with which outcome or why it was refused."""
    found = [
        entry
        for entry in await entries(mailroom)
        if entry.actor != "mailroom" and (not outcomes or entry.outcome in outcomes)
    ]
    return [(entry.actor, entry.action, entry.details.get("why", entry.outcome)) for entry in found]


async def refused(mailroom: Mailroom) -> list[tuple[str, str, str]]:
    """The refusals in the audit: who, what, why."""
    return await audited(mailroom, "refused")


async def thread_of(mailroom: Mailroom, root: Message, person: Person | None = None) -> list[str]:
    """What everybody reads in a thread."""
    read = await (person or mailroom.ben).reads_thread(root.channel, root.ts)
    return [message.visible for message in read if not message.ephemeral]


def with_value(card: Message, value: str) -> Message:
    """The same card with another value behind its buttons, as an older version may have posted it."""
    blocks = copy.deepcopy(card.blocks)
    for block in blocks:
        for element in block.get("elements", []):
            if element.get("type") == "button":
                element["value"] = value
    return replace(card, blocks=blocks)


def value_of(card: Message, button: str = "Approve") -> str:
    """What a button of a card stands for."""
    found = [e for block in card.blocks if block["type"] == "actions" for e in block["elements"]]
    return str(next(element["value"] for element in found if element["text"]["text"] == button))
