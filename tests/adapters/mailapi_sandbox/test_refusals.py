"""Every documented code with its documented reason, and what the error contract says where none is documented."""

from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.mailapi import MailAPIControl

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNKNOWN_KEY = "9" * 32

LIST_DOMAIN = "/v1/list/domain"
LIST_MAILBOX = "/v1/list/mailbox"
GET_SINGLE = "/v1/get/mailbox/single"
GET_BULK = "/v1/get/mailbox/bulk"
CREATE_DOMAIN = "/v1/create/domain"
CREATE_SUBDOMAIN = "/v1/create/sub-domain"
CREATE_SINGLE = "/v1/create/mailbox/single"
CREATE_BULK = "/v1/create/mailbox/bulk"

BULK = {"Email_fullname": "t", "single_bulk": "bulk", "Domain": "example.com", "Params": {"count": 2}}
SINGLE = {"Email_fullname": "john", "single_bulk": "single", "Domain": "example.com", "Params": {}}
SUBDOMAINS = {"Domain": "example.com", "Params": {"sub_domains": ["a"]}}


async def refusal(api: httpx.AsyncClient, path: str, given: dict[str, Any]) -> tuple[int, str]:
    reading = path.startswith(("/v1/list", "/v1/get"))
    response = await (api.get(path, params=given) if reading else api.post(path, json=given))
    answer = response.json()
    assert answer == {"status": "error", "reason": answer["reason"]}
    return response.status_code, answer["reason"]


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def domain(control: MailAPIControl, key: str) -> None:
    await control.add_domain(key, "example.com")


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        pytest.param(LIST_DOMAIN, {"caller_id": 123}, (401, "Invalid API key."), id="list domains"),
        pytest.param(
            LIST_MAILBOX, {"caller_id": 123, "domain": "example.com"}, (401, "Invalid API key."), id="list mailboxes"
        ),
        pytest.param(CREATE_DOMAIN, {"Domain": "new.com"}, (401, "Invalid API key."), id="create domain"),
        pytest.param(CREATE_SINGLE, SINGLE, (401, "Invalid API key."), id="create single"),
        pytest.param(CREATE_BULK, BULK, (401, "Invalid API key."), id="create bulk"),
        pytest.param(CREATE_SUBDOMAIN, SUBDOMAINS, (404, "Parent domain was not found."), id="create sub-domain"),
        pytest.param(
            GET_SINGLE, {"task_id": 1}, (404, "Task ID was not found for this API key."), id="get single task"
        ),
        pytest.param(GET_BULK, {"task_id": 1}, (404, "Task ID was not found for this API key."), id="get bulk task"),
    ],
)
async def test_an_unknown_key_is_refused(
    api: httpx.AsyncClient, path: str, given: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert await refusal(api, path, {**given, "key": UNKNOWN_KEY}) == expected


@pytest.mark.parametrize(
    ("path", "given", "expected"),
    [
        pytest.param(LIST_DOMAIN, {"caller_id": 124}, (403, "Unauthorized caller."), id="list domains as another"),
        pytest.param(
            LIST_MAILBOX,
            {"caller_id": 124, "domain": "example.com"},
            (403, "Unauthorized caller."),
            id="list mailboxes as another",
        ),
        pytest.param(
            LIST_MAILBOX,
            {"caller_id": 123, "domain": "nowhere.com"},
            (404, "Domain not found for this account."),
            id="list mailboxes of no domain",
        ),
        pytest.param(
            CREATE_DOMAIN,
            {"Domain": "Example.com"},
            (409, "Domain already exists for this account."),
            id="create an existing domain",
        ),
        pytest.param(
            CREATE_SUBDOMAIN,
            {**SUBDOMAINS, "Domain": "nowhere.com"},
            (404, "Parent domain was not found."),
            id="sub-domain of no domain",
        ),
        pytest.param(
            CREATE_SUBDOMAIN,
            {"Domain": "example.com", "Params": {"sub_domains": [f"l{n}" for n in range(11)]}},
            (422, "Maximum 10 sub-domains are allowed per request."),
            id="eleven sub-domains",
        ),
        pytest.param(
            CREATE_SUBDOMAIN,
            {"Domain": "example.com", "Params": {"sub_domains": ["fine", "not_fine"]}},
            (422, "Sub-domain labels accept letters, numbers, and hyphens."),
            id="label with an underscore",
        ),
        pytest.param(
            CREATE_SINGLE,
            {**SINGLE, "Domain": "nowhere.com"},
            (404, "Domain not found for this account."),
            id="single in no domain",
        ),
        pytest.param(
            CREATE_BULK,
            {**BULK, "Domain": "nowhere.com"},
            (404, "Domain not found for this account."),
            id="bulk in no domain",
        ),
        pytest.param(
            GET_SINGLE, {"task_id": 77}, (404, "Task ID was not found for this API key."), id="no such single task"
        ),
        pytest.param(
            GET_BULK, {"task_id": 77}, (404, "Task ID was not found for this API key."), id="no such bulk task"
        ),
    ],
)
async def test_a_documented_refusal_has_its_code_and_reason(
    api: httpx.AsyncClient, key: str, path: str, given: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert await refusal(api, path, {**given, "key": key}) == expected


@pytest.mark.parametrize(
    ("created", "order", "asked"),
    [
        pytest.param(CREATE_SINGLE, SINGLE, GET_BULK, id="single"),
        pytest.param(CREATE_BULK, BULK, GET_SINGLE, id="bulk"),
    ],
)
async def test_a_task_is_only_shown_where_its_kind_belongs(
    api: httpx.AsyncClient, key: str, created: str, order: dict[str, Any], asked: str
) -> None:
    accepted = (await api.post(created, json={**order, "key": key})).json()
    answer = await refusal(api, asked, {"key": key, "task_id": accepted["task_id"]})
    assert answer == (422, "Task type does not match this endpoint.")


@pytest.mark.parametrize(
    ("path", "given", "field"),
    [
        pytest.param(LIST_DOMAIN, {}, "caller_id", id="no caller id"),
        pytest.param(LIST_DOMAIN, {"caller_id": "me"}, "caller_id", id="caller id of letters"),
        pytest.param(LIST_MAILBOX, {"caller_id": 123}, "domain", id="no domain to list"),
        pytest.param(GET_SINGLE, {"task_id": "x"}, "task_id", id="task id of letters"),
        pytest.param(GET_BULK, {"task_id": 2**63}, "task_id", id="task id beyond all"),
        pytest.param(CREATE_DOMAIN, {}, "Domain", id="no domain"),
        pytest.param(CREATE_DOMAIN, {"Domain": "example"}, "Domain", id="domain without a dot"),
        pytest.param(CREATE_SUBDOMAIN, {"Domain": "example.com"}, "Params", id="no labels"),
        pytest.param(
            CREATE_SUBDOMAIN,
            {"Domain": "example.com", "Params": {"sub_domains": "a"}},
            "Params.sub_domains",
            id="labels that are no list",
        ),
        pytest.param(CREATE_SINGLE, {**SINGLE, "single_bulk": "bulk"}, "single_bulk", id="bulk at single"),
        pytest.param(CREATE_BULK, {**BULK, "single_bulk": "single"}, "single_bulk", id="single at bulk"),
        pytest.param(CREATE_BULK, {**BULK, "Params": {}}, "Params.count", id="bulk without a count"),
        pytest.param(CREATE_BULK, {**BULK, "Params": {"count": 0}}, "Params.count", id="bulk of none"),
        pytest.param(
            CREATE_SINGLE, {**SINGLE, "Email_fullname": "a@other.com"}, "Email_fullname", id="address elsewhere"
        ),
    ],
)
async def test_a_field_that_is_missing_or_ill_typed_is_named(
    api: httpx.AsyncClient, key: str, path: str, given: dict[str, Any], field: str
) -> None:
    code, reason = await refusal(api, path, {**given, "key": key})
    assert code == 422
    assert f"The {field} field" in reason


async def test_a_missing_key_is_named(api: httpx.AsyncClient) -> None:
    assert await refusal(api, CREATE_DOMAIN, {"Domain": "a.com"}) == (422, "The key field is required.")
    assert await refusal(api, LIST_DOMAIN, {"caller_id": 123}) == (422, "The key field is required.")


async def test_a_refusal_never_repeats_the_key(api: httpx.AsyncClient) -> None:
    _, reason = await refusal(api, CREATE_DOMAIN, {"Domain": "a.com", "key": ["secret"]})
    assert "secret" not in reason


async def test_a_body_that_is_not_json_is_refused(api: httpx.AsyncClient) -> None:
    response = await api.post(CREATE_DOMAIN, content=b"{", headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["reason"]) == (422, "The body is not JSON.")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [pytest.param("GET", "/v1/nothing", 404, id="path"), pytest.param("GET", CREATE_DOMAIN, 405, id="method")],
)
async def test_what_is_not_in_the_reference_is_refused(
    api: httpx.AsyncClient, method: str, path: str, code: int
) -> None:
    response = await api.request(method, path)
    assert response.status_code == code
    assert response.json()["status"] == "error"


async def test_a_refused_create_changes_nothing(api: httpx.AsyncClient, control: MailAPIControl, key: str) -> None:
    await api.post(CREATE_SINGLE, json={**SINGLE, "Domain": "nowhere.com", "key": key})
    assert await control.creates() == []
    assert [(request.status, request.applied) for request in await control.requests()] == [(404, False)]


async def test_a_forgotten_key_is_unknown_from_then_on(
    api: httpx.AsyncClient, control: MailAPIControl, key: str
) -> None:
    task = (await api.post(CREATE_SINGLE, json={**SINGLE, "key": key})).json()["task_id"]
    await control.forget_key(key)
    assert (await refusal(api, LIST_DOMAIN, {"key": key, "caller_id": 123}))[0] == 401
    assert (await refusal(api, GET_SINGLE, {"key": key, "task_id": task}))[0] == 404
