"""Control: deliveries, faults, time, and what was recorded. Each takes the platform and the request's JSON."""

import asyncio
from typing import Any

from sandbox.slack.delivery.envelopes import deliver, deliver_event
from sandbox.slack.faults import Fault, Repeats
from sandbox.slack.platform import Platform
from sandbox.slack.world import Json

_LONGEST_WAIT = 30.0


async def reset(platform: Platform, _asked: Json) -> Any:
    """{}: forget everything; the app stays connected."""
    platform.reset()
    return {}


async def deliver_to(platform: Platform, asked: Json) -> Any:
    """{url}: where payloads go while no socket is open; null for nowhere."""
    platform.request_url = asked["url"]
    return {}


async def settings(platform: Platform, asked: Json) -> Any:
    """{ack_seconds?, event_retry_seconds?, …}: change Slack's manners."""
    for name, value in asked.items():
        if not hasattr(platform.settings, name):
            raise ValueError(f"There is no setting {name!r}.")
        setattr(platform.settings, name, value)
    return {}


async def advance_clock(platform: Platform, asked: Json) -> Any:
    """{seconds}: let time pass."""
    platform.clock.advance(asked["seconds"])
    return {}


async def fault(platform: Platform, asked: Json) -> Any:
    """{method, kind, times?, …}: spoil calls."""
    platform.faults.add(Fault(**asked))
    return {}


async def no_faults(platform: Platform, _asked: Json) -> Any:
    """{}: nothing goes wrong any more."""
    platform.faults.clear()
    return {}


async def deliver_again(platform: Platform, asked: Json) -> Any:
    """{kind, times?, at_once?}: the next envelope of that kind comes so many times."""
    repeats = Repeats(times=asked.get("times", 2), at_once=bool(asked.get("at_once")))
    platform.faults.repeats.setdefault(asked["kind"], []).append(repeats)
    return {}


async def connections(platform: Platform, asked: Json) -> Any:
    """{wait?}: how many sockets are open; with `wait` only once there are so many."""
    wanted = asked.get("wait", 0)
    async with asyncio.timeout(_LONGEST_WAIT):
        while len(platform.sockets.connections) < wanted:
            await platform.journal.wait_after(len(platform.journal.entries), 1.0)
    return len(platform.sockets.connections)


async def disconnect(platform: Platform, asked: Json) -> Any:
    """{reason}: announce the end to all sockets; null cuts them without a word."""
    for connection in list(platform.sockets.connections):
        if asked["reason"] is None:
            platform.sockets.cut(connection)
        else:
            seconds = 0.0 if asked["reason"] == "link_disabled" else platform.settings.refresh_seconds
            platform.later(platform.sockets.disconnect(connection, asked["reason"], seconds))
    return {}


async def request(platform: Platform, asked: Json) -> Any:
    """{kind, payload}: deliver anything at all."""
    kind, payload = asked["kind"], asked["payload"]
    if kind == "events_api":
        answer = await deliver_event(platform, platform.home, payload)
    else:
        answer = await deliver(platform, platform.home, kind, payload)
    return answer.shape()


async def calls(platform: Platform, asked: Json) -> Any:
    """{method?}: the Web API calls so far."""
    wanted = asked.get("method")
    return [call for call in platform.calls if wanted in (None, call["method"])]


async def envelopes(platform: Platform, asked: Json) -> Any:
    """{kind?, after?}: what was delivered so far behind the first `after`, and the answers."""
    wanted = asked.get("kind")
    return [each for each in platform.envelopes[asked.get("after", 0) :] if wanted in (None, each["kind"])]


async def journal(platform: Platform, asked: Json) -> Any:
    """{after, wait?}: what happened since; waits up to `wait` seconds for something."""
    return await platform.journal.wait_after(asked.get("after", 0), min(asked.get("wait", 0.0), _LONGEST_WAIT))


async def journal_end(platform: Platform, _asked: Json) -> Any:
    """{}: the number of the last entry."""
    return len(platform.journal.entries)


async def everything(platform: Platform, _asked: Json) -> Any:
    """{}: all text that was ever stored or sent."""
    return platform.everything()
