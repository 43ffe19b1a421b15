from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.mailapi import MailAPIControl

pytestmark = pytest.mark.asyncio(loop_scope="module")

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


async def subdomains(api: httpx.AsyncClient, key: str, *labels: str, parent: str = "example.com") -> httpx.Response:
    body = {"Domain": parent, "Params": {"sub_domains": labels}, "key": key}
    return await api.post("/v1/create/sub-domain", json=body)


async def listed(api: httpx.AsyncClient, key: str) -> Any:
    return (await api.get("/v1/list/domain", params={"key": key, "caller_id": 123})).json()["results"]


async def test_a_domain_is_pending_until_its_time_has_come(
    api: httpx.AsyncClient, control: MailAPIControl, key: str, eventually: Eventually
) -> None:
    await control.set_speed(domain_seconds=600)
    await api.post("/v1/create/domain", json={"Domain": "Example.com", "key": key})
    assert (await listed(api, key))["example.com"]["status"] == "pending"
    await control.advance_clock(600)

    async def verified() -> bool:
        return bool((await listed(api, key))["example.com"]["status"] == "verified")

    await eventually(verified)
    assert (await listed(api, key))["example.com"]["domain_quota"] == "10GB"


async def test_a_held_queue_verifies_nothing(
    api: httpx.AsyncClient, control: MailAPIControl, key: str, eventually: Eventually
) -> None:
    await control.hold_queue()
    await api.post("/v1/create/domain", json={"Domain": "example.com", "key": key})
    await control.advance_clock(3600)
    assert await control.domains() == {"example.com": "pending"}
    await control.release_queue()

    async def verified() -> bool:
        return await control.domains() == {"example.com": "verified"}

    await eventually(verified)


async def test_a_planted_status_stays(api: httpx.AsyncClient, control: MailAPIControl, key: str) -> None:
    await control.add_domain(key, "example.com", status="suspended", quota="1GB")
    shown = (await listed(api, key))["example.com"]
    assert (shown["status"], shown["domain_quota"]) == ("suspended", "1GB")
    await control.add_domain(key, "example.com")
    assert (await listed(api, key))["example.com"]["status"] == "verified"


@pytest_asyncio.fixture(loop_scope="module")
async def parent(control: MailAPIControl, key: str) -> None:
    await control.add_domain(key, "example.com")
    await control.add_domain(key, "example.org")


@pytest.mark.usefixtures("parent")
async def test_subdomains_are_pending_first(api: httpx.AsyncClient, control: MailAPIControl, key: str) -> None:
    await control.hold_queue()
    assert (await subdomains(api, key, "Team", "x-1")).status_code == 200
    domains = await listed(api, key)
    assert domains["team.example.com"]["status"] == domains["x-1.example.com"]["status"] == "pending"


@pytest.mark.usefixtures("parent")
async def test_a_second_request_within_the_hour_is_refused(
    api: httpx.AsyncClient, control: MailAPIControl, key: str
) -> None:
    assert (await subdomains(api, key, "a")).status_code == 200
    await control.advance_clock(3540)
    refused = await subdomains(api, key, "b")
    assert refused.status_code == 429
    assert refused.json() == {
        "status": "error",
        "reason": "Sub-domain requests are limited to once per hour for this domain and API key.",
    }
    assert "b.example.com" not in await control.domains()
    await control.advance_clock(60)
    assert (await subdomains(api, key, "b")).status_code == 200


@pytest.mark.usefixtures("parent")
async def test_the_window_belongs_to_one_base_domain_and_one_key(
    api: httpx.AsyncClient, control: MailAPIControl, key: str
) -> None:
    other_key = "0" * 32
    await control.add_account(other_key, 123)
    assert (await subdomains(api, key, "a")).status_code == 200
    assert (await subdomains(api, key, "a", parent="example.org")).status_code == 200
    assert (await subdomains(api, other_key, "b")).status_code == 200
    assert (await subdomains(api, key, "deeper", parent="a.example.com")).status_code == 429


@pytest.mark.usefixtures("parent")
async def test_only_a_successful_request_opens_the_window(api: httpx.AsyncClient, key: str) -> None:
    assert (await subdomains(api, key, "not_fine")).status_code == 422
    assert (await subdomains(api, key, *(f"l{number}" for number in range(11)))).status_code == 422
    assert (await subdomains(api, key, *(f"l{number}" for number in range(10)))).status_code == 200
