from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.settings import load
from sandbox.mailapi import MailAPIControl
from sandbox.mailapi import create_app as create_mailapi
from sandbox.serving import serve
from sandbox.slack import ANA, APP_TOKEN, BEN, BOT_TOKEN, SIGNING_SECRET, SlackControl
from sandbox.slack import create_app as create_slack
from tests.flows.stage import CALLER_ID, KEY, Mailroom


@pytest_asyncio.fixture(scope="session")
async def slack_url() -> AsyncIterator[str]:
    async with serve(create_slack()) as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def mailapi_url() -> AsyncIterator[str]:
    async with serve(create_mailapi()) as url:
        yield url


@pytest_asyncio.fixture
async def outside(slack_url: str, mailapi_url: str, tmp_path: Path, mode: str) -> AsyncIterator[Mailroom]:
    """The sandboxes as new, and the settings of a bot that is not started."""
    async with SlackControl(slack_url) as slack, MailAPIControl(mailapi_url) as mailapi:
        await slack.reset()
        await mailapi.reset()
        await mailapi.set_speed(mailbox_seconds=0.01, domain_seconds=0.05)
        await mailapi.add_account(KEY, CALLER_ID)
        await mailapi.add_domain(KEY, "example.com")
        tokens = {"slack_app_token": APP_TOKEN} if mode == "socket" else {"slack_signing_secret": SIGNING_SECRET}
        settings = load(
            slack_bot_token=BOT_TOKEN,
            slack_api_url=f"{slack_url}/api",
            mailapi_url=f"{mailapi_url}/api",
            database_url=f"sqlite:///{tmp_path}/mailroom.db",
            mailroom_port=0,
            **tokens,
        )
        yield Mailroom(slack, mailapi, settings, slack.person(ANA), slack.person(BEN))


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
    """The running bot with a key in force, which Ana connected."""
    await unconnected.connect(unconnected.ana)
    await unconnected.direct(unconnected.ana, "Connected")
    return unconnected
