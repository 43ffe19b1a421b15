import httpx
import pytest

from sandbox.mailapi import MailAPIControl

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_requests_are_recorded_in_order_with_the_key_masked(
    api: httpx.AsyncClient, control: MailAPIControl, key: str
) -> None:
    await api.post("/v1/create/domain", json={"Domain": "example.com", "Params": {}, "key": key})
    await api.get("/v1/list/domain", params={"key": key, "caller_id": 123})
    created, listed = await control.requests()
    assert (created.endpoint, created.status, created.applied) == ("create_domain", 200, True)
    assert created.parameters == {"Domain": "example.com", "Params": {}, "key": "k3y0…"}
    assert (listed.endpoint, listed.status, listed.applied) == ("list_domain", 200, True)
    assert listed.parameters == {"key": "k3y0…", "caller_id": "123"}
    assert await control.creates() == [created]


async def test_all_eight_endpoints_are_recorded_under_their_names(
    api: httpx.AsyncClient, control: MailAPIControl
) -> None:
    for path in ("list/domain", "list/mailbox", "get/mailbox/single", "get/mailbox/bulk"):
        await api.get(f"/v1/{path}")
    for path in ("create/domain", "create/sub-domain", "create/mailbox/single", "create/mailbox/bulk"):
        await api.post(f"/v1/{path}", content=b"[]")
    assert [request.endpoint for request in await control.requests()] == [
        "list_domain",
        "list_mailbox",
        "get_mailbox_single",
        "get_mailbox_bulk",
        "create_domain",
        "create_subdomain",
        "create_mailbox_single",
        "create_mailbox_bulk",
    ]


async def test_planted_mailboxes_are_counted_in_their_domain(
    api: httpx.AsyncClient, control: MailAPIControl, key: str
) -> None:
    await control.add_domain(key, "example.com")
    await control.add_domain(key, "example.org")
    await control.add_mailbox(key, "John@example.com", quota="512MB")
    await control.add_mailbox(key, "jane@example.org")
    assert await control.mailboxes("example.com") == {"john@example.com": 1}
    listed = (await api.get("/v1/list/domain", params={"key": key, "caller_id": 123})).json()["results"]
    assert [shown["mailbox_count"] for shown in listed.values()] == ["1", "1"]
    assert await control.creates() == []


async def test_a_mailbox_cannot_be_planted_without_its_domain(control: MailAPIControl, key: str) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        await control.add_mailbox(key, "john@nowhere.com")


async def test_a_reset_forgets_everything(api: httpx.AsyncClient, control: MailAPIControl, key: str) -> None:
    await control.add_domain(key, "example.com")
    await control.fault("any", "html", times=None)
    await control.hold_queue()
    await control.reset()
    assert (await control.domains(), await control.requests()) == ({}, [])
    assert (await api.get("/v1/list/domain", params={"key": key, "caller_id": 123})).status_code == 401


async def test_the_openapi_shows_the_eight_endpoints_with_their_codes(url: str, api: httpx.AsyncClient) -> None:
    assert (await api.get(f"{url}/docs")).status_code == 200
    paths = (await api.get(f"{url}/openapi.json")).json()["paths"]
    documented = {
        path: sorted(next(iter(operations.values()))["responses"])
        for path, operations in paths.items()
        if path.startswith("/api/")
    }
    assert documented == {
        "/api/v1/list/domain": ["200", "401", "403", "422"],
        "/api/v1/create/domain": ["200", "401", "409", "422"],
        "/api/v1/create/sub-domain": ["200", "404", "422", "429"],
        "/api/v1/create/mailbox/single": ["200", "401", "404", "422"],
        "/api/v1/create/mailbox/bulk": ["200", "401", "404", "422"],
        "/api/v1/list/mailbox": ["200", "401", "403", "404", "422"],
        "/api/v1/get/mailbox/single": ["200", "404", "422"],
        "/api/v1/get/mailbox/bulk": ["200", "404", "422"],
    }
