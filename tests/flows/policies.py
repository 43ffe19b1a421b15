"""How people read and change the policy, for the tests of it."""

from typing import Any

from sqlmodel import Session, select

from sandbox.slack import MAIL
from sandbox.slack.person import Person
from storage.tables import AuditEntry, Policy
from tests.flows.stage import Mailroom

GATES, APPROVERS, ASKERS = "Change Gates", "Change Approvers", "Change Askers"
THRESHOLD = "Approval from how many mailboxes on"
NEEDED, ALSO, OWN = "How many approvals", "Also", "Own requests"
EXPIRES, REMINDS = "Hours until a request expires", "Hours until the first reminder"
ADMINS, CONNECTOR = "Slack's admins and owners", "Whoever connected the key"
CLEO, POSTMASTERS = "U0CLEO0001", "S0POSTMAST"


async def versions(mailroom: Mailroom) -> list[dict[str, Any]]:
    """The rules of each version, the oldest first."""

    def read(session: Session) -> list[dict[str, Any]]:
        return [row.rules for row in session.exec(select(Policy).order_by("version")).all()]

    assert mailroom.bot is not None
    return await mailroom.bot.database.read(read)


async def audited(mailroom: Mailroom) -> list[tuple[str, str, dict[str, Any]]]:
    """Who did or tried what to the policy."""

    def read(session: Session) -> list[tuple[str, str, dict[str, Any]]]:
        rows = session.exec(select(AuditEntry).where(AuditEntry.action == "policy").order_by("seq")).all()
        return [(row.actor, row.outcome, row.details) for row in rows]

    assert mailroom.bot is not None
    return await mailroom.bot.database.read(read)


async def opens(mailroom: Mailroom, person: Person, button: str) -> None:
    """Type the command and click one of its buttons, until the form is there."""
    await person.types(MAIL, "/mail policy")
    await person.clicks(await mailroom.private(person, "What needs what"), button)
    await mailroom.form(person)


async def changes(mailroom: Mailroom, person: Person, button: str, **fields: Any) -> dict[str, str]:
    """Open a form, fill in some of it, and submit; the errors by label."""
    await opens(mailroom, person, button)
    await person.fills(**fields)
    return await person.submits()


async def changed(mailroom: Mailroom, person: Person, button: str, **fields: Any) -> str:
    """The same without errors; what the form says then."""
    assert await changes(mailroom, person, button, **fields) == {}
    text = (await mailroom.form(person, "Saved.")).text
    await person.closes()
    return text


async def shown(person: Person) -> str:
    """The policy as somebody reads it."""
    return (await person.types(MAIL, "/mail policy")).text


async def cleo_of(mailroom: Mailroom) -> Person:
    """A second admin."""
    return await mailroom.slack.add_user(CLEO, "cleo", is_admin=True)
