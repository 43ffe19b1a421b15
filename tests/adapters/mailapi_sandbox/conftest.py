import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from sandbox.mailapi import MailAPIControl, Speed, create_app
from sandbox.serving import serve


@pytest.fixture
def key() -> str:
    return "k3y" + "0" * 29


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with serve(create_app(speed=Speed(mailbox_seconds=0.0, domain_seconds=0.0))) as url:
        yield url


@pytest.fixture
async def control(url: str, key: str) -> AsyncIterator[MailAPIControl]:
    """Controls a sandbox with one account, caller id 123."""
    async with MailAPIControl(url) as control:
        await control.add_account(key, 123)
        yield control


@pytest.fixture
async def api(url: str, control: MailAPIControl) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the sandbox that `control` controls."""
    del control  # only so that the account is there
    async with httpx.AsyncClient(base_url=f"{url}/api", trust_env=False) as client:
        yield client


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Waits until the condition holds, at most five seconds."""

    async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(5):
            while not await condition():  # noqa: ASYNC110 - what is waited for is in another program
                await asyncio.sleep(0.005)

    return eventually
