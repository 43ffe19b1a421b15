"""What is stored encrypted and gets moved to another row or column stops its workspace, in words, and no other one."""

from typing import Any

import pytest
import sqlalchemy as sa

from sandbox.slack import MAIL, POST
from sandbox.slack.person import Person
from storage.sealed import PLACES, Place
from storage.tables import Connection
from tests.flows.places import ELSEWHERE, LUMEN, moves_in
from tests.flows.stage import KEY, Mailroom

UNREADABLE = "cannot be read with the encryption keys"


def moves() -> list[Any]:
    """From the other workspace's row, and from each other column of the own one, into each column."""
    found = [(place, place, ELSEWHERE.id) for place in PLACES]
    found += [(place, other, LUMEN.id) for place in PLACES for other in PLACES if other is not place]
    return [pytest.param(*each, id=f"{each[2]}.{each[1].column}-to-{each[0].column}") for each in found]


async def moved(many: Mailroom, into: Place, source: Place, workspace: str) -> None:
    """One text takes the place of another, which was readable there."""
    text = sa.select(source.of(source.column)).where(source.of("workspace_id") == workspace).scalar_subquery()
    changed = sa.update(into.model).where(into.of("workspace_id") == LUMEN.id).values({into.column: text})
    assert many.bot is not None
    await many.bot.database.write(lambda session: session.execute(changed))


@pytest.mark.parametrize(("into", "source", "workspace"), moves())
async def test_a_secret_that_was_moved_is_not_read(many: Mailroom, into: Place, source: Place, workspace: str) -> None:
    await many.slack.app.rotate_tokens()
    ana, ben = await moves_in(many, LUMEN)
    _, eve = await moves_in(many, ELSEWHERE)
    await moved(many, into, source, workspace)
    if into.column == "refresh_token":  # of which there is no need before
        await many.slack.app.expire_token(LUMEN.id)
        await many.clock_ahead(hours=13)
    await many.passes(minutes=2)
    await is_told(many, into, ana, ben)
    await eve.types(POST, f"/mail mailbox create one@{ELSEWHERE.domain}")
    await many.root(eve, "Done", channel=POST)


async def is_told(many: Mailroom, into: Place, ana: Person, ben: Person) -> None:
    """Whoever asks is, and of a MailAPI key whoever connected it."""
    assert (await ben.types(MAIL, "/mail domain list")).ok
    if into.model is Connection:
        await many.private(ben, f"The stored key ending `{KEY[-4:]}` {UNREADABLE}", "/mail connect")
        await many.direct(ana, KEY[-4:], UNREADABLE)
    else:
        await many.private(ben, UNREADABLE, str(many.settings.install_url))
