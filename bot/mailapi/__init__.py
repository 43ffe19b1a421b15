"""The client of MailAPI, a provider of mail domains and mailboxes."""

from bot.mailapi.account import Account, MailAPI
from bot.mailapi.answers import (
    Accepted,
    Domain,
    DomainList,
    DomainReadiness,
    Mailbox,
    MailboxResult,
    Task,
    TaskKind,
    TaskState,
)
from bot.mailapi.credentials import Credentials
from bot.mailapi.errors import (
    KeyRefused,
    MailAPIError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from bot.mailapi.exchange import Timeouts

__all__ = [
    "Accepted",
    "Account",
    "Credentials",
    "Domain",
    "DomainList",
    "DomainReadiness",
    "KeyRefused",
    "MailAPI",
    "MailAPIError",
    "Mailbox",
    "MailboxResult",
    "NotFound",
    "OutcomeUnknown",
    "RateLimited",
    "Rejected",
    "Task",
    "TaskKind",
    "TaskState",
    "Timeouts",
    "Unavailable",
]
