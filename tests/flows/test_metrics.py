"""`/metrics`: what it counts, and that nobody's words ever become a label."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial

import aiohttp
import pytest
from prometheus_client import REGISTRY, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from bot import app, metrics
from bot.commands import KINDS, SUBCOMMANDS
from bot.listeners.doors import DELIVERIES
from bot.metrics import ACKNOWLEDGED_WITHIN, OTHER, TOLD_WITHIN, Outcome, Poll
from bot.notices import owing
from bot.outages import MAILAPI
from sandbox.slack import MAIL
from storage.depths import QUEUES
from storage.engines import THREADS
from storage.moves import Step
from storage.states import CallState, NoticeState, RequestState
from tests.flows.stage import Mailroom

QUEUED_IN = {str(table.__tablename__): {state.value for state in states} for table, states in QUEUES.items()}
BOUNDS = {str(float(bound)) for bound in (*ACKNOWLEDGED_WITHIN, *TOLD_WITHIN)} | {"+Inf"}
ALLOWED: dict[str, Collection[str]] = {
    "command": {*SUBCOMMANDS, OTHER},
    "delivery": DELIVERIES,
    "kind": {*KINDS, *owing.KINDS, OTHER},
    "outcome": {*Outcome, *Poll},
    "outside": {*app.OUTSIDE, OTHER},
    "standing": {"due", "leased"},
    "state": {*RequestState, *CallState, *NoticeState, *set().union(*QUEUED_IN.values())},
    "table": set(QUEUED_IN),
    "le": BOUNDS,
}


async def scraped(mailroom: Mailroom) -> dict[str, Metric]:
    assert mailroom.bot is not None
    async with aiohttp.ClientSession() as session, session.get(f"{mailroom.bot.url}/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        return {family.name: family for family in text_string_to_metric_families(await answer.text())}


def value(families: dict[str, Metric], sample: str, **labels: str) -> float:
    found = [
        each.value
        for family in families.values()
        for each in family.samples
        if each.name == sample and labels.items() <= each.labels.items()
    ]
    assert found, (sample, labels)
    return sum(found)


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_what_was_done_is_counted(mailroom: Mailroom) -> None:
    told = await mailroom.ben.types(MAIL, "/mail mailbox create kim@example.com")
    assert told.ok
    await mailroom.completed(mailroom.ben)
    await mailroom.ben.types(MAIL, "/mail mailbox creat kim@example.com")
    await mailroom.at_rest()
    families = await scraped(mailroom)
    get = partial(value, families)
    assert get("mailroom_commands_total", command="mailbox create", outcome="done") == 1
    assert get("mailroom_commands_total", command="unknown", outcome="refused") == 1
    assert get("mailroom_commands_total", command="task", outcome="done") == 0
    assert get("mailroom_acknowledgement_seconds_count", delivery="command", outcome="done") == 2  # with /mail connect
    assert get("mailroom_acknowledgement_seconds_bucket", delivery="form", outcome="done", le="+Inf") == 1
    for state in ("sending", "accepted", "done"):
        assert get("mailroom_calls_total", kind="mailbox_create", state=state) == 1
    assert get("mailroom_requests_total", kind="mailbox_create", state="done") == 1
    assert get("mailroom_polls_total", outcome="news") >= 1
    assert get("mailroom_notice_delay_seconds_count", kind="root") == 1
    assert get("mailroom_notices_total", kind="thread", state="told") >= 1
    assert get("mailroom_queue_rows") == 0
    assert get("mailroom_outage") == 0
    assert get("mailroom_database_age_seconds") < 10
    assert get("mailroom_scheduler_age_seconds") < 10


async def comes_true(mailroom: Mailroom, condition: Callable[[dict[str, Metric]], bool]) -> None:
    """Look again and again; nothing announces what is counted."""
    async with asyncio.timeout(20):
        while not condition(await scraped(mailroom)):
            await mailroom.slack.journal(after=await mailroom.slack.ask("journal_end"), wait=0.05)


async def test_what_waits_and_what_is_out_of_order_is_shown(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "KEPT_SECONDS", 0)
    await mailroom.mailapi.fault("any", "status", times=None, status=500)
    for name in ("kim", "lee", "max"):
        await mailroom.ben.types(MAIL, f"/mail mailbox create {name}@example.com")
    await comes_true(mailroom, lambda found: value(found, "mailroom_outage", outside=MAILAPI) == 1)
    found = await scraped(mailroom)
    assert value(found, "mailroom_outage") == 1
    due = partial(value, sample="mailroom_queue_rows", table="request", state="planning")
    mailroom.clock.ahead += timedelta(seconds=100)
    await comes_true(mailroom, lambda found: due(found) >= 1)
    await mailroom.mailapi.clear_faults()
    mailroom.clock.ahead += timedelta(seconds=100)
    await comes_true(mailroom, lambda found: value(found, "mailroom_outage") == 0)


async def test_a_database_that_says_nothing_does_not_keep_anybody_waiting(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "KEPT_SECONDS", 0)
    monkeypatch.setattr(metrics, "PATIENCE_SECONDS", 0.05)
    assert mailroom.bot is not None
    goes_on = threading.Event()
    held = [asyncio.ensure_future(mailroom.bot.database.read(lambda _: goes_on.wait(20))) for _ in range(THREADS)]
    try:
        for _ in range(2):
            assert (await scraped(mailroom))["mailroom_queue_rows"].samples == []
        assert value(await scraped(mailroom), "mailroom_database_age_seconds") > 0.1
    finally:
        goes_on.set()
        await asyncio.gather(*held)
    await comes_true(mailroom, lambda found: found["mailroom_queue_rows"].samples != [])


async def test_labels_say_only_words_of_the_code(mailroom: Mailroom) -> None:
    """After odd names in every place in which somebody can put one."""
    odd = ("kim", "O'Brien", "../etc", '"quoted"', "{label=1}", "x" * 300, "mailbox", "*")
    for word in odd:
        for line in (
            "",
            "help ",
            "mailbox ",
            "mailbox create ",
            "mailbox create a@",
            "domain create ",
            "task ",
            "audit ",
        ):
            await mailroom.ben.types(MAIL, f"/mail {line}{word}")
    await mailroom.mailapi.fault("create_mailbox_single", "status", status=422, reason="kim@example.com is odd")
    await mailroom.ben.types(MAIL, "/mail mailbox create zoe@example.com")
    await mailroom.root(mailroom.ben, "Failed")
    assert mailroom.bot is not None
    families = await scraped(mailroom)
    said: dict[str, set[str]] = defaultdict(set)
    for family in families.values():
        for sample in family.samples:
            for label, word in sample.labels.items():
                said[label].add(word)
    assert said.keys() == ALLOWED.keys()
    assert {(label, word) for label, words in said.items() for word in words - set(ALLOWED[label])} == set()


def test_a_word_that_no_table_has_is_counted_as_other() -> None:
    counters = app.counters()
    counters.handled("command", "mailbox create kim@example.com", Outcome.DONE, 0.1)
    counters.moved(Step("call", "unheard of", "done"))
    counters.moved(Step("connection", "", "in_force"))
    counters.told("carrier pigeon", timedelta(seconds=1))
    said = generate_latest(counters.registry).decode()
    assert 'mailroom_commands_total{command="other",outcome="done"} 1.0' in said
    assert 'mailroom_calls_total{kind="other",state="done"} 1.0' in said
    assert 'mailroom_notice_delay_seconds_count{kind="other"} 1.0' in said
    assert not any(word in said for word in ("kim", "unheard", "pigeon"))
    assert not [name for name in REGISTRY._names_to_collectors if name.startswith("mailroom")]  # noqa: SLF001 - the global one
