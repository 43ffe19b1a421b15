"""A fresh, migrated database for each test, once on SQLite and once on PostgreSQL."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url
from sqlmodel import Session

from storage import schema
from storage.database import Database
from storage.engines import engine_for, writing
from storage.tables import NAMING
from tests import postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """A PostgreSQL server, as its administrator."""
    with postgres_server.running() as engine:
        yield engine


@pytest.fixture
def new_postgresql(postgres: Engine) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with postgres_server.new_database(postgres) as url:
        yield url


@pytest.fixture
def new_sqlite(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path}/mailroom.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest) -> str:
    """The URL of a database without any table."""
    url: str = request.getfixturevalue(f"new_{request.param}")
    return url


@pytest.fixture(scope="session")
def _migrated_postgresql(postgres: Engine) -> Iterator[Engine]:
    with postgres_server.new_database(postgres) as url:
        _migrate(url)
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        yield engine
        engine.dispose()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def postgresql(_migrated_postgresql: Engine) -> str:
    """The URL of a migrated PostgreSQL database without any row; emptying one is far faster than making one."""
    with _migrated_postgresql.connect() as connection:
        for table in reversed(NAMING.sorted_tables):
            connection.execute(table.delete())
    return _migrated_postgresql.url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite(new_sqlite: str, _sqlite_template: Path) -> str:
    """The URL of a migrated SQLite file."""
    shutil.copy(_sqlite_template, str(make_url(new_sqlite).database))
    return new_sqlite


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database, once for each kind."""
    found: str = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """Transactions that write, as a process of the bot has them."""
    engine = engine_for(url)
    yield writing(engine)
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """One transaction that lasts as long as the test, unless the test commits."""
    with Session(engine) as session:
        yield session


@pytest.fixture
def postgresql_pair(postgresql: str) -> Iterator[tuple[Session, Session]]:
    """A transaction of each of two processes on one PostgreSQL database."""
    first, second = engine_for(postgresql), engine_for(postgresql)
    with Session(first) as one, Session(second) as other:
        yield one, other
    first.dispose()
    second.dispose()


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """The rows as the bot reaches them."""
    database = Database.open(url)
    yield database
    database.close()


def _migrate(url: str) -> None:
    engine = engine_for(url)
    schema.upgrade(engine)
    engine.dispose()
