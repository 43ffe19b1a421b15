"""Two people answer a question about a call in the same moment: one of them is told that it is done."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import Connection, Engine, create_engine, text

from sandbox.slack import MAIL, Message
from storage.tables import AuditEntry
from tests.adapters.storage.conftest import new_postgresql, postgres
from tests.flows.breaking import rows
from tests.flows.stage import Mailroom
from tests.flows.test_lost_answers import lose, question
from tests.flows.test_watching import stalled

__all__ = ["new_postgresql", "postgres"]

ANSWERED = ("look_again", "send_again", "keep_watching")


@pytest_asyncio.fixture
async def on_postgresql(outside: Mailroom, new_postgresql: str) -> AsyncIterator[Mailroom]:
    """The running bot on PostgreSQL, where two transactions that write can go on beside each other."""
    outside.stores_in(new_postgresql)
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        yield outside


@pytest.mark.parametrize("second", ["Look Again", "Send Again"])
@pytest.mark.parametrize("first", ["Look Again", "Send Again"])
async def test_of_two_answers_at_once_one_counts_and_the_other_is_told_so(
    on_postgresql: Mailroom, first: str, second: str
) -> None:
    await lose(on_postgresql, "create_mailbox_single")
    asked = await question(on_postgresql)
    await both_answer(on_postgresql, asked, first, second)
    await one_counts(on_postgresql)


async def test_of_two_who_keep_watching_at_once_one_does(on_postgresql: Mailroom) -> None:
    _, asked = await stalled(on_postgresql)
    await both_answer(on_postgresql, asked, "Keep Watching", "Keep Watching")
    await one_counts(on_postgresql)


async def both_answer(mailroom: Mailroom, asked: Message, first: str, second: str) -> None:
    """Neither may lock the request before both have come so far."""
    await mailroom.at_rest()
    deeds = mailroom.ben.clicking(asked, first), mailroom.ana.clicking(asked, second)
    engine = create_engine(mailroom.settings.database_url)
    with engine.begin() as holder:
        holder.execute(text("SELECT id FROM request FOR UPDATE"))
        clicks = asyncio.ensure_future(mailroom.slack.at_once(*deeds))
        async with asyncio.timeout(10):
            while _waiting(engine, holder) < len(deeds):
                await mailroom.slack.journal(after=await mailroom.slack.ask("journal_end"), wait=0.02)
    await clicks
    engine.dispose()


def _waiting(engine: Engine, holder: Connection) -> int:
    """How many transactions wait for what `holder` has locked, or for one that waits for it."""
    me = holder.execute(text("SELECT pg_backend_pid()")).scalar_one()
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid != :me")
    with engine.connect() as connection:
        return int(connection.execute(query, {"me": me}).scalar_one())


async def one_counts(mailroom: Mailroom) -> None:
    (root,) = await mailroom.roots(mailroom.ana)

    async def told() -> bool:
        seen = [await person.reads_thread(MAIL, root.ts) for person in (mailroom.ana, mailroom.ben)]
        return any(reply.ephemeral and "decided already" in reply.visible for replies in seen for reply in replies)

    await mailroom.until(told, "an answer to the one who was too late")
    await mailroom.at_rest()
    replies = await mailroom.ana.reads_thread(MAIL, root.ts)
    assert sum("chose to" in reply.visible for reply in replies) == 1
    done = [row.actor for row in await rows(mailroom, AuditEntry) if row.action in ANSWERED and row.outcome == "done"]
    assert len(done) == 1
