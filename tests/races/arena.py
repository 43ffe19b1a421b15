"""People who decide in the same moment, round after round, and what came of it for each of them."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlmodel import Session, col, func, select, text

from bot.case import Ballot
from bot.policy import Gate, Policy
from sandbox.slack import TEAM, Message
from sandbox.slack.person import Deed, Person
from storage import audit, connections, decisions, policies
from storage.database import Database
from storage.notices import UNSETTLED
from storage.states import REQUEST_ARROWS, RequestState, ends
from storage.tables import AuditEntry, Call, Notice, Request
from tests.flows.stage import KEY, Mailroom

TOGETHER = 10
"""How many rounds are under way at a time."""
MOST_BATCHES = 3
"""How many times as many batches are played as would do if both clicks were always in flight."""
PATIENCE = 30.0

Deliveries = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Round:
    """One request that waits for a decision, in a channel of its own; `rejecter` has no other round at that time."""

    request: int
    address: str
    channel: str
    ballot: str
    root: Message
    rejecter: Person


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a round: rows, and what each person read privately, in order."""

    round: Round
    state: RequestState
    decisions: tuple[tuple[str, str], ...]
    audited: tuple[tuple[int, str, str, str], ...]
    """Place in the chain, who, what, and what came of it."""
    policy_changed: int
    """The place in the chain of the newest change of the policy."""
    answers: dict[str, tuple[str, ...]]
    root: Message
    thread: tuple[str, ...]
    unacknowledged: tuple[str, ...]
    """The errors of deliveries that were not acknowledged in time."""
    sent: bool
    """Whether a call of it was sent."""
    in_flight: bool
    """Whether all deliveries had left before the first was answered, to different processes where there are two."""

    def __str__(self) -> str:
        shown = {name: getattr(self, name) for name in ("state", "decisions", "audited", "answers", "thread")}
        told = "\n".join(f"  {name}: {value}" for name, value in shown.items())
        return f"request {self.round.request}, {self.round.address}:\n{told}\n  root: {self.root.visible}"

    def of(self, person: Person) -> tuple[str, ...]:
        """What a person was answered."""
        return self.answers[person.id]

    def said(self, words: str) -> int:
        """How many messages of the thread say this."""
        return sum(words in message for message in self.thread)


@dataclass(frozen=True, kw_only=True)
class Race:
    """Who does what in a round, and what must be true afterwards (`judge` asserts it and names how it went)."""

    deeds: Callable[[Round], Sequence[Deed]]
    judge: Callable[[Outcome], str]
    answered: Callable[[Round], dict[Person, int]]
    """How many private answers each person is owed."""
    begin: Callable[[], Awaitable[None]] | None = None
    """What goes before the requests of each batch, and before the moment itself in each round."""
    prepare: Callable[[Round], Awaitable[None]] | None = None
    beside: Callable[[], Awaitable[None]] | None = None
    """Something else that happens while the rounds that are under way are being decided, once for all of them."""
    repeated: int = 1
    """How often each delivery comes."""


@dataclass
class Report:
    """How many rounds were played, and how they went."""

    counted: int = 0
    played: int = 0
    seconds: float = 0.0
    ways: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        ways = ", ".join(f"{how} {often}" for how, often in sorted(self.ways.items()))
        return f"{self.counted} rounds with all in flight, of {self.played}, in {self.seconds:.1f} s ({ways})"


class Arena:
    """The bot, in one process or in two, the people, and the rows."""

    def __init__(self, mailroom: Mailroom, database: Database, *, processes: int, colleagues: Sequence[Person]) -> None:
        self.mailroom = mailroom
        self.slack, self.mailapi = mailroom.slack, mailroom.mailapi
        self.ana, self.ben = mailroom.ana, mailroom.ben
        self.cem, *self._rejecters = colleagues
        self._database = database
        self._processes = processes
        self._numbers = count(1)
        self._domains = count(1)
        self._delivered = 0

    async def lays_down(self, **rules: Any) -> None:
        """Put a policy in force; this stands for the form of `/mail policy`, which has tests of its own."""
        stored = Policy(mailboxes=Gate.APPROVE, **rules).stored()

        def change(session: Session) -> None:
            before = policies.current(session, TEAM)
            after = before.version if before else 0
            now = datetime.now(UTC)
            policies.change(session, TEAM, stored, after=after, by=self.ana.id, key=f"race:{after}", now=now)
            audit.append(session, TEAM, at=now, actor=self.ana.id, action="policy", outcome="done")

        await self._database.write(change)

    async def connected(self) -> None:
        """A key in force, which Ana connects where there is none."""
        if await self._database.read(lambda session: connections.in_force(session, TEAM)) is None:
            await self.connects()

    async def connects(self) -> None:
        """Ana connects a key, which takes the place of the one in force, if any."""
        if await self.ana.view():
            await self.ana.closes(everything=True)
        await self.mailroom.connect(self.ana)
        await self.mailroom.form(self.ana, "Connected")
        await self.ana.closes(everything=True)

    async def run(self, race: Race, rounds: int) -> Report:
        """Play until so many rounds had all their deliveries in flight; every round has to end well, counted or not."""
        report, began = Report(), time.perf_counter()
        domain = f"race{next(self._domains)}.example"
        await self.mailapi.add_domain(KEY, domain)
        creates: dict[str, int] = {}
        batches = -(-rounds // TOGETHER) * MOST_BATCHES
        while report.counted < rounds and batches:
            batches -= 1
            for outcome in await self._play(race, min(TOGETHER, rounds - report.counted), domain):
                report.ways[_judged(race, outcome)] += 1
                report.played += 1
                report.counted += outcome.in_flight
                creates[outcome.round.address] = outcome.sent
        report.seconds = time.perf_counter() - began
        assert report.counted == rounds, f"too few rounds with all in flight: {report}"
        await self._created(domain, creates)
        await self._without_deadlock()
        return report

    async def _play(self, race: Race, rounds: int, domain: str) -> list[Outcome]:
        if race.begin is not None:
            await race.begin()
        batch = await self._asked(rounds, domain)
        if race.prepare is not None:
            await asyncio.gather(*(race.prepare(each) for each in batch))
        await self._new_deliveries()
        deeds = [race.deeds(each) for each in batch]
        for _ in range(sum(map(len, deeds)) if race.repeated > 1 else 0):
            await self.slack.deliver_again("interactive", times=race.repeated, at_once=True)
        beside = [self._amid(race.beside)] if race.beside is not None else []
        await asyncio.gather(*(self.slack.at_once(*each) for each in deeds), *beside)
        delivered = await self._new_deliveries()
        with suppress(TimeoutError):  # what is missing is told by the judge
            await self.slack.until(lambda: self._settled(batch), seconds=PATIENCE)
        played = zip(batch, deeds, strict=True)
        return list(await asyncio.gather(*(self._outcome(race, each, len(mine), delivered) for each, mine in played)))

    async def _amid(self, happens: Callable[[], Awaitable[None]]) -> None:
        """When the first delivery is answered, others are still under way."""
        end = await self.slack.ask("journal_end")
        async with asyncio.timeout(PATIENCE):
            while all(each["kind"] != "delivered" for each in await self.slack.journal(after=end, wait=1.0)):
                pass
        await happens()

    async def _asked(self, rounds: int, domain: str) -> list[Round]:
        """Ben asks for mailboxes, each in a channel of its own, until all roots stand there with their buttons."""
        numbers = [next(self._numbers) for _ in range(rounds)]
        return list(await asyncio.gather(*(self._ask(n, place, domain) for place, n in enumerate(numbers))))

    async def _ask(self, number: int, place: int, domain: str) -> Round:
        channel, address = f"C0RACE{number:04}", f"r{number}@{domain}"
        members = tuple(person.id for person in (self.ana, self.ben, self.cem, *self._rejecters))
        await self.slack.add_channel(channel, f"race-{number}", members=members, bot=True)
        typed = await self.ben.types(channel, f"/mail mailbox create {address}")
        assert typed.ok and "Asked for" in typed.text, typed  # noqa: PT018 - one fact

        async def root() -> Message | None:
            messages = [each for each in await self.ana.sees(channel) if "Approve" in each.buttons]
            return messages[-1] if messages else None

        found = await self.slack.until(root, seconds=PATIENCE, what=f"a root for {address}")
        request = await self._database.read(lambda session: _request_in(session, channel))
        return Round(request.id, address, channel, str(Ballot.of(request)), found, self._rejecters[place])

    async def _settled(self, batch: Sequence[Round]) -> bool:
        """Whether all requests have ended, and nothing about them is still to be told."""
        ids = [each.request for each in batch]

        def look(session: Session) -> bool:
            states = session.exec(select(Request.state).where(col(Request.id).in_(ids))).all()
            owed = select(Notice.id).where(col(Notice.request_id).in_(ids), col(Notice.state).in_(UNSETTLED))
            return set(states) <= set(ends(REQUEST_ARROWS)) and session.exec(owed.limit(1)).first() is None

        return await self._database.read(look)

    async def _new_deliveries(self) -> Deliveries:
        found = await self.slack.envelopes(after=self._delivered)
        self._delivered += len(found)
        return found

    async def _outcome(self, race: Race, played: Round, deeds: int, delivered: Deliveries) -> Outcome:
        owed = race.answered(played)

        async def all_answered() -> bool:
            found = [len(await self._answers(played, person)) >= number for person, number in owed.items()]
            return all(found)

        with suppress(TimeoutError):
            await self.slack.until(all_answered, seconds=5)
        answers = {person.id: await self._answers(played, person) for person in owed}
        seen = [each for each in await self.ana.sees(played.channel) if each.ts == played.root.ts]
        replies = await self.ana.reads_thread(played.channel, played.root.ts)
        ours = [each for each in delivered if played.ballot in _carried(each["payload"])]
        rows = await self._database.read(lambda session: _rows(session, played.request))
        return Outcome(
            **rows,
            round=played,
            answers=answers,
            root=seen[-1],
            thread=tuple(reply.visible for reply in replies),
            unacknowledged=tuple(each["error"] for each in ours if each["error"]),
            in_flight=self._in_flight(ours, deeds * race.repeated),
        )

    async def _answers(self, played: Round, person: Person) -> tuple[str, ...]:
        """What a person read privately since his request stood there; of a form what it shows."""
        view = await person.view() if person is played.rejecter else None
        seen = [each for each in await person.sees(played.channel) if each.ephemeral]
        told = [each.visible for each in seen if not each.visible.startswith("Asked for")]
        return (*told, view.text) if view else tuple(told)

    def _in_flight(self, ours: Deliveries, expected: int) -> bool:
        if len(ours) != expected:
            return False
        first_answer = min(each["sent"] + each["seconds"] for each in ours)
        together = max(each["sent"] for each in ours) < first_answer
        return together and len({each["connection"] for each in ours}) >= self._processes

    async def _created(self, domain: str, expected: dict[str, int]) -> None:
        """MailAPI got one create for each request that was carried out, and none for the others."""
        asked = [each for each in await self.mailapi.requests() if each.endpoint.startswith("create_")]
        texts = [json.dumps(each.parameters) for each in asked if domain in json.dumps(each.parameters)]
        found = {address: sum(_names(text, address) for text in texts) for address in expected}
        assert found == expected, {a: (found[a], n) for a, n in expected.items() if found[a] != n}

    async def _without_deadlock(self) -> None:
        """PostgreSQL ends one of two transactions that wait for each other, and counts that."""
        if not self._database.shared:
            return
        counted = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert await self._database.read(lambda session: session.connection().execute(counted).scalar_one()) == 0


def _judged(race: Race, outcome: Outcome) -> str:
    try:
        return race.judge(outcome)
    except AssertionError as error:
        error.add_note(str(outcome))
        raise


def _names(parameters: str, address: str) -> bool:
    local, _, domain = address.partition("@")
    return (f'"{local}"' in parameters and f'"{domain}"' in parameters) or f'"{address}"' in parameters


def _carried(payload: dict[str, Any]) -> str:
    """What the button or the form of a delivery carries."""
    view = payload.get("view") or {}
    return " ".join(
        [*(str(each.get("value")) for each in payload.get("actions", [])), str(view.get("private_metadata"))]
    )


def _request_in(session: Session, channel: str) -> Request:
    return session.exec(select(Request).where(Request.asked_in == channel)).one()


def _rows(session: Session, request_id: int) -> dict[str, Any]:
    request = session.get_one(Request, request_id)
    entries = session.exec(select(AuditEntry).where(AuditEntry.subject == f"request:{request_id}")).all()
    changes = select(func.max(AuditEntry.seq)).where(AuditEntry.action == "policy")
    calls = session.exec(select(Call.sent_at).where(Call.request_id == request_id)).all()
    return {
        "state": request.state,
        "sent": any(calls),
        "decisions": tuple((each.person, each.verdict) for each in decisions.of_round(session, request)),
        "audited": tuple((each.seq, each.actor, each.action, each.outcome) for each in entries),
        "policy_changed": session.exec(changes).one(),
    }
