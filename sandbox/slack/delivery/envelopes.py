"""One way out for everything that Slack tells the app, over a socket or by HTTP."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.slack.delivery import signed_http
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.world import Workspace

EnvelopeKind = Literal["slash_commands", "interactive", "events_api"]
_ANSWERABLE = ("slash_commands", "interactive")
_TOLD = {"http_timeout": "operation_timeout"}


@dataclass(kw_only=True)
class Answer:
    """What the app answered: `payload` where it said something, `error` where it did not answer in time or at all."""

    payload: Any = None
    error: str | None = None
    seconds: float = 0.0
    reason: str = ""
    final: bool = False

    @property
    def ok(self) -> bool:
        """Whether the app took it."""
        return self.error is None

    def must_be_ok(self) -> None:
        """Raise `Refused` with the error, where there is one."""
        if self.error is not None:
            raise Refused(self.error)


async def deliver(platform: Platform, workspace: Workspace, kind: EnvelopeKind, payload: dict[str, Any]) -> Answer:
    """Deliver once, or twice where that was asked for; the first answer counts."""
    envelope = {
        "envelope_id": str(uuid.uuid4()),
        "type": kind,
        "payload": payload,
        "accepts_response_payload": kind in _ANSWERABLE,
    }
    at_once = platform.faults.take_twice(kind)
    if at_once:
        both = (attempt(platform, workspace, envelope), attempt(platform, workspace, envelope))
        return (await asyncio.gather(*both))[0]
    answer = await attempt(platform, workspace, envelope)
    if at_once is False:
        await attempt(platform, workspace, envelope)
    return answer


async def deliver_event(platform: Platform, workspace: Workspace, payload: dict[str, Any]) -> Answer:
    """Deliver an event; where the app does not take it, it comes again, up to three times."""
    answer = await deliver(platform, workspace, "events_api", payload)
    if not answer.ok and not answer.final:
        platform.later(_again(platform, workspace, payload, answer.reason))
    return answer


async def _again(platform: Platform, workspace: Workspace, payload: dict[str, Any], reason: str) -> None:
    for number, seconds in enumerate(platform.settings.event_retry_seconds, 1):
        await asyncio.sleep(seconds)
        envelope = {
            "envelope_id": str(uuid.uuid4()),
            "type": "events_api",
            "payload": payload,
            "accepts_response_payload": False,
        }
        answer = await attempt(platform, workspace, envelope, (number, reason))
        if answer.ok or answer.final:
            return
        reason = answer.reason


async def attempt(
    platform: Platform, workspace: Workspace, envelope: dict[str, Any], retry: tuple[int, str] | None = None
) -> Answer:
    """One delivery, recorded with its answer."""
    started = time.perf_counter()
    connection = platform.sockets.pick(workspace.id)
    record = {"kind": envelope["type"], "payload": envelope["payload"], "envelope_id": envelope["envelope_id"]}
    platform.envelopes.append(record)
    try:
        if connection is not None:
            retried = {"retry_attempt": retry[0] if retry else 0, "retry_reason": retry[1] if retry else ""}
            sent = envelope | (retried if envelope["type"] == "events_api" else {})
            payload = await platform.sockets.ask(connection, sent, platform.settings.ack_seconds)
        else:
            payload = await _post(platform, workspace, envelope, retry)
        answer = Answer(payload=payload)
    except TimeoutError:
        answer = Answer(error="operation_timeout", reason="http_timeout")
    except signed_http.NotTaken as refused:
        error = _TOLD.get(refused.reason, "dispatch_failed")
        answer = Answer(error=error, reason=refused.reason, final=refused.final)
    answer.seconds = time.perf_counter() - started
    record.update(
        transport="socket" if connection else "http",
        connection=connection.number if connection else None,
        retry=retry[0] if retry else 0,
        ack=answer.payload,
        error=answer.error,
        seconds=answer.seconds,
    )
    platform.journal.note(
        "delivered", envelope=envelope["type"], what=envelope["payload"].get("type", ""), error=answer.error
    )
    return answer


async def _post(
    platform: Platform, workspace: Workspace, envelope: dict[str, Any], retry: tuple[int, str] | None
) -> Any:
    if platform.request_url is None:
        raise signed_http.NotTaken("connection_failed")
    return await signed_http.send(
        platform.http,
        platform.request_url,
        workspace,
        kind=envelope["type"],
        payload=envelope["payload"],
        seconds=platform.settings.ack_seconds,
        retry=retry,
    )
