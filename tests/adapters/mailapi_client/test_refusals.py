"""The provider's no: every documented status, and the forms in which it may come otherwise."""

import json
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from bot.mailapi import Account, KeyRefused, MailAPIError, NotFound, OutcomeUnknown, RateLimited, Rejected, Unavailable

Call = Callable[[Account], Coroutine[Any, Any, object]]
Answers = Callable[..., Awaitable[Account]]


def list_domains(account: Account) -> Coroutine[Any, Any, object]:
    return account.domains.list()


def list_mailboxes(account: Account) -> Coroutine[Any, Any, object]:
    return account.mailboxes.list("example.com")


def create_domain(account: Account) -> Coroutine[Any, Any, object]:
    return account.domains.create("example.com")


def create_subdomains(account: Account) -> Coroutine[Any, Any, object]:
    return account.subdomains.create("example.com", ["team"])


def create_mailbox(account: Account) -> Coroutine[Any, Any, object]:
    return account.mailboxes.create("example.com", "john")


def create_bulk(account: Account) -> Coroutine[Any, Any, object]:
    return account.mailboxes.create_bulk("example.com", "team", count=2)


def single_task(account: Account) -> Coroutine[Any, Any, object]:
    return account.tasks.single(1)


def bulk_task(account: Account) -> Coroutine[Any, Any, object]:
    return account.tasks.bulk(1)


EVERY_CALL = [
    list_domains,
    list_mailboxes,
    create_domain,
    create_subdomains,
    create_mailbox,
    create_bulk,
    single_task,
    bulk_task,
]


@pytest.fixture
def answering(
    serve: Callable[[bytes], Awaitable[str]], connect: Callable[..., Awaitable[Account]], respond: Callable[..., bytes]
) -> Answers:
    """An account whose peer answers everything with this status and this value as JSON."""

    async def start(status: int, value: object, headers: str = "") -> Account:
        body = value if isinstance(value, str) else json.dumps(value)
        return await connect(await serve(respond(body, f"{status} Whatever", headers)))

    return start


def error(reason: str) -> dict[str, str]:
    return {"status": "error", "reason": reason}


@pytest.mark.parametrize(
    ("call", "status", "reason", "expected"),
    [
        (list_domains, 401, "Invalid API key.", KeyRefused),
        (list_domains, 403, "Unauthorized caller.", KeyRefused),
        (create_domain, 401, "Invalid API key.", KeyRefused),
        (create_domain, 409, "Domain already exists for this account.", Rejected),
        (create_subdomains, 404, "Parent domain was not found.", NotFound),
        (create_subdomains, 422, "Maximum 10 sub-domains are allowed per request.", Rejected),
        (create_mailbox, 401, "Invalid API key.", KeyRefused),
        (create_mailbox, 404, "Domain not found for this account.", NotFound),
        (create_bulk, 401, "Invalid API key.", KeyRefused),
        (create_bulk, 404, "Domain not found for this account.", NotFound),
        (list_mailboxes, 401, "Invalid API key.", KeyRefused),
        (list_mailboxes, 403, "Unauthorized caller.", KeyRefused),
        (list_mailboxes, 404, "Domain not found for this account.", NotFound),
        (single_task, 404, "Task ID was not found for this API key.", NotFound),
        (single_task, 422, "Task type does not match this endpoint.", Rejected),
        (bulk_task, 404, "Task ID was not found for this API key.", NotFound),
    ],
)
async def test_a_documented_status_is_the_refusal_that_it_means_in_the_providers_words(
    answering: Answers, call: Call, status: int, reason: str, expected: type[Rejected]
) -> None:
    with pytest.raises(Rejected) as refusal:
        await call(await answering(status, error(reason)))
    assert type(refusal.value) is expected
    assert (refusal.value.status, refusal.value.reason, str(refusal.value)) == (status, reason, reason)


@pytest.mark.parametrize("call", [*EVERY_CALL])
@pytest.mark.parametrize("body", [error("Too many."), "<html>Slow down</html>"], ids=["error", "HTML"])
async def test_a_429_was_not_applied_and_says_when_to_come_back(answering: Answers, call: Call, body: object) -> None:
    with pytest.raises(RateLimited) as limited:
        await call(await answering(429, body, "Retry-After: 90\r\n"))
    assert limited.value.retry_after == 90


@pytest.mark.parametrize("header", ["", "Retry-After: soon\r\n", "Retry-After: -5\r\n", "Retry-After: inf\r\n"])
async def test_without_a_usable_retry_after_there_is_none(answering: Answers, header: str) -> None:
    reason = "Sub-domain requests are limited to once per hour for this domain and API key."
    with pytest.raises(RateLimited) as limited:
        await create_subdomains(await answering(429, error(reason), header))
    assert (limited.value.reason, limited.value.retry_after) == (reason, None)


@pytest.mark.parametrize(("ahead", "least", "most"), [(3600, 3500, 3601), (-3600, 0, 0)], ids=["future", "past"])
async def test_a_retry_after_may_be_a_date(answering: Answers, ahead: int, least: int, most: int) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    with pytest.raises(RateLimited) as limited:
        await create_subdomains(await answering(429, error("Later."), f"Retry-After: {then}\r\n"))
    assert limited.value.retry_after is not None
    assert least <= limited.value.retry_after <= most


@pytest.mark.parametrize("call", EVERY_CALL[:-2])
async def test_an_error_with_a_200_is_a_refusal(answering: Answers, call: Call) -> None:
    with pytest.raises(Rejected) as refusal:
        await call(await answering(200, error("The plan does not include this.")))
    assert type(refusal.value) is Rejected
    assert (refusal.value.status, refusal.value.reason) == (200, "The plan does not include this.")


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("Invalid API key.", KeyRefused),
        ("Unauthorized caller.", KeyRefused),
        ("Domain not found for this account.", NotFound),
        ("Task ID was not found for this API key.", NotFound),
    ],
)
@pytest.mark.parametrize("call", [list_domains, create_mailbox, single_task])
async def test_an_error_with_a_200_is_told_apart_by_the_documented_reasons(
    answering: Answers, call: Call, reason: str, expected: type[Rejected]
) -> None:
    with pytest.raises(expected) as refusal:
        await call(await answering(200, error(reason)))
    assert refusal.value.status == 200


@pytest.mark.parametrize("call", EVERY_CALL)
async def test_the_frameworks_own_refusal_is_one_too(answering: Answers, call: Call) -> None:
    with pytest.raises(Rejected, match="The given data was invalid"):
        await call(await answering(422, {"message": "The given data was invalid.", "errors": {"key": ["?"]}}))


@pytest.mark.parametrize(
    ("call", "expected"), [(list_domains, Unavailable), (create_domain, OutcomeUnknown)], ids=["read", "create"]
)
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_5xx_is_never_a_refusal_even_if_it_looks_like_one(
    answering: Answers, call: Call, expected: type[MailAPIError], status: int
) -> None:
    with pytest.raises(expected):
        await call(await answering(status, error("Invalid API key.")))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "MailAPI gave no reason (HTTP 400)."),
        ("", "MailAPI gave no reason (HTTP 400)."),
        ("  two\n\tlines\u0000 ", "two lines"),
        (["one", "two"], '["one", "two"]'),
        ({"Domain": ["is taken"]}, '{"Domain": ["is taken"]}'),
        ("x" * 5000, "x" * 299 + "…"),
    ],
    ids=["missing", "empty", "lines", "list", "map", "endless"],
)
async def test_a_reason_is_one_bounded_line(answering: Answers, given: object, shown: str) -> None:
    with pytest.raises(Rejected) as refusal:
        await create_domain(await answering(400, {"status": "error", "reason": given}))
    assert refusal.value.reason == shown
