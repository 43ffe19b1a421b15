import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.mailapi import create_app as create_mailapi
from sandbox.serving import serve
from sandbox.slack import create_app as create_slack
from storage import schema
from storage.engines import engine_for
from tests.flows import stage
from tests.flows.stage import Mailroom


@pytest_asyncio.fixture(scope="session")
async def slack_url() -> AsyncIterator[str]:
    async with serve(create_slack()) as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def mailapi_url() -> AsyncIterator[str]:
    async with serve(create_mailapi()) as url:
        yield url


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the first start makes it; taking a copy is far faster than making one."""
    file = tmp_path_factory.mktemp("migrated") / "mailroom.db"
    engine = engine_for(f"sqlite:///{file}")
    schema.upgrade(engine)
    engine.dispose()
    return file


@pytest_asyncio.fixture
async def outside(
    slack_url: str, mailapi_url: str, tmp_path: Path, mode: str, migrated: Path
) -> AsyncIterator[Mailroom]:
    """The sandboxes as new, and the settings of a bot that is not started."""
    shutil.copy(migrated, tmp_path)
    async with stage.outside(slack_url, mailapi_url, tmp_path, mode) as mailroom:
        yield mailroom


@pytest.fixture
def mode() -> str:
    """Socket Mode, unless a test is parametrized over both ways in."""
    return "socket"


@pytest_asyncio.fixture
async def unconnected(outside: Mailroom) -> AsyncIterator[Mailroom]:
    """The running bot, to which nobody has given a key."""
    async with outside.running():
        yield outside


@pytest_asyncio.fixture
async def mailroom(unconnected: Mailroom) -> Mailroom:
    """The running bot with a key in force, which Ana connected, and nothing needs approval."""
    await unconnected.connected(unconnected.ana)
    await unconnected.without_gates()
    return unconnected


@pytest_asyncio.fixture
async def gated(unconnected: Mailroom) -> Mailroom:
    """The same with the policy that is in force until somebody changes it."""
    await unconnected.connected(unconnected.ana)
    return unconnected


@pytest_asyncio.fixture
async def many(slack_url: str, mailapi_url: str, tmp_path: Path) -> AsyncIterator[Mailroom]:
    """The running bot, which workspaces install by themselves; nobody has done so yet."""
    async with stage.outside(slack_url, mailapi_url, tmp_path, "oauth") as mailroom, mailroom.running():
        yield mailroom
