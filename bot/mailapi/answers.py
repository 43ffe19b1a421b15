"""What MailAPI answers, as frozen models that ignore what they do not know."""

from enum import StrEnum
from typing import Any, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, Secret, model_validator

from bot.mailapi.loose import Day, Number, Word, Words, megabytes, named, task_id_of, whole_number

READY = frozenset({"verified", "active"})
ENDED = frozenset({"failed", "rejected", "suspended", "error"})
FAILED = frozenset({"failed", "error", "cancelled"})


class Answer(BaseModel):
    """A loose reading of one JSON object; numbers may be strings, and unknown fields are welcome."""

    model_config = ConfigDict(frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True)


class DomainReadiness(StrEnum):
    """Whether a domain can be used: already, perhaps later, or never."""

    READY = "ready"
    PENDING = "pending"
    ENDED = "ended"


class Domain(Answer):
    """A domain as the account's list shows it; `None` where the provider says nothing usable."""

    name: str
    status: Word = ""
    quota: Words = Field(default=None, validation_alias=AliasChoices("domain_quota", "quota"))
    mailbox_count: Number = None
    created: Day = Field(default=None, validation_alias=AliasChoices("created_at", "created"))

    @property
    def readiness(self) -> DomainReadiness:
        """What the status word means; a word that we do not know is pending."""
        word = self.status.casefold()
        if word in READY:
            return DomainReadiness.READY
        return DomainReadiness.ENDED if word in ENDED else DomainReadiness.PENDING

    @property
    def quota_mb(self) -> int | None:
        """The quota in megabytes."""
        return megabytes(self.quota)


class DomainList(Answer):
    """All domains of the account; `total` is the provider's count, or ours if it gives none."""

    total: int
    domains: tuple[Domain, ...]

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, answer: Any) -> Any:
        # A list without `results` is malformed: read as empty, it would say that domains have gone.
        if not isinstance(answer, dict) or "results" not in answer:
            return answer
        domains = named(answer["results"], "name")
        count = whole_number(answer.get("total_domain"))
        return {"total": len(domains) if count is None else count, "domains": domains}


class Mailbox(Answer):
    """A mailbox as its domain's list shows it.

    `credentials` may hold a password, as text or as an object: it hides its value in `repr`, and
    `get_secret_value()` is only for the eyes of the asker and the approvers.
    """

    address: str
    status: Word = Field(default="", validation_alias=AliasChoices("provisioning_status", "status"))
    quota: Words = Field(default=None, validation_alias=AliasChoices("mailbox_quota", "quota"))
    credentials: Secret[Any] | None = Field(
        default=None, validation_alias=AliasChoices("imap_credentials", "credentials")
    )
    created: Day = Field(default=None, validation_alias=AliasChoices("created_at", "created"))

    @property
    def quota_mb(self) -> int | None:
        """The quota in megabytes."""
        return megabytes(self.quota)


class MailboxList(Answer):
    """All mailboxes of one domain."""

    mailboxes: tuple[Mailbox, ...]

    @model_validator(mode="before")
    @classmethod
    def _by_address(cls, answer: Any) -> Any:
        if not isinstance(answer, dict) or "results" not in answer:
            return answer
        return {"mailboxes": named(answer["results"], "address")}


class Succeeded(Answer):
    """The success contract of the creates that give no task id."""

    status: Word

    @model_validator(mode="after")
    def _is_success(self) -> Self:
        if self.status.casefold() != "success":
            raise ValueError("not the success contract")
        return self


class Accepted(Answer):
    """A queued task, which has to be polled by its id."""

    task_id: int

    @model_validator(mode="before")
    @classmethod
    def _either_id(cls, answer: Any) -> Any:
        return {"task_id": task_id_of(answer)} if isinstance(answer, dict) else answer


class TaskKind(StrEnum):
    """Which of the two task endpoints knows a task."""

    SINGLE = "single"
    BULK = "bulk"


class TaskState(StrEnum):
    """Where a task stands; a status word that we do not know is still running."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"

    @classmethod
    def of(cls, word: str) -> "TaskState":
        """The state that the provider's word means."""
        if word.casefold() == "completed":
            return cls.COMPLETED
        return cls.FAILED if word.casefold() in FAILED else cls.RUNNING


class MailboxResult(Answer):
    """What a task says of one mailbox; a completed task can be partly failed."""

    address: str
    status: Word = ""

    @property
    def created(self) -> bool:
        """Whether the mailbox was made: its status begins with "Created"."""
        return self.status.casefold().startswith("created")


class Task(Answer):
    """A task as its endpoint shows it; `word` is its status as the provider worded it."""

    task_id: int
    state: TaskState
    word: str
    domain: str | None = None
    total: int | None = None
    results: tuple[MailboxResult, ...] = ()
    reason: str | None = None


class TaskAnswer(Answer):
    """The body of a task endpoint, which does not have to repeat the task's id."""

    status: Word = Field(min_length=1)
    domain: Words = None
    total: Number = Field(default=None, validation_alias=AliasChoices("total_email", "total"))
    results: tuple[MailboxResult, ...] = ()
    reason: Words = None

    @model_validator(mode="before")
    @classmethod
    def _by_address(cls, answer: Any) -> Any:
        if not isinstance(answer, dict):
            return answer
        return {**answer, "results": named(answer.get("results"), "address")}

    def of_task(self, task_id: int) -> Task:
        """The answer as task `task_id`."""
        return Task(
            task_id=task_id,
            state=TaskState.of(self.status),
            word=self.status,
            domain=self.domain,
            total=self.total,
            results=self.results,
            reason=self.reason,
        )
