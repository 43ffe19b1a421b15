"""Old and new code on one schema: a migration only adds, and what it takes away, nobody has used for a release."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData
from sqlmodel import Session, select

from storage import schema
from storage.engines import engine_for
from storage.tables import NAMING, Call, Connection, Decision, Notice, Policy, Request, Workspace

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
MIGRATIONS = {
    script.revision: script.module
    for script in ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions()  # the newest first
}
OLDER = sorted(MIGRATIONS)[:-1]
ROWS: Mapping[str, Mapping[str, Any]] = {
    "workspace": {"id": "T1", "name": "Lumen", "bot_user_id": "U0"},
    "connection": {
        "state": "in_force",
        "caller_id": 123,
        "last_four": "4Abc",
        "connected_by": "U1",
        "secret": "sealed",
    },
    "request": {"state": "running", "kind": "domain_create", "parameters": {"domain": "example.com"}, "asker": "U1"},
    "call": {"request_id": 1, "kind": "domain_create", "state": "accepted", "names": ["example.com"], "task_id": 7},
    "notice": {"request_id": 1, "kind": "thread", "state": "owed", "content": {"text": "Hello"}, "lane": "a"},
    "policy": {"version": 1, "rules": {"own": True}, "changed_by": "U1", "state": "told"},
    "decision": {"request_id": 1, "round": 1, "person": "U2", "verdict": "yes"},
    "audit_entry": {"seq": 1, "actor": "U1", "action": "connect", "outcome": "done", "details": {}},
    "seen_event": {"event_id": "E1"},
}
"""What is worth finding again in a row of each table; what else its columns need is filled in."""
MODELS = (Workspace, Connection, Request, Call, Notice, Policy, Decision)


@pytest.fixture
def new(empty: str) -> Iterator[Engine]:
    engine = engine_for(empty)
    yield engine
    engine.dispose()


def tables_of(engine: Engine) -> MetaData:
    """The tables as a database has them now: those that code of this revision knows."""
    found = MetaData()
    found.reflect(engine)
    return found


def filled_in(column: sa.Column[Any]) -> Any:
    """A value for a column that has to have one."""
    if isinstance(column.type, sa.DateTime):
        return MOMENT
    if isinstance(column.type, sa.Boolean):
        return False
    if isinstance(column.type, sa.Integer):
        return 0
    return {} if isinstance(column.type, sa.JSON) else "T1" if column.name == "workspace_id" else ""


def insert_as_of(tables: MetaData, engine: Engine) -> None:
    """A row in each table, with nothing but the columns that these tables have."""
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            if table.name in ROWS:
                connection.execute(_typed(table).insert().values(_row(table)))


def _row(table: sa.Table) -> dict[str, Any]:
    needed = {
        column.name: filled_in(column)
        for column in table.columns
        if not column.nullable and column.server_default is None and column.name != "id"
    }
    return {**needed, **ROWS[table.name]}


def _typed(table: sa.Table) -> sa.TableClause:
    """The columns of `table` with the types of the models: what a database tells of JSON and moments is less."""
    types = {column.name: column.type for column in NAMING.tables[table.name].columns}
    return sa.table(table.name, *(sa.column(c.name, types.get(c.name, c.type)) for c in table.columns))


def told(row: Any) -> dict[str, Any]:
    """What a model reads of the row that was put in."""
    return {name: getattr(row, name) for name in ROWS[str(row.__tablename__)]}


@pytest.mark.parametrize("revision", OLDER)
def test_rows_of_an_older_revision_are_kept_and_can_be_read(new: Engine, revision: str) -> None:
    schema.upgrade(new, revision)
    older = tables_of(new)
    insert_as_of(older, new)
    schema.upgrade(new)
    assert_readable(new, older)


@pytest.mark.parametrize("revision", OLDER)
def test_code_of_an_older_revision_writes_on_the_newest_schema(new: Engine, revision: str) -> None:
    """It knows its own columns alone; what it leaves out has to have a default in the schema."""
    schema.upgrade(new, revision)
    older = tables_of(new)
    schema.upgrade(new)
    insert_as_of(older, new)
    assert_readable(new, older)


def assert_readable(engine: Engine, older: MetaData) -> None:
    with Session(engine) as session:
        for model in MODELS:
            if model.__tablename__ in older.tables:
                (row,) = session.exec(select(model)).all()
                assert told(row) == ROWS[str(model.__tablename__)]


def test_an_older_process_that_starts_once_more_leaves_a_newer_schema_as_it_is(new: Engine) -> None:
    schema.upgrade(new)
    with new.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert schema.upgrade(new) == "9999"
    assert schema.current(new) == "9999"


FORBIDDEN = {
    "drops": r"DROP (COLUMN|TABLE|CONSTRAINT)",
    "renames": r"RENAME",
    "changes the type of": r"ALTER COLUMN \S+ TYPE",
    "demands a value in": r"ALTER COLUMN \S+ SET NOT NULL",
    "takes the default from": r"ALTER COLUMN \S+ DROP DEFAULT",
    "adds without a default": r"ADD COLUMN (?!.*DEFAULT).*NOT NULL",
    "adds a rule to": r"ADD CONSTRAINT|ADD CHECK|ADD UNIQUE|ADD FOREIGN",
}
"""What code of the release before would fail at, as PostgreSQL is told it."""


@contextmanager
def written_down() -> Iterator[StringIO]:
    """What migrations would tell PostgreSQL."""
    out = StringIO()
    options = {"as_sql": True, "output_buffer": out}
    with Operations.context(MigrationContext.configure(dialect_name="postgresql", opts=options)):
        yield out


def breaks(sql: str) -> set[str]:
    """What a migration does to tables that were there before it; of those that it makes, it may do anything."""
    made = set(re.findall(r"CREATE TABLE (\w+)", sql))
    statements = [" ".join(statement.split()) for statement in sql.split(";")]
    old = [each for each in statements if not made & set(re.findall(r"(?:TABLE|ON) (\w+)", each))]
    unique = {"makes unique" for each in old if each.startswith("CREATE UNIQUE INDEX")}
    return unique | {name for name, pattern in FORBIDDEN.items() for each in old if re.search(pattern, each)}


@pytest.mark.parametrize("revision", sorted(MIGRATIONS)[1:])
def test_a_migration_only_adds_unless_it_says_what_nobody_uses_any_more(revision: str) -> None:
    with written_down() as sql:
        MIGRATIONS[revision].upgrade()
    if "contracts" not in vars(MIGRATIONS[revision]):
        assert breaks(sql.getvalue()) == set()


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda: op.drop_column("call", "faults"), {"drops"}),
        (lambda: op.drop_table("call"), {"drops"}),
        (lambda: op.alter_column("call", "faults", new_column_name="failures"), {"renames"}),
        (lambda: op.rename_table("call", "creation"), {"renames"}),
        (lambda: op.alter_column("call", "faults", type_=sa.String()), {"changes the type of"}),
        (lambda: op.alter_column("call", "reason", nullable=False), {"demands a value in"}),
        (lambda: op.add_column("call", sa.Column("size", sa.Integer(), nullable=False)), {"adds without a default"}),
        (lambda: op.create_unique_constraint("uq_call_task_id", "call", ["task_id"]), {"adds a rule to"}),
        (lambda: op.create_index("uq_call_task_id", "call", ["task_id"], unique=True), {"makes unique"}),
        (lambda: op.add_column("call", sa.Column("size", sa.Integer(), server_default="0", nullable=False)), set()),
        (lambda: op.add_column("call", sa.Column("size", sa.Integer())), set()),
        (lambda: op.create_index("ix_call_task_id", "call", ["task_id"]), set()),
        (lambda: op.create_table("size", sa.Column("name", sa.String(), nullable=False)), set()),
    ],
)
def test_what_the_release_before_would_fail_at_is_found(change: Any, broken: set[str]) -> None:
    with written_down() as sql:
        change()
    assert breaks(sql.getvalue()) == broken
