import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from sandbox.mailapi import create_app as create_mailapi
from sandbox.serving import serve
from tests.browser.chromium import MISSING, chromium, find
from tests.browser.screens import Desk, desk
from tests.browser.setting import BotProcess, slack_serving
from tests.flows import stage
from tests.flows.stage import Mailroom

REQUIRED = "BROWSER_TESTS"
"""Set to `required`, it makes a missing Chromium a failure."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    if here and os.environ.get(REQUIRED) != "required" and asyncio.run(find()) is None:
        for item in here:
            item.add_marker(pytest.mark.skip(reason=MISSING))


@pytest.fixture(scope="session")
def process() -> BotProcess:
    return BotProcess()


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=10_000)
    async with chromium() as started:
        yield started


@pytest_asyncio.fixture(scope="session")
async def mailapi_url() -> AsyncIterator[str]:
    async with serve(create_mailapi()) as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def slack_url(mailapi_url: str, process: BotProcess) -> AsyncIterator[str]:
    async with slack_serving(mailapi_url, process) as url:
        yield url


@pytest_asyncio.fixture
async def outside(slack_url: str, mailapi_url: str, tmp_path: Path) -> AsyncIterator[Mailroom]:
    """The sandboxes as new, and the settings of a bot that is not started."""
    async with stage.outside(slack_url, mailapi_url, tmp_path, "socket") as mailroom:
        yield mailroom


@pytest_asyncio.fixture
async def unconnected(outside: Mailroom) -> AsyncIterator[Mailroom]:
    """The running bot, to which nobody has given a key."""
    async with outside.running():
        yield outside


@pytest_asyncio.fixture
async def gated(unconnected: Mailroom) -> Mailroom:
    """The same with a key, and the policy that is in force until somebody changes it."""
    await unconnected.connected(unconnected.ana)
    await unconnected.ana.closes()
    return unconnected


@pytest_asyncio.fixture
async def page(browser: Browser, slack_url: str, gated: Mailroom) -> AsyncIterator[Desk]:
    """The page, on which Ana and Ben sit side by side."""
    async with desk(browser, slack_url) as opened:
        yield opened
    del gated
