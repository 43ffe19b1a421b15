"""The places into which people install the bot: two workspaces, and an organisation of two more."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import select

from sandbox.slack import (
    ANA,
    BEN,
    EVE,
    MAIL,
    NED,
    NIA,
    NORTH_MAIL,
    ODA,
    ORGANISATION,
    OTHER_TEAM,
    POST,
    SOL,
    TEAM,
    Page,
)
from sandbox.slack.person import Person
from storage import connections
from storage.tables import Installation
from tests.flows.stage import CALLER_ID, KEY, OTHER_KEY, Mailroom

GRID_KEY = "G1r2i3d4K5e6y7M8e9r0I1d2I3a4N5o6"


@dataclass(frozen=True)
class Place:
    """A workspace or organisation, who installs the bot there, who else is there, and its own account at MailAPI."""

    id: str
    installer: str
    asker: str
    channel: str
    domain: str
    key: str
    caller_id: int


LUMEN = Place(TEAM, ANA, BEN, MAIL, "example.com", KEY, CALLER_ID)
ELSEWHERE = Place(OTHER_TEAM, ODA, EVE, POST, "elsewhere.example", OTHER_KEY, 456)
MERIDIAN = Place(ORGANISATION, NIA, NED, NORTH_MAIL, "meridian.example", GRID_KEY, 789)
SOUTHERNER = SOL


async def installs(mailroom: Mailroom, place: Place, *, by: str | None = None) -> Page:
    """Somebody goes the whole way in his browser; the page at the end of it."""
    return await mailroom.slack.app.install(str(mailroom.settings.install_url), by or place.installer, place.id)


async def moves_in(mailroom: Mailroom, place: Place) -> tuple[Person, Person]:
    """Installed, invited and connected, without gates; gives who installed it, and somebody else."""
    page = await installs(mailroom, place)
    assert page.status == 200, page.text
    await mailroom.slack.invite_bot(place.channel)
    if place is not LUMEN:
        await mailroom.mailapi.add_account(place.key, place.caller_id)
        await mailroom.mailapi.add_domain(place.key, place.domain)
    # Somebody who shares a channel with another workspace is an outsider there.
    installer, asker = (person_of(mailroom, place, user) for user in (place.installer, place.asker))
    await connects(mailroom, place, installer)
    await mailroom.without_gates(place.id)
    return installer, asker


async def connects(mailroom: Mailroom, place: Place, person: Person) -> None:
    """Somebody connects the place's account; what was told of an earlier key does not count."""
    await mailroom.connect(person, place.key, place.caller_id, channel=place.channel)

    async def is_in_force() -> bool:
        assert mailroom.bot is not None
        return await mailroom.bot.database.read(lambda session: connections.in_force(session, place.id)) is not None

    await mailroom.until(is_in_force, "a key in force")


def person_of(mailroom: Mailroom, place: Place, user: str) -> Person:
    """Somebody at his screen at home."""
    return mailroom.slack.person(user, None if place is MERIDIAN else place.id)


async def installations(mailroom: Mailroom) -> Sequence[Installation]:
    """The rows."""
    assert mailroom.bot is not None
    return await mailroom.bot.database.read(lambda session: session.exec(select(Installation)).all())
