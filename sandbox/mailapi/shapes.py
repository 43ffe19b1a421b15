"""The wire's shapes: what is checked of a request, and what `/docs` shows of an answer."""

from typing import Any, Literal

from pydantic import BaseModel, Field

Key = str
"""The reference wants 32 letters and digits; a key of any other form is simply an unknown key."""


class ErrorContract(BaseModel):
    """Every refusal."""

    status: Literal["error"]
    reason: str


class DomainOrder(BaseModel):
    """Body of Create Domain."""

    domain: str = Field(alias="Domain", examples=["example.com"])
    params: dict[str, Any] | None = Field(default=None, alias="Params")
    key: Key


class SubdomainParams(BaseModel):
    """Which labels are wanted; that there are at most ten is the endpoint's to say."""

    sub_domains: list[str] = Field(min_length=1, examples=[["team", "support", "billing"]])


class SubdomainOrder(BaseModel):
    """Body of Create Sub-Domain Batch."""

    domain: str = Field(alias="Domain", examples=["example.com"])
    params: SubdomainParams = Field(alias="Params")
    key: Key


class SingleParams(BaseModel):
    """Options of one mailbox."""

    display_name: str | None = None
    quota_mb: int = Field(default=1024, ge=1)


class SingleOrder(BaseModel):
    """Body of Create Single Mailbox; `Email_fullname` is a local part or a whole address of the domain."""

    name: str = Field(alias="Email_fullname", min_length=1, examples=["john"])
    single_bulk: Literal["single"]
    domain: str = Field(alias="Domain", examples=["example.com"])
    params: SingleParams = Field(alias="Params")
    key: Key


class BulkParams(BaseModel):
    """How many mailboxes, and of which size each."""

    count: int = Field(ge=1, lt=2**31)
    quota_mb: int = Field(default=1024, ge=1)


class BulkOrder(BaseModel):
    """Body of Create Bulk Mailboxes; `Email_fullname` is the prefix before the running number."""

    name: str = Field(alias="Email_fullname", min_length=1, examples=["team"])
    single_bulk: Literal["bulk"]
    domain: str = Field(alias="Domain", examples=["example.com"])
    params: BulkParams = Field(alias="Params")
    key: Key


class DomainAccepted(BaseModel):
    """A domain or a batch of sub-domains was queued."""

    status: Literal["success"]
    domain: str


class TaskAccepted(BaseModel):
    """Mailboxes were queued."""

    status: Literal["success"]
    task_id: int


class ListedDomain(BaseModel):
    """One domain, with its mailboxes counted as a string."""

    status: str
    domain_quota: str
    mailbox_count: str
    created_at: str


class Domains(BaseModel):
    """Answer of List Domains; empty results are `[]`, as PHP writes an empty map."""

    user_id: str
    total_domain: int
    results: dict[str, ListedDomain] | list[Any]
    status: Literal["success"]


class ListedMailbox(BaseModel):
    """One mailbox; the credentials may hold a password."""

    provisioning_status: str
    mailbox_quota: str
    imap_credentials: dict[str, Any] | None
    created_at: str


class Mailboxes(BaseModel):
    """Answer of List Mailboxes."""

    user_id: str
    domain: str
    results: dict[str, ListedMailbox] | list[Any]
    status: Literal["success"]


class MailboxResult(BaseModel):
    """How one mailbox of a task came out."""

    status: str


class TaskProgress(BaseModel):
    """Answer of both task endpoints: the results so far, and both spellings of the id."""

    capital_task_id: int = Field(alias="Task_id")
    total_email: int
    domain: str
    results: dict[str, MailboxResult] | list[Any]
    status: Literal["queued", "processing", "completed"]
    task_id: str
