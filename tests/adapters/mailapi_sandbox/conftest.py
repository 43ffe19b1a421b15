import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import pytest_asyncio

from sandbox.mailapi import MailAPIControl, Speed, create_app
from sandbox.serving import serve

# Starting and stopping a server takes longer than most tests, so the tests of a module share one, and with it a loop.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url() -> AsyncIterator[str]:
    async with serve(create_app()) as url:
        yield url


@pytest.fixture
def key() -> str:
    return "k3y" + "0" * 29


@pytest_asyncio.fixture(loop_scope="module")
async def control(url: str, key: str) -> AsyncIterator[MailAPIControl]:
    """Controls a new and fast sandbox with one account, caller id 123."""
    async with MailAPIControl(url) as control:
        await control.reset()
        await control.set_speed(mailbox_seconds=0, domain_seconds=0, workers=Speed().workers)
        await control.add_account(key, 123)
        yield control


@pytest_asyncio.fixture(loop_scope="module")
async def api(url: str, control: MailAPIControl) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the sandbox that `control` controls."""
    del control  # only so that the account is there
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(base_url=f"{url}/api", trust_env=False, verify=no_certificates) as client:
        yield client


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Waits until the condition holds, at most five seconds."""

    async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(5):
            while not await condition():  # noqa: ASYNC110 - what is waited for is behind a connection
                await asyncio.sleep(0.005)

    return eventually
