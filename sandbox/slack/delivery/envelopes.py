"""One way out for everything that Slack tells the app, over a socket or by HTTP."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.slack.delivery.signed_http import NotTaken, Retry, SignedHttp
from sandbox.slack.delivery.sockets import Connection
from sandbox.slack.platform import Platform
from sandbox.slack.refusal import Refused
from sandbox.slack.world import Workspace

EnvelopeKind = Literal["slash_commands", "interactive", "events_api"]
_ANSWERABLE = ("slash_commands", "interactive")
_TOLD = {"http_timeout": "operation_timeout"}
Envelope = dict[str, Any]


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

    def shape(self, text: str = "") -> dict[str, Any]:
        """For whoever drives the sandbox; `text` is what the person reads privately."""
        return {"ok": self.ok, "error": self.error, "payload": self.payload, "seconds": self.seconds, "text": text}

    def must_be_ok(self) -> None:
        """Raise `Refused` with the error, where there is one."""
        if self.error is not None:
            raise Refused(self.error)


async def deliver(platform: Platform, workspace: Workspace, kind: EnvelopeKind, payload: dict[str, Any]) -> Answer:
    """Deliver once, or more often where that was asked for; the first answer counts."""
    envelope = _envelope(kind, payload)
    repeats = platform.faults.take_repeats(kind)
    if repeats.at_once:
        answers = await asyncio.gather(*(_attempt(platform, workspace, envelope) for _ in range(repeats.times)))
    else:
        answers = [await _attempt(platform, workspace, envelope) for _ in range(repeats.times)]
    return answers[0]


async def deliver_event(platform: Platform, workspace: Workspace, payload: dict[str, Any]) -> Answer:
    """Deliver an event; where the app does not take it, it comes again, up to three times."""
    answer = await deliver(platform, workspace, "events_api", payload)
    if not answer.ok and not answer.final:
        platform.later(_again(platform, workspace, payload, answer.reason))
    return answer


async def _again(platform: Platform, workspace: Workspace, payload: dict[str, Any], reason: str) -> None:
    for number, seconds in enumerate(platform.settings.event_retry_seconds, 1):
        await asyncio.sleep(seconds)
        retry = Retry(number=number, reason=reason)
        answer = await _attempt(platform, workspace, _envelope("events_api", payload), retry)
        if answer.ok or answer.final:
            return
        reason = answer.reason


def _envelope(kind: EnvelopeKind, payload: dict[str, Any]) -> Envelope:
    return {
        "envelope_id": str(uuid.uuid4()),
        "type": kind,
        "payload": payload,
        "accepts_response_payload": kind in _ANSWERABLE,
    }


async def _attempt(platform: Platform, workspace: Workspace, envelope: Envelope, retry: Retry | None = None) -> Answer:
    """One delivery, recorded with its answer."""
    started = time.perf_counter()
    connection = platform.sockets.pick(workspace.app_id)
    record: dict[str, Any] = {
        "kind": envelope["type"],
        "payload": envelope["payload"],
        "envelope_id": envelope["envelope_id"],
        "transport": "socket" if connection else "http",
        "connection": connection.number if connection else None,
        "retry": retry.number if retry else 0,
        "sent": started,
        "at": time.time(),
        "ack": None,
        "error": None,
        "seconds": None,
    }
    platform.envelopes.append(record)
    answer = await _asked(platform, workspace, connection, envelope, retry)
    answer.seconds = time.perf_counter() - started
    record |= {"ack": answer.payload, "error": answer.error, "seconds": answer.seconds}
    what = envelope["payload"].get("type", "")
    platform.journal.note("delivered", envelope=envelope["type"], what=what, error=answer.error)
    return answer


async def _asked(
    platform: Platform, workspace: Workspace, connection: Connection | None, envelope: Envelope, retry: Retry | None
) -> Answer:
    try:
        if connection is None:
            return Answer(payload=await _post(platform, workspace, envelope, retry))
        return Answer(payload=await platform.sockets.ask(connection, _retold(envelope, retry), _patience(platform)))
    except TimeoutError:
        return Answer(error="operation_timeout", reason="http_timeout")
    except NotTaken as refused:
        error = _TOLD.get(refused.reason, "dispatch_failed")
        return Answer(error=error, reason=refused.reason, final=refused.final)


def _retold(envelope: Envelope, retry: Retry | None) -> Envelope:
    """The envelope with what Socket Mode says about an event's retries."""
    if envelope["type"] != "events_api":
        return envelope
    retry = retry or Retry(number=0, reason="")
    return {**envelope, "retry_attempt": retry.number, "retry_reason": retry.reason}


async def _post(platform: Platform, workspace: Workspace, envelope: Envelope, retry: Retry | None) -> Any:
    if platform.request_url is None:
        raise NotTaken("connection_failed")
    signed = SignedHttp(
        session=platform.http, url=platform.request_url, secret=workspace.signing_secret, sent=platform.sent
    )
    return await signed.send(envelope["type"], envelope["payload"], seconds=_patience(platform), retry=retry)


def _patience(platform: Platform) -> float:
    return platform.settings.ack_seconds
