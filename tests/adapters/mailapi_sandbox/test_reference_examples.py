"""Every example of the provider's reference, sent and compared as it is written there."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.mailapi import MailAPIControl

pytestmark = pytest.mark.asyncio(loop_scope="module")

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]

LIST_DOMAINS = (
    "/v1/list/domain?key=YOUR_32_CHARACTER_API_KEY&caller_id=123",
    """
{
"user_id": "123",
"total_domain": 2,
"results": {
"example.com": {
"status": "verified",
"domain_quota": "10GB",
"mailbox_count": "15",
"created_at": "14-04-2026"
}
},
"status": "success"
}
""",
)
CREATE_DOMAIN = (
    "/v1/create/domain",
    """
{
"Domain": "example.com",
"Params": {},
"key": "YOUR_32_CHARACTER_API_KEY"
}
""",
    """
{
"status": "success",
"domain": "example.com"
}
""",
)
CREATE_SUBDOMAINS = (
    "/v1/create/sub-domain",
    """
{
"Domain": "example.com",
"Params": {
"sub_domains": ["team", "support", "billing"]
},
"key": "YOUR_32_CHARACTER_API_KEY"
}
""",
    """
{
"status": "success",
"domain": "example.com"
}
""",
)
CREATE_SINGLE = (
    "/v1/create/mailbox/single",
    """
{
"Email_fullname": "john",
"single_bulk": "single",
"Domain": "example.com",
"Params": {
"display_name": "John Doe",
"quota_mb": 1024
},
"key": "YOUR_32_CHARACTER_API_KEY"
}
""",
    """
{
"status": "success",
"task_id": 123
}
""",
)
CREATE_BULK = (
    "/v1/create/mailbox/bulk",
    """
{
"Email_fullname": "team",
"single_bulk": "bulk",
"Domain": "example.com",
"Params": {
"count": 25,
"quota_mb": 512
},
"key": "YOUR_32_CHARACTER_API_KEY"
}
""",
    """
{
"status": "success",
"task_id": 456
}
""",
)
LIST_MAILBOXES = (
    "/v1/list/mailbox?key=YOUR_32_CHARACTER_API_KEY&caller_id=123&domain=example.com",
    """
{
"user_id": "123",
"domain": "example.com",
"results": {
"john@example.com": {
"provisioning_status": "active",
"mailbox_quota": "1024MB",
"imap_credentials": null,
"created_at": "14-04-2026"
}
},
"status": "success"
}
""",
)
GET_SINGLE = (
    "/v1/get/mailbox/single?key=YOUR_32_CHARACTER_API_KEY&task_id=123",
    """
{
"Task_id": 123,
"total_email": 1,
"domain": "example.com",
"results": {
"john@example.com": {
"status": "Created successfully."
}
},
"status": "completed",
"task_id": "123"
}
""",
)
GET_BULK = (
    "/v1/get/mailbox/bulk?key=YOUR_32_CHARACTER_API_KEY&task_id=456",
    """
{
"Task_id": 456,
"total_email": 25,
"domain": "example.com",
"results": {
"team1@example.com": {
"status": "Created successfully."
},
"team2@example.com": {
"status": "Created successfully."
}
},
"status": "completed",
"task_id": "456"
}
""",
)


class Reference:
    """Sends what the reference shows, with a real key in the place of its placeholder."""

    def __init__(self, api: httpx.AsyncClient, key: str) -> None:
        self._api = api
        self._key = key

    async def get(self, target: str) -> dict[str, Any]:
        return self._answer(await self._api.get(self._with_key(target)))

    async def post(self, target: str, body: str) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        return self._answer(await self._api.post(target, content=self._with_key(body), headers=headers))

    def _with_key(self, text: str) -> str:
        return text.replace("YOUR_32_CHARACTER_API_KEY", self._key)

    @staticmethod
    def _answer(response: httpx.Response) -> dict[str, Any]:
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/json"
        answer: dict[str, Any] = response.json()
        return answer


@pytest_asyncio.fixture(loop_scope="module")
async def reference(api: httpx.AsyncClient, control: MailAPIControl, key: str) -> Reference:
    """The reference on its own day, 14-04-2026."""
    await control.advance_clock(datetime(2026, 4, 14, 12, tzinfo=UTC).timestamp() - datetime.now(UTC).timestamp())
    return Reference(api, key)


@pytest_asyncio.fixture(loop_scope="module")
async def domain(control: MailAPIControl, key: str, reference: Reference) -> str:
    """The domain of the examples, there already."""
    del reference  # only so that the domain is of the same day
    await control.add_domain(key, "example.com")
    return "example.com"


async def test_list_domains(reference: Reference, control: MailAPIControl, key: str, domain: str) -> None:
    await control.add_domain(key, "example.org")
    for number in range(15):
        await control.add_mailbox(key, f"m{number}@{domain}")
    target, shown = LIST_DOMAINS
    answer, expected = await reference.get(target), json.loads(shown)
    # The reference counts two domains and prints one of them.
    assert answer["results"].pop("example.org")["mailbox_count"] == "0"
    assert answer == expected
    assert list(answer) == list(expected)


async def test_create_domain(reference: Reference, control: MailAPIControl, eventually: Eventually) -> None:
    target, body, shown = CREATE_DOMAIN
    assert await reference.post(target, body) == json.loads(shown)

    async def verified() -> bool:
        return await control.domains() == {"example.com": "verified"}

    await eventually(verified)


@pytest.mark.usefixtures("domain")
async def test_create_subdomains(reference: Reference, control: MailAPIControl, eventually: Eventually) -> None:
    target, body, shown = CREATE_SUBDOMAINS
    assert await reference.post(target, body) == json.loads(shown)
    names = ["example.com", "team.example.com", "support.example.com", "billing.example.com"]

    async def verified() -> bool:
        return await control.domains() == dict.fromkeys(names, "verified")

    await eventually(verified)


@pytest.mark.usefixtures("domain")
async def test_one_mailbox_is_created_and_its_task_got_and_listed(
    reference: Reference, control: MailAPIControl, eventually: Eventually
) -> None:
    await control.number_tasks_from(123)
    target, body, shown = CREATE_SINGLE
    assert await reference.post(target, body) == json.loads(shown)
    target, shown = GET_SINGLE

    async def completed() -> bool:
        return bool((await reference.get(target))["status"] == "completed")

    await eventually(completed)
    assert await reference.get(target) == json.loads(shown)
    target, shown = LIST_MAILBOXES
    assert await reference.get(target) == json.loads(shown)


@pytest.mark.usefixtures("domain")
async def test_bulk_mailboxes_are_created_and_their_task_got(
    reference: Reference, control: MailAPIControl, eventually: Eventually
) -> None:
    await control.number_tasks_from(456)
    target, body, shown = CREATE_BULK
    assert await reference.post(target, body) == json.loads(shown)
    target, shown = GET_BULK

    async def completed() -> bool:
        return bool((await reference.get(target))["status"] == "completed")

    await eventually(completed)
    expected = json.loads(shown)
    # The reference prints two of the twenty-five results.
    expected["results"] |= {f"team{number}@example.com": {"status": "Created successfully."} for number in range(3, 26)}
    assert await reference.get(target) == expected
