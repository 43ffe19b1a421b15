"""Whatever comes in, signed and addressed as it should be: an answer in time, never a failure, no effect."""

import io
import json
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, func, select

from bot.attempts import REFUSED
from bot.commands import SUBCOMMANDS, subcommand, understand
from bot.errors import UserError
from sandbox.slack.delivery.signed_http import FORM, JSON
from storage.states import ConnectionState
from storage.tables import AuditEntry, Call, Connection, Decision, Notice, Policy, Request
from tests.flows import stage
from tests.flows.fuzzed_policies import IN_FORCE
from tests.flows.fuzzing import EXAMPLES, LINES, mutated, registered, strategy
from tests.flows.junk import JUNK, NO_DOTS
from tests.flows.policies import GATES, THRESHOLD, changed, versions
from tests.flows.stage import Mailroom
from tests.flows.test_http import signed
from tests.logged import logged

SECONDS = 3.0
"""Slack waits so long."""
# What is found is not made smaller: thousands of deliveries more would take longer than the reading.
FUZZED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass
class Target:
    """The running bot, and what it had when the fuzzing began."""

    mailroom: Mailroom
    session: aiohttp.ClientSession
    written: io.StringIO
    nowhere: str
    """A response URL that Slack does not know."""
    before: tuple[Any, ...] = field(default=())

    async def post(self, body: bytes, kind: str, *, whole: bool = False) -> None:
        """Deliver something signed: an answer in time that is no failure, and nothing is written but refusals.

        One that is `whole` has the shape that Slack gives it, so that no listener may fail at what stands in it.
        """
        assert self.mailroom.bot is not None
        url, began = f"{self.mailroom.bot.url}/slack/events", time.monotonic()
        async with self.session.post(url, data=body, headers=signed(body, kind=kind)) as answer:
            said = await answer.text()
        written = self.written.getvalue()
        self.written.seek(0)
        self.written.truncate()
        assert answer.status < 500, (answer.status, said, written[-3_000:])
        assert not whole or "listener failed" not in written, written[-3_000:]
        assert time.monotonic() - began < SECONDS
        assert await self.rows() == self.before

    async def rows(self) -> tuple[Any, ...]:
        """How many rows there are of what people ask for, and of the audit those that are no refusals."""
        assert self.mailroom.bot is not None
        return await self.mailroom.bot.database.read(_counted)


def _counted(session: Session) -> tuple[Any, ...]:
    tables = (Request, Call, Connection, Policy, Decision, Notice)
    counts = [session.exec(select(func.count()).select_from(table)).one() for table in tables]
    allowed = select(func.count()).select_from(AuditEntry).where(col(AuditEntry.outcome) != REFUSED)
    in_force = select(Connection.id).where(Connection.state == ConnectionState.IN_FORCE)
    return (*counts, session.exec(allowed).one(), session.exec(in_force).one())


@pytest_asyncio.fixture(scope="module")
async def target(slack_url: str, mailapi_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Target]:
    """One bot for everything."""
    folder = tmp_path_factory.mktemp("fuzz")
    timeout = aiohttp.ClientTimeout(total=10 * SECONDS)
    async with stage.outside(slack_url, mailapi_url, folder, "http") as mailroom:
        mailroom.settings = mailroom.settings.model_copy(update={"mailroom_commands_a_minute": 10**9})
        with logged("json") as written:
            # Kept for less than the server keeps it, which would let go of one just as something is being sent.
            connector = aiohttp.TCPConnector(keepalive_timeout=1)
            async with mailroom.running(), aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
                await mailroom.connected(mailroom.ana)
                await changed(mailroom, mailroom.ana, GATES, **{THRESHOLD: "12"})
                assert len(await versions(mailroom)) == IN_FORCE
                await mailroom.at_rest()
                target = Target(mailroom, session, written, f"{slack_url}/commands/T0/none")
                target.before = await target.rows()
                yield target


def encoded(kind: str, payload: dict[str, Any]) -> tuple[bytes, str]:
    """A payload as Slack would send it."""
    if kind == "event":
        return json.dumps(payload).encode(), JSON
    if kind == "command":
        return urlencode(_texts(payload)).encode(), FORM
    return urlencode({"payload": json.dumps(payload)}).encode(), FORM


def _texts(fields: dict[str, Any]) -> dict[str, str]:
    """As a form can carry them, which half a surrogate cannot be."""
    return {_text(name): _text(value) for name, value in fields.items()}


def _text(value: Any) -> str:
    return str(value).encode(errors="replace").decode()


def test_everything_that_is_listened_for_is_fuzzed() -> None:
    found = registered()
    assert len(found) > 25
    assert [each for each in found if strategy(*each, "") is None] == []


@pytest.mark.parametrize(("kind", "pattern"), registered(), ids=lambda each: str(each)[:40])
@FUZZED
@given(data=st.data())
async def test_a_malformed_delivery_is_answered_and_does_nothing(
    target: Target, kind: str, pattern: str, data: st.DataObject
) -> None:
    deliveries = strategy(kind, pattern, target.nowhere)
    assert deliveries is not None
    base = data.draw(deliveries)
    delivery = data.draw(mutated(st.just(base)))
    await target.post(*encoded(kind, delivery), whole=delivery == base)


BODIES = (
    st.binary(max_size=300)
    | JUNK.map(lambda value: json.dumps(value).encode())
    | JUNK.map(lambda value: urlencode({"payload": json.dumps(value)}).encode())
    | st.dictionaries(NO_DOTS, NO_DOTS, max_size=4).map(lambda fields: urlencode(_texts(fields)).encode())
    | st.sampled_from([b"[" * 100_000, b"payload=" + b"[" * 100_000, b"payload=", b"&" * 5_000, b"payload=1&payload=2"])
)


@FUZZED
@given(body=BODIES, kind=st.sampled_from([FORM, JSON, "", "text/plain", "multipart/form-data; boundary=x"]))
async def test_a_body_of_any_kind_is_answered_and_does_nothing(target: Target, body: bytes, kind: str) -> None:
    await target.post(body, kind)


@FUZZED
@given(st.text() | LINES | LINES.map(lambda line: f"{line} kim@example.com example.org 5"))
def test_every_line_is_understood_or_refused(line: str) -> None:
    assert subcommand(line) in SUBCOMMANDS
    with suppress(UserError):
        understand(line)
