"""What goes wrong at random in Slack and at MailAPI while the storm lasts."""

import asyncio
from random import Random
from typing import Any

from sandbox.mailapi import MailAPIControl
from sandbox.slack import SlackControl

SLACK_EVERY = 0.4
"""Seconds between two faults of Slack, on average."""
MAILAPI_EVERY = 0.7

_METHODS = {
    "chat.postMessage": 10,
    "chat.update": 5,
    "conversations.replies": 2,
    "conversations.history": 2,
    "conversations.open": 1,
    "users.info": 1,
    "auth.test": 0.3,
    "apps.connections.open": 0.3,
}
_SLACK: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ratelimited", {"retry_after": 1}),
    ("drop_before", {}),
    ("drop_after", {}),
    ("status", {"status": 503}),
    ("status", {"status": 502, "applied": True}),
    ("error", {"error": "internal_error"}),
    ("error", {"error": "internal_error", "applied": True}),
    ("latency", {"seconds": 2.0}),
)

_READS = ("list_domain", "list_mailbox", "get_mailbox_single", "get_mailbox_bulk")
_CREATES = ("create_mailbox_single", "create_mailbox_bulk", "create_domain")
_READ_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("status", {"status": 503}),
    ("reset_before", {}),
    ("html", {}),
    ("malformed", {}),
    ("latency", {"seconds": 2.0}),
    ("rate_limited", {"retry_after": 1}),
)
_CREATE_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("reset_before", {}),
    ("reset_after", {}),
    ("status", {"status": 500}),
    ("status", {"status": 500, "applied": True}),
    ("html", {"applied": True}),
    ("malformed", {}),
    ("drop", {}),
    ("latency", {"seconds": 2.0}),
    ("rate_limited", {"retry_after": 1}),
)


async def worsen_slack(slack: SlackControl, chance: Random) -> None:
    """Spoil one call of Slack's Web API after the other, until cancelled."""
    while True:
        await asyncio.sleep(chance.expovariate(1 / SLACK_EVERY))
        (method,) = chance.choices(list(_METHODS), list(_METHODS.values()))
        kind, options = chance.choice(_SLACK)
        await slack.fault(method, kind, **options)  # type: ignore[arg-type]


async def worsen_mailapi(mailapi: MailAPIControl, chance: Random) -> None:
    """Spoil one request to MailAPI after the other, until cancelled."""
    while True:
        await asyncio.sleep(chance.expovariate(1 / MAILAPI_EVERY))
        endpoints, faults = (_READS, _READ_FAULTS) if chance.random() < 0.5 else (_CREATES, _CREATE_FAULTS)  # noqa: PLR2004 - a coin
        kind, options = chance.choice(faults)
        await mailapi.fault(chance.choice(endpoints), kind, **options)  # type: ignore[arg-type]


async def clear(slack: SlackControl, mailapi: MailAPIControl) -> None:
    """Let nothing go wrong any more."""
    await slack.no_faults()
    await mailapi.clear_faults()
