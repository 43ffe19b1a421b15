"""Whatever somebody of one workspace delivers with the numbers of another one's rows: nothing of either changes."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from bot.attempts import REFUSED, UNKNOWN
from bot.case import Ballot
from bot.policy import Gate
from bot.texts import deciding, thread
from sandbox.slack.person import Person
from storage.states import CallState, RequestState
from storage.tables import NAMING, AuditEntry, Call, Request
from tests.flows import stage
from tests.flows.breaking import execute
from tests.flows.fuzzing import ballots, click, form, mutated
from tests.flows.places import ELSEWHERE, LUMEN, moves_in
from tests.flows.stage import Mailroom
from tests.flows.test_fuzz import FUZZED, SECONDS, encoded
from tests.flows.test_http import signed
from tests.logged import logged

NUMBERED = (thread.SHOW_CREDENTIALS, thread.KEEP_WATCHING, thread.LOOK_AGAIN, thread.SEND_AGAIN, deciding.ASK_AGAIN)
DECIDED = (deciding.APPROVE, deciding.CONFIRM, deciding.REJECT, deciding.CANCEL)
FORMS = ("view_submission", "view_closed")
_WRITTEN_OF_ATTEMPTS = {"audit_entry", "seen_event", "workspace"}
WHY = {UNKNOWN, "a guest", "unreadable", "could not check"}
"""Why somebody may be refused what is not his workspace's: none of it says that there is such a thing elsewhere."""


@dataclass(frozen=True)
class Between:
    """A bot that two workspaces have, in one of which something waits, is lost, or was made."""

    mailroom: Mailroom
    session: aiohttp.ClientSession
    nowhere: str
    numbers: tuple[str, ...]
    ballots: tuple[str, ...]

    def deliveries(self, way_in: str) -> st.SearchStrategy[dict[str, Any]]:
        """What the other workspace's people might deliver, with what the buttons of the first one carry."""
        if way_in in NUMBERED:
            return click(self.nowhere, way_in, st.sampled_from(self.numbers))
        if way_in in DECIDED:
            return click(self.nowhere, way_in, st.sampled_from(self.ballots))
        reason = {deciding.REASON: {"type": "plain_text_input", "value": "Because."}}
        return form(way_in, deciding.REJECTION, reason, ballots(st.sampled_from(self.ballots)))

    async def post(self, delivery: dict[str, Any]) -> None:
        """Deliver it signed: an answer in time that is no failure."""
        assert self.mailroom.bot is not None
        url, began = f"{self.mailroom.bot.url}/slack/events", time.monotonic()
        body, kind = encoded("interactive", delivery)
        async with self.session.post(url, data=body, headers=signed(body, kind=kind)) as answer:
            assert answer.status < 500, await answer.text()
        assert time.monotonic() - began < SECONDS

    async def rows(self) -> Mapping[str, Any]:
        """All that there is of both workspaces, and what the audit says beside refusals."""
        assert self.mailroom.bot is not None
        return await self.mailroom.bot.database.read(_rows)

    async def refusals(self) -> set[str]:
        """Why anything was refused so far."""

        def read(session: Session) -> set[str]:
            found = session.exec(select(AuditEntry).where(AuditEntry.outcome == REFUSED)).all()
            return {each.details["why"] for each in found}

        assert self.mailroom.bot is not None
        return await self.mailroom.bot.database.read(read)


def _rows(session: Session) -> Mapping[str, Any]:
    tables = [t for t in NAMING.sorted_tables if "workspace_id" in t.c and t.name not in _WRITTEN_OF_ATTEMPTS]
    found = {table.name: [tuple(row) for row in session.execute(sa.select(table))] for table in tables}
    done = select(AuditEntry.id).where(col(AuditEntry.outcome) != REFUSED)
    return {**found, "done": list(session.exec(done).all())}


@pytest_asyncio.fixture(scope="module")
async def between(slack_url: str, mailapi_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Between]:
    """One bot for everything; what there is to reach for is elsewhere."""
    folder = tmp_path_factory.mktemp("fuzz_between")
    connector = aiohttp.TCPConnector(keepalive_timeout=1)  # as in `test_fuzz`
    async with stage.outside(slack_url, mailapi_url, folder, "oauth") as many:
        many.settings = many.settings.model_copy(update={"mailroom_commands_a_minute": 10**9})
        with logged("json"):
            async with many.running(), aiohttp.ClientSession(connector=connector) as session:
                await moves_in(many, LUMEN)
                _, eve = await moves_in(many, ELSEWHERE)
                await asks(many, eve)
                yield await _between(many, session, f"{slack_url}/commands/T0/none")


async def asks(many: Mailroom, eve: Person) -> None:
    """Let there be requests that wait for others and for her, and calls that wait for a person's word."""
    await eve.types(ELSEWHERE.channel, f"/mail mailbox create lost@{ELSEWHERE.domain}")
    await eve.types(ELSEWHERE.channel, f"/mail mailbox create stalled@{ELSEWHERE.domain}")
    for name in ("lost", "stalled"):
        await many.root(eve, "Done", name, channel=ELSEWHERE.channel)
    await many.lays_down(workspace=ELSEWHERE.id, subdomains=Gate.CONFIRM)
    await eve.types(ELSEWHERE.channel, "/mail domain create new.example")
    await eve.types(ELSEWHERE.channel, f"/mail subdomain create {ELSEWHERE.domain} sub")
    for said in ("Waiting for approval", "to confirm"):
        await many.root(eve, said, channel=ELSEWHERE.channel)
    await many.at_rest()
    await execute(many, "UPDATE request SET state = 'running' WHERE state = 'done'")
    await execute(many, "UPDATE call SET state = CASE id WHEN 1 THEN 'unknown' ELSE 'stalled' END")


async def _between(many: Mailroom, session: aiohttp.ClientSession, nowhere: str) -> Between:
    assert many.bot is not None
    requests = await many.bot.database.read(lambda rows: list(rows.exec(select(Request)).all()))
    calls = await many.bot.database.read(lambda rows: list(rows.exec(select(Call)).all()))
    waiting = [each for each in requests if each.state is RequestState.AWAITING_DECISION]
    assert {each.workspace_id for each in requests} == {ELSEWHERE.id}
    assert len(waiting) == 2
    assert {each.state for each in calls} == {CallState.UNKNOWN, CallState.STALLED}
    numbers = sorted({str(number) for number in [*(each.id for each in requests), *(each.id for each in calls)]})
    return Between(many, session, nowhere, tuple(numbers), tuple(str(Ballot.of(each)) for each in waiting))


@pytest.mark.parametrize("ways_in", [NUMBERED, DECIDED, FORMS], ids=["numbers", "ballots", "forms"])
@FUZZED
@given(data=st.data())
async def test_what_names_another_workspaces_rows_is_answered_and_does_nothing(
    between: Between, ways_in: tuple[str, ...], data: st.DataObject
) -> None:
    before = await between.rows()
    deliveries = between.deliveries(data.draw(st.sampled_from(ways_in)))
    await between.post(data.draw(mutated(deliveries)))
    assert await between.rows() == before


async def test_nobody_was_told_that_there_was_such_a_thing(between: Between) -> None:
    assert UNKNOWN in await between.refusals()
    assert await between.refusals() <= WHY
