"""Columns of moments that hold something else, as SQLite lets them: set aside where it matters, in nobody's way."""

import pytest
from sqlalchemy import text

from sandbox.slack import MAIL
from storage.engines import engine_for, writing
from tests.flows.breaking import execute, open_rows, set_aside
from tests.flows.stage import Mailroom
from tests.flows.test_notices_set_aside import LEFT_OUT, a_completion_that_waits, told_once_and_left_out
from tests.flows.test_set_aside import ASIDE, HEALTHY, accepted, goes_on_without, to_be_planned

NO_MOMENTS = {"a word": "soon", "no day of any month": "2026-13-45 25:00:00.000000", "nothing": "", "a number": 17}
no_moment = pytest.mark.parametrize("value", NO_MOMENTS.values(), ids=NO_MOMENTS)


@no_moment
async def test_a_request_with_a_moment_that_cannot_be_read_is_set_aside(mailroom: Mailroom, value: object) -> None:
    await to_be_planned(mailroom)
    await execute(mailroom, "UPDATE request SET created_at = :value", value=value)
    assert (await mailroom.ana.types(MAIL, "/mail status")).ok
    await goes_on_without(mailroom, "request:1")
    assert sum(ASIDE in m.visible for m in await mailroom.ben.direct_messages()) == 1
    assert (await mailroom.ana.types(MAIL, "/mail status")).ok


@pytest.mark.parametrize("column", ["created_at", "sent_at", "watch_until"])
async def test_a_call_with_a_moment_that_cannot_be_read_is_set_aside(mailroom: Mailroom, column: str) -> None:
    await accepted(mailroom)
    await execute(mailroom, f"UPDATE call SET {column} = 'soon'")  # noqa: S608
    await goes_on_without(mailroom, "call:1")


async def test_a_message_with_a_moment_that_cannot_be_read_is_left_out(mailroom: Mailroom) -> None:
    await a_completion_that_waits(mailroom)
    await execute(mailroom, "UPDATE notice SET created_at = 'soon' WHERE kind = 'thread'")
    await told_once_and_left_out(mailroom)
    assert [m.visible for m in await mailroom.ben.direct_messages() if LEFT_OUT in m.visible] != []


async def test_the_audit_is_shown_where_nobody_knows_when_something_was_done(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, HEALTHY)
    await mailroom.completed(mailroom.ben)
    await execute(mailroom, "UPDATE audit_entry SET at = 'soon' WHERE seq = 2")
    assert (await mailroom.ana.types(MAIL, "/mail audit")).ok


@pytest.mark.parametrize("value", ["soon", ""], ids=["after all moments", "before all moments"])
@pytest.mark.parametrize("column", ["due_at", "leased_until"])
@pytest.mark.parametrize("table", ["call", "notice"])
async def test_what_nobody_knows_the_time_of_is_done_after_a_start(
    outside: Mailroom, table: str, column: str, value: str
) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
        await outside.without_gates()
        await a_completion_that_waits(outside) if table == "notice" else await accepted(outside)
    engine = engine_for(outside.settings.database_url)
    with writing(engine).begin() as connection:
        connection.execute(text(f"UPDATE {table} SET {column} = :value"), {"value": value})  # noqa: S608
    engine.dispose()
    await outside.mailapi.release_queue()
    async with outside.running():
        for _ in range(3):  # what may have been sent is left alone for ten seconds
            await outside.passes(seconds=10)
        await outside.completed(outside.ben)
        await outside.root(outside.ana, "Done", "john@example.com")
        await outside.at_rest()
        assert (await open_rows(outside), await set_aside(outside)) == ([], [])
