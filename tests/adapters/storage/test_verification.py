"""`mailroom audit verify` on either database, while the bot writes."""

import pytest
from sqlmodel import Session

from bot import verification
from bot.settings import SettingsError, load
from storage import audit
from storage.engines import engine_for
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW


def append(session: Session) -> None:
    audit.append(session, rows.workspace(session), at=NOW, actor="U1", action="mailbox_bulk", outcome="asked")


async def test_a_chain_is_verified_while_an_entry_is_being_appended(url: str) -> None:
    engine = engine_for(url)
    with Session(engine) as session:
        for _ in range(3):
            append(session)
        session.commit()
        append(session)
        session.flush()
        found = await verification.verify(load(database_url=url), None, None)
        session.commit()
        later = await verification.verify(load(database_url=url), "T1", None)
    engine.dispose()
    assert {each: (verdict.entries, verdict.whole) for each, verdict in found.items()} == {"T1": (3, True)}
    assert (later["T1"].entries, later["T1"].whole) == (4, True)


async def test_a_database_of_an_older_version_is_said_to_be_so(empty: str) -> None:
    engine = engine_for(empty)
    engine.connect().close()  # makes the file
    engine.dispose()
    with pytest.raises(SettingsError, match="mailroom db upgrade"):
        await verification.verify(load(database_url=empty), None, None)
