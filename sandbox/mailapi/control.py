"""The control endpoint, on a path that no client of the provider uses."""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, status
from pydantic import BaseModel, Field

from sandbox.mailapi import accounts, domains, mailboxes, tasks
from sandbox.mailapi.accounts import Account
from sandbox.mailapi.faults import Fault
from sandbox.mailapi.provider import Serving
from sandbox.mailapi.record import RecordedRequest
from sandbox.mailapi.refusals import DOMAIN_NOT_FOUND, TASK_FAILED, Refused

router = APIRouter(prefix="/_control", tags=["Control of the sandbox"])


class NewAccount(BaseModel):
    """A key and the user id of its owner."""

    key: str = Field(pattern="^[A-Za-z0-9]{32}$")
    caller_id: int


class KeyOnly(BaseModel):
    """A key."""

    key: str


class NewSpeed(BaseModel):
    """What is left out stays as it is."""

    mailbox_seconds: float | None = Field(default=None, ge=0)
    domain_seconds: float | None = Field(default=None, ge=0)
    workers: int | None = Field(default=None, ge=1)


class Move(BaseModel):
    """By how much the clock is moved."""

    seconds: float


class TaskFailure(BaseModel):
    """Why the next task fails."""

    reason: str = TASK_FAILED.reason


class TaskNumber(BaseModel):
    """The id of the next task."""

    task_id: int = Field(ge=1)


class MailboxFailure(BaseModel):
    """With which status an address fails; `None` heals it."""

    address: str
    status: str | None


class Credentials(BaseModel):
    """What `imap_credentials` shows of an address."""

    address: str
    credentials: dict[str, Any] | None


class PlantedDomain(BaseModel):
    """A domain that is there without any request."""

    key: str
    name: str
    status: str = "verified"
    quota: str = domains.DEFAULT_QUOTA


class PlantedMailbox(BaseModel):
    """An active mailbox that is there without any request."""

    key: str
    address: str
    quota: str = "1024MB"


class Creations(BaseModel):
    """Domains with their status, mailboxes with how many times each was created, over all accounts."""

    domains: dict[str, str]
    mailboxes: dict[str, int]


@router.post("/accounts", status_code=status.HTTP_204_NO_CONTENT)
async def add_account(provider: Serving, account: NewAccount) -> None:
    """Make a key valid."""
    accounts.add(provider.db, Account(account.key, account.caller_id))


@router.post("/accounts/forget", status_code=status.HTTP_204_NO_CONTENT)
async def forget_key(provider: Serving, forgotten: KeyOnly) -> None:
    """Make a key invalid."""
    accounts.forget(provider.db, forgotten.key)


@router.post("/speed", status_code=status.HTTP_204_NO_CONTENT)
async def set_speed(provider: Serving, speed: NewSpeed) -> None:
    """Change how fast the queue is worked off, for what is in it already too."""
    provisioning = provider.provisioning
    provisioning.speed = replace(provisioning.speed, **speed.model_dump(exclude_none=True))
    provisioning.wake()


@router.post("/clock", status_code=status.HTTP_204_NO_CONTENT)
async def advance_clock(provider: Serving, move: Move) -> None:
    """Move the provider's time."""
    provider.clock.advance(move.seconds)
    provider.provisioning.wake()


@router.post("/queue/hold", status_code=status.HTTP_204_NO_CONTENT)
async def hold_queue(provider: Serving) -> None:
    """Work nothing off; requests are accepted as before."""
    provider.provisioning.hold()


@router.post("/queue/release", status_code=status.HTTP_204_NO_CONTENT)
async def release_queue(provider: Serving) -> None:
    """Work off what waits."""
    provider.provisioning.release()


@router.post("/failures/task", status_code=status.HTTP_204_NO_CONTENT)
async def fail_next_task(provider: Serving, failure: TaskFailure) -> None:
    """Let the next task that is taken out of the queue fail."""
    tasks.fail_next(provider.db, failure.reason)


@router.post("/failures/mailbox", status_code=status.HTTP_204_NO_CONTENT)
async def fail_mailbox(provider: Serving, failure: MailboxFailure) -> None:
    """Let an address fail whenever it is asked for."""
    mailboxes.set_failure(provider.db, failure.address.lower(), failure.status)


@router.post("/next-task-id", status_code=status.HTTP_204_NO_CONTENT)
async def number_tasks_from(provider: Serving, number: TaskNumber) -> None:
    """Number the following tasks from here."""
    tasks.number_from(provider.db, number.task_id)


@router.post("/credentials", status_code=status.HTTP_204_NO_CONTENT)
async def set_credentials(provider: Serving, credentials: Credentials) -> None:
    """Show these credentials of an address."""
    mailboxes.set_credentials(provider.db, credentials.address.lower(), credentials.credentials)


@router.post("/domains", status_code=status.HTTP_204_NO_CONTENT)
async def add_domain(provider: Serving, domain: PlantedDomain) -> None:
    """Plant a domain, or change the one that is there."""
    account = accounts.of_key(provider.db, domain.key)
    now = provider.clock.now()
    domains.plant(provider.db, account, domain.name.lower(), status=domain.status, quota=domain.quota, now=now)
    provider.provisioning.wake()


@router.post("/mailboxes", status_code=status.HTTP_204_NO_CONTENT)
async def add_mailbox(provider: Serving, mailbox: PlantedMailbox) -> None:
    """Plant a mailbox under a domain that is there; it counts as created once."""
    account = accounts.of_key(provider.db, mailbox.key)
    address = mailbox.address.lower()
    if domains.base(provider.db, account, address.rpartition("@")[2]) is None:
        raise Refused(DOMAIN_NOT_FOUND)
    with provider.db:
        mailboxes.create(provider.db, account.caller_id, address, quota=mailbox.quota, now=provider.clock.now())


@router.post("/faults", status_code=status.HTTP_204_NO_CONTENT)
async def add_fault(provider: Serving, fault: Fault) -> None:
    """Let something go wrong between the provider and its client."""
    provider.faults.add(fault)


@router.delete("/faults", status_code=status.HTTP_204_NO_CONTENT)
async def clear_faults(provider: Serving) -> None:
    """Let nothing go wrong any more."""
    provider.faults.clear()


@router.get("/requests")
async def requests(provider: Serving) -> list[RecordedRequest]:
    """What was asked, in order."""
    return provider.record.all()


@router.get("/creates")
async def creates(provider: Serving) -> list[RecordedRequest]:
    """Which creates were applied, in order."""
    return provider.record.creates()


@router.get("/tasks/ended")
async def ended(provider: Serving) -> dict[int, float]:
    """When each completed task ended."""
    return tasks.ended(provider.db)


@router.get("/state")
async def state(provider: Serving, domain: str | None = None) -> Creations:
    """What there is; with `domain`, only the mailboxes of that one."""
    return Creations(
        domains=domains.statuses(provider.db),
        mailboxes=mailboxes.creations(provider.db, domain.lower() if domain else None),
    )


@router.post("/reset", status_code=status.HTTP_204_NO_CONTENT)
async def reset(provider: Serving) -> None:
    """Forget everything."""
    provider.reset()
