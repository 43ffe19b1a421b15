"""How answers are read: as the reference shows them, and as loosely as they come."""

import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest

from bot.mailapi import Account, DomainReadiness, OutcomeUnknown, Unavailable

Answers = Callable[[object], Awaitable[Account]]


@pytest.fixture
def answering(
    serve: Callable[[bytes], Awaitable[str]], connect: Callable[..., Awaitable[Account]], respond: Callable[..., bytes]
) -> Answers:
    """An account whose peer answers everything with this value as JSON."""

    async def start(value: object) -> Account:
        return await connect(await serve(respond(json.dumps(value))))

    return start


def domains(**entry: Any) -> dict[str, Any]:
    return {"status": "success", "results": {"example.com": entry}}


def mailboxes(**entry: Any) -> dict[str, Any]:
    return {"status": "success", "results": {"john@example.com": entry}}


async def test_the_domains_of_the_reference_are_read(answering: Answers) -> None:
    entry = {"status": "verified", "domain_quota": "10GB", "mailbox_count": "15", "created_at": "14-04-2026"}
    account = await answering({"user_id": "123", "total_domain": 2, **domains(**entry)})
    listed = await account.domains.list()
    assert listed.total == 2
    (domain,) = listed.domains
    assert (domain.name, domain.status, domain.readiness) == ("example.com", "verified", DomainReadiness.READY)
    assert (domain.quota, domain.quota_mb, domain.mailbox_count) == ("10GB", 10240, 15)
    assert domain.created == date(2026, 4, 14)


async def test_the_mailboxes_of_the_reference_are_read(answering: Answers) -> None:
    entry = {
        "provisioning_status": "active",
        "mailbox_quota": "1024MB",
        "imap_credentials": None,
        "created_at": "14-04-2026",
    }
    (mailbox,) = await (await answering(mailboxes(**entry))).mailboxes.list("example.com")
    assert (mailbox.address, mailbox.status) == ("john@example.com", "active")
    assert (mailbox.quota, mailbox.quota_mb) == ("1024MB", 1024)
    assert mailbox.credentials is None
    assert mailbox.created == date(2026, 4, 14)


async def test_creates_without_a_task_need_only_the_success_contract(answering: Answers) -> None:
    account = await answering({"status": "success"})
    await account.domains.create("example.com")
    await account.subdomains.create("example.com", ["team"])


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "success", "task_id": 123},
        {"status": "success", "task_id": "123"},
        {"status": "success", "Task_id": 123},
        {"Task_id": "123", "task_id": None, "new": {"field": []}},
    ],
    ids=["number", "string", "the other name", "without a status"],
)
async def test_a_task_id_is_read_in_every_form(answering: Answers, answer: object) -> None:
    account = await answering(answer)
    assert (await account.mailboxes.create("example.com", "john")).task_id == 123
    assert (await account.mailboxes.create_bulk("example.com", "team", count=2)).task_id == 123


@pytest.mark.parametrize("task_id", [None, "", "soon", 0, -1, 1.5, True, [], {}], ids=repr)
async def test_a_success_without_a_usable_task_id_leaves_the_outcome_unknown(
    answering: Answers, task_id: object
) -> None:
    with pytest.raises(OutcomeUnknown):
        await (await answering({"status": "success", "task_id": task_id})).mailboxes.create("example.com", "john")


@pytest.mark.parametrize("status", ["", "accepted?", None, 7], ids=repr)
async def test_a_create_is_not_taken_as_accepted_without_the_word_success(answering: Answers, status: object) -> None:
    with pytest.raises(OutcomeUnknown):
        await (await answering({"status": status, "domain": "example.com"})).domains.create("example.com")


@pytest.mark.parametrize("empty", [[], {}, None], ids=repr)
async def test_an_empty_list_is_read_in_every_form(answering: Answers, empty: object) -> None:
    account = await answering({"status": "success", "total_domain": "0", "results": empty})
    listed = await account.domains.list()
    assert (listed.total, listed.domains) == (0, ())
    assert await account.mailboxes.list("example.com") == ()


@pytest.mark.parametrize("answer", [{"status": "success"}, {"results": "none"}, {"results": [1]}], ids=repr)
async def test_a_list_without_a_map_of_results_is_malformed_and_not_empty(answering: Answers, answer: object) -> None:
    account = await answering(answer)
    with pytest.raises(Unavailable):
        await account.domains.list()
    with pytest.raises(Unavailable):
        await account.mailboxes.list("example.com")


@pytest.mark.parametrize("entry", [{}, {"status": None, "created_at": None, "mailbox_count": None}], ids=repr)
async def test_missing_optional_fields_are_none(answering: Answers, entry: dict[str, Any]) -> None:
    account = await answering(domains(**entry))
    listed = await account.domains.list()
    (domain,) = listed.domains
    assert (domain.status, domain.readiness) == ("", DomainReadiness.PENDING)
    assert (domain.quota, domain.quota_mb, domain.mailbox_count, domain.created) == (None, None, None, None)
    assert listed.total == 1
    (mailbox,) = await account.mailboxes.list("example.com")
    assert (mailbox.quota, mailbox.quota_mb, mailbox.credentials, mailbox.created) == (None, None, None, None)


@pytest.mark.parametrize(
    ("word", "readiness"),
    [
        ("verified", DomainReadiness.READY),
        ("Active", DomainReadiness.READY),
        ("failed", DomainReadiness.ENDED),
        ("rejected", DomainReadiness.ENDED),
        ("suspended", DomainReadiness.ENDED),
        ("error", DomainReadiness.ENDED),
        ("pending", DomainReadiness.PENDING),
        ("waiting for DNS", DomainReadiness.PENDING),
    ],
)
async def test_a_domains_status_word_says_whether_it_is_ready(
    answering: Answers, word: str, readiness: DomainReadiness
) -> None:
    (domain,) = (await (await answering(domains(status=word))).domains.list()).domains
    assert (domain.status, domain.readiness) == (word, readiness)


@pytest.mark.parametrize(
    ("quota", "worded", "quota_mb"),
    [
        ("10GB", "10GB", 10240),
        ("1.5 gb", "1.5 gb", 1536),
        ("1T", "1T", 1024 * 1024),
        ("512", "512", 512),
        (512, "512", 512),
        ("unlimited", "unlimited", None),
        ("10 parsecs", "10 parsecs", None),
        ({"value": 5}, '{"value": 5}', None),
    ],
)
async def test_a_quota_is_kept_as_worded_and_counted_where_it_can_be(
    answering: Answers, quota: object, worded: str, quota_mb: int | None
) -> None:
    (domain,) = (await (await answering(domains(domain_quota=quota))).domains.list()).domains
    assert (domain.quota, domain.quota_mb) == (worded, quota_mb)


@pytest.mark.parametrize(
    ("count", "number"), [(15, 15), ("15", 15), (" 15 ", 15), (15.0, 15), ("many", None), (-1, None), ("9" * 99, None)]
)
async def test_a_count_is_read_from_numbers_and_digits(answering: Answers, count: object, number: int | None) -> None:
    (domain,) = (await (await answering(domains(mailbox_count=count))).domains.list()).domains
    assert domain.mailbox_count == number


@pytest.mark.parametrize(
    ("created", "day"),
    [
        ("14-04-2026 09:30:00", date(2026, 4, 14)),
        ("2026-04-14T09:30:00Z", date(2026, 4, 14)),
        ("99-99-2026", None),
        ("yesterday", None),
        (1776124800, None),
    ],
)
async def test_a_date_is_read_with_or_without_a_time(answering: Answers, created: object, day: date | None) -> None:
    (domain,) = (await (await answering(domains(created_at=created))).domains.list()).domains
    assert domain.created == day


@pytest.mark.parametrize("value", ["hunter2", {"user": "john", "password": "hunter2"}], ids=["text", "object"])
async def test_imap_credentials_show_themselves_only_when_asked(answering: Answers, value: object) -> None:
    (mailbox,) = await (await answering(mailboxes(imap_credentials=value))).mailboxes.list("example.com")
    assert mailbox.credentials is not None
    assert mailbox.credentials.get_secret_value() == value
    shown = f"{mailbox!r} {mailbox} {mailbox.credentials!r} {mailbox.credentials} {mailbox.model_dump_json()}"
    assert "hunter2" not in shown


async def test_a_new_field_changes_nothing(answering: Answers) -> None:
    account = await answering({**domains(status="verified", colour="blue"), "page": {"next": 2}})
    assert (await account.domains.list()).domains[0].status == "verified"
