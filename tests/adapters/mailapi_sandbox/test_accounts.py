import httpx
import pytest
import pytest_asyncio

from sandbox.mailapi import MailAPIControl

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER_KEY = "other" + "1" * 27


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def domain(control: MailAPIControl, key: str) -> None:
    await control.add_domain(key, "example.com")


async def create_single(api: httpx.AsyncClient, key: str) -> httpx.Response:
    body = {"Email_fullname": "john", "single_bulk": "single", "Domain": "example.com", "Params": {}, "key": key}
    return await api.post("/v1/create/mailbox/single", json=body)


async def test_accounts_do_not_see_each_other(api: httpx.AsyncClient, control: MailAPIControl, key: str) -> None:
    await control.add_account(OTHER_KEY, 456)
    task = (await create_single(api, key)).json()["task_id"]
    listed = await api.get("/v1/list/domain", params={"key": OTHER_KEY, "caller_id": 456})
    assert listed.json() == {"user_id": "456", "total_domain": 0, "results": [], "status": "success"}
    assert (await create_single(api, OTHER_KEY)).status_code == 404
    got = await api.get("/v1/get/mailbox/single", params={"key": OTHER_KEY, "task_id": task})
    assert got.status_code == 404


async def test_two_accounts_may_have_the_same_domain(api: httpx.AsyncClient, control: MailAPIControl) -> None:
    await control.add_account(OTHER_KEY, 456)
    created = await api.post("/v1/create/domain", json={"Domain": "example.com", "key": OTHER_KEY})
    assert created.status_code == 200


async def test_a_second_key_of_an_account_sees_its_domains_but_not_the_tasks_of_the_first(
    api: httpx.AsyncClient, control: MailAPIControl, key: str
) -> None:
    task = (await create_single(api, key)).json()["task_id"]
    await control.add_account(OTHER_KEY, 123)
    listed = await api.get("/v1/list/domain", params={"key": OTHER_KEY, "caller_id": 123})
    assert "example.com" in listed.json()["results"]
    got = await api.get("/v1/get/mailbox/single", params={"key": OTHER_KEY, "task_id": task})
    assert got.status_code == 404


async def test_a_key_has_thirty_two_letters_and_digits(control: MailAPIControl) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="422"):
        await control.add_account("short", 1)
