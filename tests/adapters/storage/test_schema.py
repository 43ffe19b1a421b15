"""Migrations: up, down and up, equal to the models, and one process at a time."""

from multiprocessing import get_context
from pathlib import Path

import pytest
from alembic.config import Config
from sqlalchemy import Connection, Engine, inspect, text

from storage import schema
from storage.database import DatabaseUnavailable
from storage.engines import engine_for
from storage.tables import NAMING


@pytest.fixture
def new(empty: str) -> Engine:
    return engine_for(empty)


def migrated(url: str) -> str:
    """Bring a database up to date, as a process of its own does."""
    engine = engine_for(url)
    try:
        return schema.upgrade(engine)
    finally:
        engine.dispose()


def test_an_empty_database_migrates_up_down_and_up_and_is_then_as_the_models_say(new: Engine) -> None:
    assert schema.current(new) == ""
    assert schema.upgrade(new) == schema.newest()
    assert schema.differences(new) == []
    assert schema.downgrade(new, "base") == ""
    assert set(inspect(new).get_table_names()) <= {"alembic_version"}
    assert schema.upgrade(new) == schema.newest()
    assert schema.differences(new) == []
    assert schema.current(new) == schema.newest()
    new.dispose()


def test_a_database_that_is_up_to_date_is_left_as_it_is(new: Engine) -> None:
    schema.upgrade(new)
    with new.begin() as connection:
        connection.execute(text("INSERT INTO workspace VALUES ('T1', '', '', '2026-03-01 12:00:00', 0, '')"))
    assert schema.upgrade(new) == schema.newest()
    with new.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM workspace")).scalar() == 1
    new.dispose()


@pytest.mark.parametrize(
    "change",
    [
        "DROP INDEX ix_call_request_id",
        "ALTER TABLE notice ADD COLUMN colour VARCHAR",
        "ALTER TABLE workspace DROP COLUMN name",
        "CREATE TABLE stray (id INTEGER PRIMARY KEY)",
    ],
)
def test_what_is_not_as_the_models_say_is_found(new: Engine, change: str) -> None:
    schema.upgrade(new)
    with new.begin() as connection:
        connection.execute(text(change))
    assert schema.differences(new)
    new.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(new: Engine) -> None:
    with new.begin() as connection:
        connection.execute(text("CREATE TABLE request (id INTEGER)"))
    with pytest.raises(Exception, match="request"):
        schema.upgrade(new)
    assert set(inspect(new).get_table_names()) == {"request"}
    new.dispose()


def test_processes_that_migrate_at_once_all_succeed(empty: str) -> None:
    with get_context("forkserver").Pool(4) as pool:
        assert pool.map(migrated, [empty] * 4, chunksize=1) == [schema.newest()] * 4
    engine = engine_for(empty)
    assert schema.differences(engine) == []
    assert {*NAMING.tables, "alembic_version"} == set(inspect(engine).get_table_names())
    engine.dispose()


def test_processes_that_open_a_new_sqlite_file_at_once_all_succeed(tmp_path: Path) -> None:
    """To all but one of them SQLite says that the file is locked, and does not wait by itself."""
    with get_context("forkserver").Pool(3) as pool:
        for number in range(8):
            revisions = pool.map(migrated, [f"sqlite:///{tmp_path}/{number}.db"] * 3, chunksize=1)
            assert revisions == [schema.newest()] * 3


def test_a_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="unable to open"):
        migrated(f"sqlite:///{tmp_path}/missing/mailroom.db")


def test_a_server_that_cannot_be_reached_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable) as refusal:
        migrated(f"postgresql+psycopg://mailroom:secret@/mailroom?host={tmp_path}")
    assert "secret" not in str(refusal.value)


def test_a_migration_may_take_longer_than_other_transactions(
    new_postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = text("SHOW idle_in_transaction_session_timeout")
    found: list[str] = []
    monkeypatch.setattr("alembic.command.upgrade", lambda config, _: found.append(_connection(config).scalar(asked)))
    migrated(new_postgresql)
    assert found == ["1min"]


def _connection(config: Config) -> Connection:
    connection: Connection = config.attributes["connection"]
    return connection
