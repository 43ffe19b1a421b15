"""The four endpoints that change something; all of them only queue."""

import re

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from sandbox.mailapi import accounts, domains, tasks
from sandbox.mailapi.accounts import Account
from sandbox.mailapi.provider import Provider, Serving
from sandbox.mailapi.refusals import (
    BAD_LABEL,
    DOMAIN_EXISTS,
    DOMAIN_NOT_FOUND,
    INVALID_KEY,
    ONCE_PER_HOUR,
    PARENT_NOT_FOUND,
    TOO_MANY_LABELS,
    Refusal,
    Refused,
    documented,
)
from sandbox.mailapi.shapes import BulkOrder, DomainAccepted, DomainOrder, SingleOrder, SubdomainOrder, TaskAccepted
from sandbox.mailapi.tasks import Kind

router = APIRouter(prefix="/api/v1", tags=["Creating"])

_MOST_LABELS = 10
_LABEL = re.compile(r"[a-z0-9-]{1,63}")
_DOMAIN = re.compile(rf"{_LABEL.pattern}(\.{_LABEL.pattern})+")


@router.post("/create/domain", response_model=DomainAccepted, responses=documented(INVALID_KEY, DOMAIN_EXISTS))
async def create_domain(provider: Serving, order: DomainOrder) -> JSONResponse:
    """Queue a base domain: pending at once, verified after a while."""
    account = accounts.of_key(provider.db, order.key)
    name = order.domain.lower()
    if not _DOMAIN.fullmatch(name):
        raise Refused(Refusal(422, "The Domain field is not a fully qualified domain."))
    if domains.base(provider.db, account, name) is not None:
        raise Refused(DOMAIN_EXISTS)
    with provider.db:
        domains.request(provider.db, account, name, base=name, now=provider.clock.now())
    provider.provisioning.wake()
    return JSONResponse({"status": "success", "domain": name})


@router.post(
    "/create/sub-domain",
    response_model=DomainAccepted,
    responses=documented(PARENT_NOT_FOUND, TOO_MANY_LABELS, BAD_LABEL, ONCE_PER_HOUR),
)
async def create_subdomains(provider: Serving, order: SubdomainOrder) -> JSONResponse:
    """Queue up to ten sub-domains. An unknown key owns no parent and gets 404: no 401 is documented here.

    Only a successful request opens the hour. A sub-domain that exists already is accepted and stays as it is.
    """
    account = accounts.find(provider.db, order.key)
    parent = order.domain.lower()
    base = domains.base(provider.db, account, parent) if account else None
    if account is None or base is None:
        raise Refused(PARENT_NOT_FOUND)
    labels = _labels(order)
    if domains.window_is_open(provider.db, account.key, base, now=provider.clock.now()):
        raise Refused(ONCE_PER_HOUR)
    _queue_subdomains(provider, account, [f"{label}.{parent}" for label in labels], base)
    return JSONResponse({"status": "success", "domain": parent})


@router.post("/create/mailbox/single", response_model=TaskAccepted, responses=documented(INVALID_KEY, DOMAIN_NOT_FOUND))
async def create_single(provider: Serving, order: SingleOrder) -> JSONResponse:
    """Queue one mailbox. One that exists already is accepted again and counted: no refusal is documented."""
    account = accounts.of_key(provider.db, order.key)
    local, _, domain = order.name.lower().partition("@")
    if domain not in ("", order.domain.lower()):
        raise Refused(Refusal(422, "The Email_fullname field belongs to another domain."))
    return _queue(provider, account, "single", order, name=local, total=1)


@router.post("/create/mailbox/bulk", response_model=TaskAccepted, responses=documented(INVALID_KEY, DOMAIN_NOT_FOUND))
async def create_bulk(provider: Serving, order: BulkOrder) -> JSONResponse:
    """Queue `count` mailboxes, `prefix1` to `prefix<count>`, in one task."""
    account = accounts.of_key(provider.db, order.key)
    return _queue(provider, account, "bulk", order, name=order.name.lower(), total=order.params.count)


def _labels(order: SubdomainOrder) -> list[str]:
    labels = [label.lower() for label in order.params.sub_domains]
    if len(labels) > _MOST_LABELS:
        raise Refused(TOO_MANY_LABELS)
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise Refused(BAD_LABEL)
    return labels


def _queue_subdomains(provider: Provider, account: Account, names: list[str], base: str) -> None:
    now = provider.clock.now()
    with provider.db:
        domains.open_window(provider.db, account.key, base, now=now)
        for name in names:
            domains.request(provider.db, account, name, base=base, now=now)
    provider.provisioning.wake()


def _queue(
    provider: Provider, account: Account, kind: Kind, order: SingleOrder | BulkOrder, *, name: str, total: int
) -> JSONResponse:
    domain = order.domain.lower()
    if domains.base(provider.db, account, domain) is None:
        raise Refused(DOMAIN_NOT_FOUND)
    task_id = tasks.accept(
        provider.db,
        key=account.key,
        caller_id=account.caller_id,
        kind=kind,
        domain=domain,
        name=name,
        total=total,
        quota_mb=order.params.quota_mb,
    )
    provider.provisioning.wake()
    return JSONResponse({"status": "success", "task_id": task_id})
