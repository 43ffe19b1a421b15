"""The rows that the two halves of Mailroom share; what each word means stands in the architecture's list of words."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Index, Integer, MetaData, Text, TypeDecorator, text
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.sqlite import DATETIME
from sqlalchemy.types import TypeEngine
from sqlmodel import Column, Field, SQLModel

from storage.states import (
    CallState,
    ConnectionState,
    InstallationState,
    NoticeState,
    PolicyState,
    RequestState,
)

NAMING = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Names for constraints, so that a migration can name what it changes on every database."""


def table_of(model: type[SQLModel]) -> SqlTable:
    """The table behind a model, for statements that go past the unit of work."""
    return NAMING.tables[str(model.__tablename__)]


UNREADABLE_MOMENT = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for what a column of moments says that is none: the row can be loaded, and stands in nobody's way.

Long ago, so that what is due at it is due now, and a lease until then is over.
"""


class _AsStored(DATETIME):
    """SQLite keeps anything in any column, and a whole claim would fail with one row that holds no moment."""

    def result_processor(self, dialect: object, coltype: object) -> None:
        """What is stored is read further up."""


class UtcDateTime(TypeDecorator[datetime]):
    """A moment with its zone; SQLite keeps none, so it is stored as UTC and read back as such."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type of the database's own."""
        own: TypeEngine[Any] = DateTime(timezone=True)
        if dialect.name == "sqlite":
            own = _AsStored()  # type: ignore[no-untyped-call] # SQLAlchemy's own constructor
        return dialect.type_descriptor(own)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone: `ValueError`."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment without a time zone cannot be stored.")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give UTC back, or `UNREADABLE_MOMENT`."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            try:
                value = datetime.fromisoformat(value)
            except (TypeError, ValueError):
                return UNREADABLE_MOMENT
        moment: datetime = value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


class UnreadableMoment(ValueError):
    """A row holds something else where a moment should be; its text names the columns."""


class Table(SQLModel):
    """What all tables share: one metadata with names for its constraints."""

    metadata: ClassVar[MetaData] = NAMING


def check_moments(row: Table) -> None:
    """Raise `UnreadableMoment` where a moment of the row cannot be read, before anything is done by it."""
    if UNREADABLE_MOMENT in vars(row).values():
        raise UnreadableMoment(", ".join(name for name, value in vars(row).items() if value == UNREADABLE_MOMENT))


_KEY = BigInteger().with_variant(Integer, "sqlite")
"""SQLite counts up by itself for INTEGER primary keys only."""


def _moment(*, default: Any = None) -> Any:
    return Field(default=default, sa_type=UtcDateTime)


def _state(first: StrEnum) -> Any:
    """A state as its plain word, so that a new state needs no change of the schema."""
    words = Enum(type(first), native_enum=False, length=20, values_callable=lambda states: [s.value for s in states])
    return Field(default=first, sa_type=words)


def _json() -> Any:
    return Field(default=None, sa_type=JSON(none_as_null=True))


def _long_text() -> Any:
    return Field(default=None, sa_type=Text)


def _sealed() -> Any:
    """A text that `Vault` gave; `storage/sealed.py` names all such columns, for what has to be done to each."""
    return Field(default=None, sa_type=Text, sa_column_kwargs={"info": {"sealed": True}})


def _count() -> Any:
    """A number that rows of an older version begin with as 0, such as how often work on a row failed unforeseen."""
    return Field(default=0, sa_column_kwargs={"server_default": "0"})


def _word(longest: int) -> Any:
    """A text that rows of an older version begin with as empty."""
    return Field(default="", max_length=longest, sa_column_kwargs={"server_default": ""})


def _key() -> Any:
    return Field(default=None, sa_column=Column(_KEY, primary_key=True, autoincrement=True))


def _points_to(target: str, **options: Any) -> Any:
    return Field(foreign_key=target, sa_type=BigInteger().with_variant(Integer, "sqlite"), **options)


class Workspace(Table, table=True):
    """One Slack workspace that installed the bot; its id is Slack's team id, or the organisation's."""

    id: str = Field(primary_key=True, max_length=32)
    name: str = ""
    bot_user_id: str = ""
    created_at: datetime = _moment()
    audit_seq: int = _count()
    """Where the audit chain ends, and the hash of its last entry: a tail that was cut off shows."""
    audit_hash: str = _word(64)


class Installation(Table, table=True):
    """How a workspace, or an organisation as a whole, installed the bot over OAuth: one row for each.

    `bot_token` and `refresh_token` are encrypted, each for its own purpose, and erased when the bot is removed;
    `refreshing_until` says who is exchanging them now. All of the workspace's rows go at `delete_at`.
    """

    __table_args__ = (Index("ix_installation_state_delete_at", "state", "delete_at"),)
    workspace_id: str = Field(foreign_key="workspace.id", primary_key=True, max_length=32)
    state: InstallationState = _state(InstallationState.INSTALLED)
    is_enterprise: bool = False
    app_id: str = Field(default="", max_length=32)
    bot_id: str = Field(default="", max_length=32)
    bot_user_id: str = Field(default="", max_length=32)
    scopes: str = Field(default="", sa_type=Text)
    installed_by: str = Field(default="", max_length=32)
    bot_token: str | None = _sealed()
    refresh_token: str | None = _sealed()
    expires_at: datetime | None = _moment()
    refreshing_until: datetime | None = _moment()
    installed_at: datetime = _moment()
    uninstalled_at: datetime | None = _moment()
    delete_at: datetime | None = _moment()


class SpentState(Table, table=True):
    """The hash of an OAuth `state` that came back from Slack, so that it does so once."""

    __tablename__ = "spent_state"
    hash: str = Field(primary_key=True, max_length=64)
    at: datetime = _moment()


class Connection(Table, table=True):
    """A workspace's MailAPI key, encrypted, and its caller id. At most one is in force, which an index ensures."""

    __table_args__ = (
        Index(
            "uq_connection_in_force",
            "workspace_id",
            unique=True,
            sqlite_where=text("state = 'in_force'"),
            postgresql_where=text("state = 'in_force'"),
        ),
        Index("ix_connection_state_due_at", "state", "due_at"),
    )
    id: int = _key()
    workspace_id: str = Field(foreign_key="workspace.id", index=True)
    state: ConnectionState = _state(ConnectionState.CHECKING)
    secret: str | None = _sealed()
    caller_id: int = Field(sa_type=BigInteger)
    last_four: str = Field(max_length=4)
    connected_by: str = Field(max_length=32)
    view_id: str | None = None
    deduplication_key: str = Field(unique=True)
    domain_count: int | None = None
    reason: str | None = None
    broken_at: datetime | None = _moment()
    created_at: datetime = _moment()
    checked_at: datetime | None = _moment()
    last_success_at: datetime | None = _moment()
    polled_at: datetime | None = _moment()
    due_at: datetime | None = _moment()
    leased_until: datetime | None = _moment()
    attempts: int = 0
    faults: int = _count()


class Request(Table, table=True):
    """What a person asked for, and where it is talked about: `home_channel` and, once posted, `root_ts` there."""

    __table_args__ = (
        Index("ix_request_state_due_at", "state", "due_at"),
        Index("ix_request_workspace_id_state", "workspace_id", "state"),
        Index("ix_request_workspace_id_fingerprint", "workspace_id", "fingerprint"),
        Index("ix_request_workspace_id_asker_domain", "workspace_id", "asker", "domain"),
    )
    id: int = _key()
    workspace_id: str = Field(foreign_key="workspace.id")
    kind: str
    parameters: dict[str, Any] = _json()
    state: RequestState = _state(RequestState.PLANNING)
    asker: str = Field(max_length=32)
    asked_in: str = Field(max_length=32)
    asked_thread: str | None = None
    """The thread that it was asked in, where its root message is a reply."""
    team_id: str = _word(32)
    """Where a whole organisation has the bot: the workspace of it that this was asked in."""
    fingerprint: str = Field(default="", max_length=64)
    """The same for the same words of the same person."""
    home_channel: str = Field(max_length=32)
    root_ts: str | None = None
    in_direct_message: bool = False
    deduplication_key: str = Field(unique=True)
    plan: dict[str, Any] | None = _json()
    plan_hash: str | None = None
    round: int = 1
    domain: str = _word(255)
    unapproved: int = _count()
    """How many mailboxes of it nobody else has to agree to: these count towards the policy's threshold."""
    called: list[str] | None = _json()
    """Whom this round was put to, so that nobody is called twice."""
    expires_at: datetime | None = _moment()
    remind_at: datetime | None = _moment()
    reminders: int = _count()
    ended_by: str | None = Field(default=None, max_length=32)
    """Who rejected or cancelled it, and why stands in `reason`."""
    reason: str | None = _long_text()
    created_at: datetime = _moment()
    ended_at: datetime | None = _moment()
    due_at: datetime | None = _moment()
    leased_until: datetime | None = _moment()
    attempts: int = 0
    faults: int = _count()


class Call(Table, table=True):
    """One create call that a request needs; `names` are what it makes.

    `existing` are the names that were there before it was sent, and `looked_at` says when that was seen;
    `results` maps each name of which MailAPI said something final to `{"ok": …, "word": …}`, as it worded it.
    """

    __table_args__ = (
        Index("ix_call_state_due_at", "state", "due_at"),
        Index("ix_call_due_at_id", "due_at", "id"),  # after an outage all are due, and a claim wants the first
        Index("ix_call_workspace_id_state", "workspace_id", "state"),
    )
    id: int = _key()
    workspace_id: str = Field(foreign_key="workspace.id")
    request_id: int = _points_to("request.id", index=True)
    connection_id: int | None = _points_to("connection.id", default=None, nullable=True)
    kind: str
    parameters: dict[str, Any] = _json()
    domain: str
    names: list[str] = _json()
    state: CallState = _state(CallState.QUEUED)
    task_id: int | None = Field(default=None, sa_type=BigInteger)
    existing: list[str] | None = _json()
    results: dict[str, Any] | None = _json()
    reason: str | None = _long_text()
    created_at: datetime = _moment()
    looked_at: datetime | None = _moment()
    sent_at: datetime | None = _moment()
    grew_at: datetime | None = _moment()
    watch_until: datetime | None = _moment()
    ended_at: datetime | None = _moment()
    due_at: datetime | None = _moment()
    leased_until: datetime | None = _moment()
    attempts: int = 0
    faults: int = _count()


class Policy(Table, table=True):
    """One version of a workspace's policy; the newest is in force, and without any the defaults are."""

    __table_args__ = (
        Index("uq_policy_workspace_id_version", "workspace_id", "version", unique=True),
        Index("ix_policy_state_due_at", "state", "due_at"),
    )
    id: int = _key()
    workspace_id: str = Field(foreign_key="workspace.id")
    version: int
    rules: dict[str, Any] = _json()
    changed_by: str = Field(max_length=32)
    deduplication_key: str = Field(unique=True)
    state: PolicyState = _state(PolicyState.UNTOLD)
    changed_at: datetime = _moment()
    due_at: datetime | None = _moment()
    leased_until: datetime | None = _moment()
    attempts: int = 0
    faults: int = _count()


class Decision(Table, table=True):
    """One person's confirmation, approval or rejection of one round of a request."""

    __table_args__ = (Index("uq_decision_round", "request_id", "round", "person", unique=True),)
    id: int = _key()
    workspace_id: str = Field(foreign_key="workspace.id", index=True)
    request_id: int = _points_to("request.id")
    round: int
    person: str = Field(max_length=32)
    verdict: str = Field(max_length=16)
    reason: str | None = _long_text()
    deduplication_key: str = Field(unique=True)
    decided_at: datetime = _moment()


class Notice(Table, table=True):
    """A Slack message that is owed.

    `lane` is where order matters: notices of one lane are sent one after the other, in the order of their ids.
    `destination` is the channel or person that a post goes to, which takes one at a time; an edit has none.
    `recipient` is a person whose direct message is opened first; `key` makes an owed notice unique.
    """

    __table_args__ = (
        Index("ix_notice_state_due_at", "state", "due_at"),
        Index("ix_notice_lane_state", "lane", "state"),
        Index("ix_notice_destination_state", "destination", "state"),
        Index("ix_notice_destination_told_at", "destination", "told_at"),
    )
    id: int = _key()
    workspace_id: str = Field(foreign_key="workspace.id", index=True)
    request_id: int | None = _points_to("request.id", default=None, nullable=True, index=True)
    kind: str = Field(max_length=16)
    key: str = Field(unique=True)
    lane: str
    destination: str = _word(80)
    recipient: str | None = None
    view_id: str | None = None
    content: dict[str, Any] = _json()
    state: NoticeState = _state(NoticeState.OWED)
    channel: str | None = None
    ts: str | None = None
    reason: str | None = _long_text()
    created_at: datetime = _moment()
    tried_at: datetime | None = _moment()
    told_at: datetime | None = _moment()
    due_at: datetime | None = _moment()
    leased_until: datetime | None = _moment()
    attempts: int = 0
    faults: int = _count()


class AuditEntry(Table, table=True):
    """Who did or tried what, and what came of it. Appended, never changed; each holds the hash of the one before."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("uq_audit_entry_seq", "workspace_id", "seq", unique=True),)
    id: int = _key()
    workspace_id: str = Field(foreign_key="workspace.id")
    seq: int
    at: datetime = _moment()
    actor: str
    action: str
    outcome: str
    subject: str = ""
    details: dict[str, Any] = _json()
    previous_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class SeenEvent(Table, table=True):
    """The hash of what Slack delivered, or of what was refused of it, so that a repeat of it does nothing."""

    __tablename__ = "seen_event"
    event_id: str = Field(primary_key=True, max_length=64)
    workspace_id: str = Field(foreign_key="workspace.id")
    at: datetime = _moment()


class Process(Table, table=True):
    """One `mailroom run` that is alive, or was when it was last seen.

    `fingerprints` are those of its encryption keys, in their order: it encrypts with the first.
    """

    id: str = Field(primary_key=True, max_length=32)
    started_at: datetime = _moment()
    seen_at: datetime = _moment()
    version: str = Field(max_length=32)
    fingerprints: list[str] = _json()
