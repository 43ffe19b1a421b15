"""Transactions off the event loop: whole or not at all, together on disk, and never a value in an error."""

import asyncio
import sqlite3
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from socket import socket

import pytest
from sqlalchemy import Engine, event, func, make_url, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlmodel import Session, col, select, update

from storage.database import Database, DatabaseUnavailable
from storage.engines import THREADS
from storage.tables import Connection, Request, Workspace
from storage.writers import TOGETHER
from tests.adapters.storage import rows

SECRET = "Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya"
PATIENCE = 10


def install(workspace_id: str, session: Session) -> None:
    session.add(Workspace(id=workspace_id, created_at=rows.NOW))
    session.flush()


def installed(session: Session) -> set[str]:
    return set(session.exec(select(Workspace.id)))


def shown(error: BaseException) -> str:
    """All that an error can show of itself and of what led to it."""
    told, link = "".join(traceback.format_exception(error)), error
    while (before := link.__cause__ or link.__context__) is not None:
        told, link = told + repr(before), before
    return told + repr(error)


class Gate:
    """A transaction that stays open until it is told to end, so that others wait behind it."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, _session: Session) -> None:
        self.entered.set()
        assert self.open.wait(PATIENCE)

    async def until_entered(self) -> None:
        assert await asyncio.to_thread(self.entered.wait, PATIENCE)


@pytest.fixture
async def sqlite_database(sqlite: str) -> Database:
    return Database.open(sqlite)


@pytest.fixture
def commits(sqlite_database: Database) -> Iterator[list[None]]:
    """One entry for each commit of the SQLite database."""
    counted: list[None] = []
    event.listen(sqlite_database.engine, "commit", lambda _: counted.append(None))
    yield counted
    sqlite_database.close()


class TestAWrite:
    """On both databases."""

    async def test_it_is_committed_when_it_gives_its_result(self, database: Database, engine: Engine) -> None:
        request = await database.write(rows.request)
        with Session(engine) as session:
            assert session.get_one(Request, request.id).asker == request.asker

    async def test_it_leaves_nothing_behind_where_it_fails(self, database: Database) -> None:
        def fail(session: Session) -> None:
            install("T1", session)
            raise KeyError(SECRET)

        with pytest.raises(KeyError, match=SECRET):
            await database.write(fail)
        assert await database.read(installed) == set()

    async def test_it_raises_what_was_raised_even_if_that_is_no_ordinary_error(self, database: Database) -> None:
        def leave(_session: Session) -> None:
            raise SystemExit(3)

        with pytest.raises(SystemExit):
            await database.write(leave)
        await database.write(partial(install, "T1"))
        assert await database.read(installed) == {"T1"}

    async def test_it_fails_where_a_row_fails_that_was_only_added(self, database: Database) -> None:
        await database.write(partial(install, "T1"))
        with pytest.raises(IntegrityError):
            await database.write(lambda session: session.add(Workspace(id="T1", created_at=rows.NOW)))

    async def test_it_runs_beside_the_event_loop(self, database: Database) -> None:
        here = threading.get_ident()
        assert await database.write(lambda _: threading.get_ident()) != here
        assert await database.read(lambda _: threading.get_ident()) != here

    async def test_it_is_committed_though_nobody_waits_for_it_any_more(self, database: Database) -> None:
        gate = Gate()

        def work(session: Session) -> None:
            install("T1", session)
            gate(session)

        waiting = asyncio.create_task(database.write(work))
        await gate.until_entered()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        gate.open.set()
        database.close()
        with Session(database.engine) as session:
            assert installed(session) == {"T1"}
        database.engine.dispose()

    async def test_it_is_committed_though_its_caller_left_while_it_waited(self, sqlite_database: Database) -> None:
        gate = Gate()
        first = asyncio.create_task(sqlite_database.write(gate))
        await gate.until_entered()
        waiting = asyncio.create_task(sqlite_database.write(partial(install, "T1")))
        await asyncio.sleep(0)
        waiting.cancel()
        gate.open.set()
        await first
        sqlite_database.close()
        with Session(sqlite_database.engine) as session:
            assert installed(session) == {"T1"}
        sqlite_database.engine.dispose()

    async def test_many_at_once_are_all_written(self, database: Database) -> None:
        names = {f"T{number}" for number in range(3 * TOGETHER)}
        await asyncio.gather(*(database.write(partial(install, name)) for name in names))
        assert await database.read(installed) == names


class TestARead:
    """On both databases."""

    async def test_it_throws_away_what_it_changes(self, database: Database) -> None:
        await database.read(partial(install, "T1"))
        await database.read(lambda session: session.add(Workspace(id="T2", created_at=rows.NOW)))
        assert await database.read(installed) == set()

    async def test_it_sees_one_moment_and_keeps_no_writer_waiting(self, database: Database) -> None:
        gate = Gate()
        await database.write(partial(install, "T1"))

        def look_twice(session: Session) -> tuple[set[str], set[str]]:
            before = installed(session)
            gate(session)
            return before, installed(session)

        reading = asyncio.create_task(database.read(look_twice))
        await gate.until_entered()
        await database.write(partial(install, "T2"))
        gate.open.set()
        assert await reading == ({"T1"}, {"T1"})
        assert await database.read(installed) == {"T1", "T2"}

    async def test_it_does_not_wait_for_a_write_and_does_not_see_half_of_it(self, database: Database) -> None:
        gate = Gate()

        def work(session: Session) -> None:
            install("T1", session)
            gate(session)

        writing = asyncio.create_task(database.write(work))
        await gate.until_entered()
        assert await database.read(installed) == set()
        gate.open.set()
        await writing
        assert await database.read(installed) == {"T1"}

    async def test_its_rows_can_be_used_afterwards(self, database: Database) -> None:
        await database.write(rows.request)
        request = await database.read(lambda session: session.exec(select(Request)).one())
        assert request.parameters == {"domain": "example.com"}


class TestTheEnd:
    """Closing a database, on both."""

    async def test_it_waits_for_what_was_asked_for(self, database: Database) -> None:
        names = {f"T{number}" for number in range(50)}
        gate = Gate()
        asked = [asyncio.create_task(database.write(gate))]
        asked += [asyncio.create_task(database.write(partial(install, name))) for name in names]
        await gate.until_entered()
        closing = asyncio.create_task(asyncio.to_thread(database.close))
        gate.open.set()
        await asyncio.gather(closing, *asked)
        with Session(database.engine) as session:
            assert installed(session) == names
        database.engine.dispose()

    async def test_nothing_is_taken_after_it(self, database: Database) -> None:
        database.close()
        with pytest.raises(DatabaseUnavailable, match="closed"):
            await database.write(partial(install, "T1"))
        with pytest.raises(DatabaseUnavailable, match="closed"):
            await database.read(installed)

    def test_a_database_that_was_never_used_was_never_made(self, tmp_path: Path) -> None:
        Database.open(f"sqlite:///{tmp_path}/mailroom.db").close()
        assert list(tmp_path.iterdir()) == []


class TestNoValue:
    """Neither a secret nor another value of a row is in an error."""

    @pytest.fixture(
        params=[
            {"last_four": None},
            {"deduplication_key": "twice"},
            {"workspace_id": "T404" + SECRET},
            {"connected_by": SECRET * 2, "last_four": None},
        ],
        ids=["nothing where something has to be", "not unique", "refers to nothing", "too long"],
    )
    def broken(self, request: pytest.FixtureRequest) -> Callable[[Session], None]:
        def work(session: Session) -> None:
            rows.connection(session, deduplication_key="twice")
            session.add(Connection(**{**_key(session), "secret": SECRET, **request.param}))

        return work

    async def test_it_is_not_in_what_a_broken_rule_of_the_schema_says(
        self, database: Database, broken: Callable[[Session], None]
    ) -> None:
        with pytest.raises((IntegrityError, DataError)) as refusal:
            await database.write(broken)
        assert SECRET not in shown(refusal.value)
        assert "twice" not in shown(refusal.value)
        assert "connection" in str(refusal.value)

    async def test_it_is_not_in_what_a_wrong_statement_says(self, database: Database) -> None:
        def work(session: Session) -> None:
            session.execute(text("SELECT CAST(:value AS INTEGER) FROM nowhere"), {"value": SECRET})

        with pytest.raises((DatabaseUnavailable, DBAPIError)) as refusal:
            await database.read(work)
        assert SECRET not in shown(refusal.value)

    async def test_it_is_not_in_what_a_wrong_value_says(self, postgresql: str) -> None:
        database = Database.open(postgresql)
        with pytest.raises(DataError) as refusal:
            await database.read(lambda s: s.execute(text("SELECT CAST(:value AS INTEGER)"), {"value": SECRET}).all())
        assert SECRET not in shown(refusal.value)
        database.close()

    async def test_a_password_is_not_in_what_an_unreachable_server_says(self, tmp_path: Path) -> None:
        database = Database.open(f"postgresql+psycopg://mailroom:{SECRET}@/mailroom?host={tmp_path}")
        with pytest.raises(DatabaseUnavailable) as refusal:
            await database.write(partial(install, "T1"))
        assert SECRET not in shown(refusal.value) + repr(database) + repr(database.engine)
        database.close()


class TestTogether:
    """On SQLite, those that wait share a commit."""

    async def test_what_waits_is_committed_at_once(self, sqlite_database: Database, commits: list[None]) -> None:
        gate = Gate()
        first = asyncio.create_task(sqlite_database.write(gate))
        await gate.until_entered()
        others = [asyncio.create_task(sqlite_database.write(partial(install, f"T{n}"))) for n in range(50)]
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(first, *others)
        assert len(commits) == 2

    async def test_a_commit_is_shared_by_a_hundred_at_most(
        self, sqlite_database: Database, commits: list[None]
    ) -> None:
        gate = Gate()
        first = asyncio.create_task(sqlite_database.write(gate))
        await gate.until_entered()
        others = [asyncio.create_task(sqlite_database.write(partial(install, f"T{n}"))) for n in range(2 * TOGETHER)]
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(first, *others)
        assert len(commits) == 3

    async def test_one_that_fails_undoes_only_itself(self, sqlite_database: Database, commits: list[None]) -> None:
        gate = Gate()

        def fail(session: Session) -> None:
            install("T3", session)
            raise LookupError

        works: list[Callable[[Session], None]] = [partial(install, name) for name in ("T1", "T1", "T2", "T4")]
        works.insert(3, fail)
        asked = [asyncio.create_task(sqlite_database.write(gate))]
        await gate.until_entered()
        asked += [asyncio.create_task(sqlite_database.write(work)) for work in works]
        await asyncio.sleep(0)
        gate.open.set()
        ends = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(end) for end in ends[1:]] == [type(None), IntegrityError, type(None), LookupError, type(None)]
        assert len(commits) == 2
        assert await sqlite_database.read(installed) == {"T1", "T2", "T4"}

    async def test_each_sees_what_those_before_it_wrote(self, sqlite_database: Database, commits: list[None]) -> None:
        def count(session: Session) -> int:
            found = session.exec(select(func.count()).select_from(Workspace)).one()
            install(f"T{found}", session)
            return found

        assert await asyncio.gather(*(sqlite_database.write(count) for _ in range(20))) == list(range(20))
        assert len(commits) <= 20


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Another program has begun to write to the file."""
    with sqlite3.connect(str(make_url(url).database), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    other.close()


def _install_behind(gate: Gate, workspace_id: str, session: Session) -> None:
    gate(session)
    install(workspace_id, session)


class TestAnOutage:
    """What was asked for was not written, and its caller is told so."""

    async def test_a_file_that_stays_locked_takes_nothing(self, sqlite: str, sqlite_database: Database) -> None:
        with locked(sqlite):
            works = [sqlite_database.write(partial(install, name)) for name in ("T1", "T2")]
            ends = await asyncio.gather(*works, return_exceptions=True)
            assert [type(end) for end in ends] == [DatabaseUnavailable] * 2
            assert "locked" in str(ends[0])
            assert await sqlite_database.read(installed) == set()
        await sqlite_database.write(partial(install, "T3"))
        assert await sqlite_database.read(installed) == {"T3"}
        sqlite_database.close()

    async def test_what_gets_no_answer_in_time_is_not_written_later(
        self, postgresql: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("storage.database.PATIENCE", 0.1)
        monkeypatch.setattr("storage.database.GOODBYE", PATIENCE)
        database, gates = Database.open(postgresql), [Gate() for _ in range(THREADS)]
        begun = [partial(_install_behind, gate, f"T{number}") for number, gate in enumerate(gates)]
        works = [*begun, partial(install, "without a thread")]
        ends = await asyncio.gather(*(database.write(work) for work in works), return_exceptions=True)
        assert [str(end) for end in ends] == ["no answer within 2 s"] * len(works)
        for gate in gates:
            gate.open.set()
        database.close()
        with Session(database.engine) as session:
            assert installed(session) == set()
        database.engine.dispose()

    async def test_the_close_waits_for_no_transaction_that_hangs(self, postgresql: str) -> None:
        database, gate = Database.open(postgresql), Gate()
        writing = asyncio.create_task(database.write(gate))
        await gate.until_entered()
        await asyncio.to_thread(database.close)
        assert not gate.open.is_set()
        gate.open.set()
        await writing

    async def test_a_full_disk_takes_nothing_of_all_that_shared_the_commit(self, sqlite_database: Database) -> None:
        """SQLite itself undoes the whole transaction then, so that nobody may be told that his part was kept."""
        event.listen(sqlite_database.engine, "connect", _limit_pages)
        gate, small = Gate(), [partial(install, f"T{number}") for number in range(4)]
        asked = [asyncio.create_task(sqlite_database.write(gate))]
        await gate.until_entered()
        works = [*small[:2], partial(_fill, 500_000), *small[2:]]
        asked += [asyncio.create_task(sqlite_database.write(work)) for work in works]
        await asyncio.sleep(0)
        gate.open.set()
        ends = await asyncio.gather(*asked, return_exceptions=True)
        written = await sqlite_database.read(installed)
        kept = {f"T{n}" for n, end in enumerate([*ends[1:3], *ends[4:]]) if end is None}
        assert type(ends[3]) is DatabaseUnavailable
        assert "full" in str(ends[3])
        assert written == kept
        await sqlite_database.write(partial(install, "T9"))
        assert await sqlite_database.read(installed) == kept | {"T9"}
        sqlite_database.close()

    async def test_a_full_disk_takes_nothing_of_one_that_shares_its_commit_with_nobody(
        self, sqlite_database: Database
    ) -> None:
        event.listen(sqlite_database.engine, "connect", _limit_pages)

        def work(session: Session) -> None:
            install("T1", session)
            _fill(500_000, session)

        with pytest.raises(DatabaseUnavailable, match="full"):
            await sqlite_database.write(work)
        assert await sqlite_database.read(installed) == set()
        sqlite_database.close()

    async def test_a_folder_that_is_not_there_takes_nothing(self, tmp_path: Path) -> None:
        database = Database.open(f"sqlite:///{tmp_path}/missing/mailroom.db")
        with pytest.raises(DatabaseUnavailable, match="unable to open"):
            await database.write(partial(install, "T1"))
        database.close()

    async def test_a_file_that_is_no_database_takes_nothing(self, tmp_path: Path) -> None:
        file = tmp_path / "mailroom.db"
        file.write_text("This is a letter to my aunt.\n" * 100)
        database = Database.open(f"sqlite:///{file}")
        with pytest.raises(DatabaseUnavailable, match="not a database"):
            await database.write(partial(install, "T1"))
        database.close()

    async def test_a_connection_that_breaks_in_the_middle_leaves_nothing_and_the_next_one_works(
        self, postgresql: str
    ) -> None:
        database = Database.open(postgresql)

        def cut_off(session: Session) -> None:
            install("T1", session)
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

        with pytest.raises(DatabaseUnavailable):
            await database.write(cut_off)
        await database.write(partial(install, "T2"))
        assert await database.read(installed) == {"T2"}
        database.close()

    async def test_a_server_that_does_not_answer_is_given_up_before_slack_gives_up(self) -> None:
        with socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen()
            database = Database.open(f"postgresql+psycopg://mailroom@127.0.0.1:{deaf.getsockname()[1]}/mailroom")
            async with asyncio.timeout(3):
                with pytest.raises(DatabaseUnavailable):
                    await database.write(partial(install, "T1"))
            database.close()

    async def test_transactions_that_wait_for_each_other_in_a_circle_end_in_an_outage_of_one(
        self, postgresql: str
    ) -> None:
        database = Database.open(postgresql)
        for name in ("T1", "T2"):
            await database.write(partial(install, name))
        meet = threading.Barrier(2)

        def both(first: str, second: str, session: Session) -> None:
            rename = partial(update(Workspace).values(name=first).where)
            session.exec(rename(col(Workspace.id) == first))
            meet.wait(PATIENCE)
            session.exec(rename(col(Workspace.id) == second))

        works = [database.write(partial(both, *pair)) for pair in (("T1", "T2"), ("T2", "T1"))]
        ends = await asyncio.gather(*works, return_exceptions=True)
        assert sorted(type(end).__name__ for end in ends) == ["DatabaseUnavailable", "NoneType"]
        database.close()


def test_only_postgresql_is_shared_by_processes(sqlite: str, postgresql: str) -> None:
    for url, shared in ((sqlite, False), (postgresql, True)):
        database = Database.open(url)
        assert database.shared is shared
        database.close()


def _limit_pages(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA max_page_count=60").close()


def _fill(size: int, session: Session) -> None:
    session.add(Workspace(id="T-large", name="x" * size, created_at=rows.NOW))


def _key(session: Session) -> dict[str, object]:
    return rows.connection(session).model_dump(exclude={"id"}) | {"deduplication_key": "another"}
