"""Rows that cannot be worked on: set aside after a few tries, told once, in nobody's way."""

from collections.abc import Awaitable, Callable, Iterable
from enum import StrEnum

import pytest
from structlog.testing import capture_logs

from bot.texts.message import Message
from bot.worker import telling_policy
from sandbox.slack import MAIL
from storage import connections
from storage.states import CallState, RequestState
from storage.tables import Request
from tests.flows.breaking import GARBLED, WRONG, execute, open_rows, rows, set_aside
from tests.flows.stage import Mailroom
from tests.flows.test_lost_answers import lose

SINGLE = "mailbox create john@example.com"
HEALTHY = "/mail mailbox create healthy@example.com"
ASIDE = "could not be worked on because of an error on our side"

Comes = Callable[[Mailroom], Awaitable[None]]


async def to_be_planned(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("list_mailbox", "status", times=None, status=503)
    await mailroom.ben.types(MAIL, f"/mail {SINGLE}")
    await mailroom.made("list_mailbox")


async def to_be_decided(mailroom: Mailroom) -> None:
    await mailroom.lays_down()
    await mailroom.ben.types(MAIL, "/mail domain create new.example")
    await mailroom.root(mailroom.ana, "Waiting for approval")
    await mailroom.at_rest()


async def approved(mailroom: Mailroom) -> None:
    await to_be_decided(mailroom)
    await mailroom.mailapi.fault("list_domain", "status", times=None, status=503)
    asked = len(await mailroom.asked("list_domain"))
    await mailroom.ana.clicks(await mailroom.root(mailroom.ana, "Waiting for approval"), "Approve")
    await mailroom.made("list_domain", asked + 1)


async def queued(mailroom: Mailroom) -> None:
    await mailroom.mailapi.fault("create_mailbox_single", "rate_limited", retry_after=20)
    await mailroom.ben.types(MAIL, f"/mail {SINGLE}")
    await mailroom.made("create_mailbox_single")


async def waiting(mailroom: Mailroom) -> None:
    await mailroom.orders_elsewhere("example.com", "team")
    await mailroom.ben.types(MAIL, "/mail subdomain create example.com support")
    await mailroom.waiting(mailroom.ana)
    await mailroom.at_rest()


async def accepted(mailroom: Mailroom) -> None:
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, f"/mail {SINGLE}")
    await mailroom.made("create_mailbox_single")


async def unknown(mailroom: Mailroom) -> None:
    await lose(mailroom, "create_mailbox_single")


REQUESTS = {RequestState.PLANNING: to_be_planned, RequestState.APPROVED: approved, RequestState.RUNNING: accepted}
CALLS = {
    CallState.QUEUED: queued,
    CallState.WAITING: waiting,
    CallState.ACCEPTED: accepted,
    CallState.UNKNOWN: unknown,
}
BREAKS = {
    "wrong parameters": ("parameters", WRONG),
    "garbled parameters": ("parameters", GARBLED),
    "an unknown kind": ("kind", "teleport"),
}


def every(states: Iterable[StrEnum]) -> pytest.MarkDecorator:
    """Each state with wrong parameters, and the first with everything else that may be broken."""
    first, *others = states
    cases = [(first, *broken) for broken in BREAKS.values()]
    cases += [(state, *BREAKS["wrong parameters"]) for state in others]
    return pytest.mark.parametrize(("state", "column", "value"), cases)


async def goes_on_without(mailroom: Mailroom, subject: str) -> None:
    """A healthy request comes to its end beside the broken row, which is set aside meanwhile, and told once."""
    await mailroom.mailapi.clear_faults()
    with capture_logs() as lines:
        await mailroom.ana.types(MAIL, HEALTHY)
        await mailroom.mailapi.release_queue()
        for seconds in (70, 70, 7200, 70, 70):
            await mailroom.passes(seconds=seconds)

        async def is_set_aside() -> bool:
            await mailroom.clock_ahead(seconds=2)
            return subject in await set_aside(mailroom)

        await mailroom.until(is_set_aside, f"{subject} set aside")
        await mailroom.at_rest()
        await mailroom.root(mailroom.ana, "Done", "healthy@example.com")
    assert await open_rows(mailroom) == []
    assert len([line for line in lines if line.get("exc_info")]) <= 3
    assert len([line for line in lines if line["event"] == "set aside"]) == 1
    assert {line["row"] for line in lines if line.get("exc_info")} <= {1}


@every(REQUESTS)
async def test_a_request_that_cannot_be_read_is_set_aside(
    mailroom: Mailroom, state: RequestState, column: str, value: str
) -> None:
    await REQUESTS[state](mailroom)
    (request,) = await rows(mailroom, Request)
    assert request.state is state
    await execute(mailroom, f"UPDATE request SET {column} = :value", value=value)  # noqa: S608
    await goes_on_without(mailroom, f"request:{request.id}")
    told = [m.visible for m in await mailroom.ben.direct_messages() if ASIDE in m.visible]
    assert len(told) == 1
    await mailroom.root(mailroom.ana, "cannot be read")


async def test_a_request_that_waits_for_a_decision_and_cannot_be_read_is_set_aside_when_it_is_due(
    mailroom: Mailroom,
) -> None:
    await to_be_decided(mailroom)
    await execute(mailroom, "UPDATE request SET parameters = :value", value=WRONG)
    await mailroom.without_gates()
    await mailroom.passes(hours=5)
    await goes_on_without(mailroom, "request:1")
    await mailroom.root(mailroom.ana, "cannot be read")


@every(CALLS)
async def test_a_call_that_cannot_be_read_is_set_aside(
    mailroom: Mailroom, state: CallState, column: str, value: str
) -> None:
    await CALLS[state](mailroom)
    await execute(mailroom, f"UPDATE call SET {column} = :value", value=value)  # noqa: S608
    await goes_on_without(mailroom, "call:1")
    root = next(m for m in await mailroom.roots(mailroom.ana) if "healthy" not in m.visible)
    thread = [m.visible for m in await mailroom.ben.reads_thread(MAIL, root.ts)]
    assert sum("was set aside" in said for said in thread) == 1


@pytest.mark.parametrize("value", [WRONG, GARBLED, "[]"], ids=["wrong", "garbled", "a list"])
async def test_outcomes_that_cannot_be_read_end_their_request(mailroom: Mailroom, value: str) -> None:
    await accepted(mailroom)
    await execute(mailroom, "UPDATE request SET plan = :value", value=GARBLED)
    await execute(mailroom, "UPDATE call SET results = :value", value=value)
    await goes_on_without(mailroom, "request:1")
    assert await mailroom.mailapi.mailboxes() == {"john@example.com": 1, "healthy@example.com": 1}


async def test_a_key_whose_check_fails_again_and_again_is_told_to_whoever_typed_it(
    unconnected: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> bool:
        raise ArithmeticError("nobody foresaw this")

    monkeypatch.setattr(connections, "put_in_force", fails)
    await unconnected.connect(unconnected.ana)
    for _ in range(3):
        await unconnected.passes(seconds=5)
    await unconnected.direct(unconnected.ana, "was not connected", "an error on our side")
    await unconnected.form(unconnected.ana, "an error on our side")
    assert await set_aside(unconnected) == ["connection:1"]


async def test_a_change_of_the_policy_that_cannot_be_told_is_said_to_whoever_made_it(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> Message:
        raise ArithmeticError("nobody foresaw this")

    await mailroom.at_rest()
    monkeypatch.setattr(telling_policy, "told", fails)
    await mailroom.lays_down()
    for _ in range(3):
        await mailroom.passes(seconds=5)
    await mailroom.direct(mailroom.ana, "Your change of the policy is in force", "were not told")
    assert await set_aside(mailroom) == ["policy:2"]


async def test_the_audit_is_shown_with_entries_that_cannot_be_read(mailroom: Mailroom) -> None:
    await mailroom.ben.types(MAIL, HEALTHY)
    await mailroom.completed(mailroom.ben)
    await execute(mailroom, "UPDATE audit_entry SET details = :value WHERE seq = 2", value=GARBLED)
    shown = await mailroom.ana.types(MAIL, "/mail audit")
    assert "asked for a mailbox" in shown.text + str(shown.payload)
