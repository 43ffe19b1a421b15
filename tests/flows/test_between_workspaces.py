"""Person by workspace by object, at every way in that the bot registers: who may, what the others are told, no effect.

Two workspaces that share a channel and an organisation of two teams live in one process. The stores' side of it is in
`tests/adapters/storage/test_scopes.py`.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlmodel import Session, col, select

from bot.case import Ballot
from bot.policy import Gate
from bot.texts import refusals
from sandbox.slack import EVE, GUS, MAIL, NORTH, NORTH_MAIL, SKY, SOUTH, SOUTH_MAIL, Message
from sandbox.slack.person import Person
from storage.states import CallState, ConnectionState, RequestState
from storage.tables import NAMING, AuditEntry, Call, Connection, Request
from tests.flows import stage
from tests.flows.breaking import execute
from tests.flows.deciding import joins
from tests.flows.matrix import (
    AWAY,
    OF_NOBODY,
    SHUT_OUT,
    TRIES,
    Outcome,
    Role,
    Somebody,
    Thing,
    Try,
    payload,
    spelled,
    ways_in,
    with_button,
)
from tests.flows.places import ELSEWHERE, LUMEN, MERIDIAN, SOUTHERNER, Place, moves_in
from tests.flows.stage import Mailroom

_KEPT = {"audit_entry", "seen_event", "workspace"}
"""What is written of an attempt, and nothing else is."""


@dataclass(frozen=True)
class Named:
    """What a button or form names, as the row stands."""

    table: type[Request | Call | Connection]
    id: int
    ballot: str


@dataclass
class House:
    """A workspace or organisation, the people around it, and what there is to reach for."""

    many: Mailroom
    place: Place
    people: Mapping[Role, Somebody]
    things: dict[Thing, Named] = field(default_factory=dict)
    numbers: Any = field(default_factory=lambda: count(1))

    async def thing(self, wanted: Thing) -> Named:
        """One that nobody has changed yet."""
        if wanted not in self.things:
            self.things[wanted] = await self._made(wanted)
        return self.things[wanted]

    async def _made(self, wanted: Thing) -> Named:
        number, domain = next(self.numbers), self.place.domain
        match wanted:
            case Thing.KEY:
                in_force = (Connection.workspace_id == self.place.id, Connection.state == ConnectionState.IN_FORCE)
                (key,) = await self._rows(select(Connection).where(*in_force))
                return Named(Connection, key.id, "")
            case Thing.WAITING | Thing.ENDED:
                found = await self._asked(f"domain create w{number}.example", RequestState.AWAITING_DECISION)
                if wanted is Thing.ENDED:
                    await self._set("request", found.id, state="cancelled")
            case Thing.ASKED:
                found = await self._asked(f"subdomain create {domain} s{number}", RequestState.AWAITING_DECISION)
            case _:
                found = await self._asked(f"mailbox create d{number}@{domain}", RequestState.DONE)
        if wanted not in (Thing.STALLED, Thing.UNKNOWN):
            return Named(Request, found.id, str(Ballot.of(found)))
        await self._set("request", found.id, state="running")
        (call,) = await self._rows(select(Call).where(Call.request_id == found.id))
        await self._set("call", call.id, state="stalled" if wanted is Thing.STALLED else "unknown")
        return Named(Call, call.id, "")

    async def _asked(self, line: str, state: RequestState) -> Request:
        asker = self.people[Role.ASKER]
        await asker.person.types(asker.channel, f"/mail {line}")
        newest = select(Request).where(Request.workspace_id == self.place.id).order_by(col(Request.id).desc()).limit(1)

        async def find() -> Request | None:
            (found,) = await self._rows(newest)
            return found if found.state is state else None

        found = await self.many.slack.until(find, what=line)
        await self.many.at_rest()
        return found

    async def _set(self, table: str, row_id: int, *, state: str) -> None:
        await execute(self.many, f"UPDATE {table} SET state = :state WHERE id = :id", state=state, id=row_id)  # noqa: S608 - names from here

    async def _rows(self, query: Any) -> list[Any]:
        assert self.many.bot is not None
        return await self.many.bot.database.read(lambda session: list(session.exec(query).all()))

    async def row(self, named: Named) -> dict[str, Any]:
        """What stands in the row now."""
        (found,) = await self._rows(select(named.table).where(named.table.id == named.id))
        return dict(found.model_dump())

    async def has(self) -> dict[str, list[Any]]:
        """All rows of the place, but for what is written of attempts, once nothing is under way."""
        await self.many.until(self._all_ended, "the end of what was allowed before")
        await self.many.at_rest()
        assert self.many.bot is not None
        return await self.many.bot.database.read(partial(_rows_of, self.place.id))

    async def _all_ended(self) -> bool:
        at_work = (CallState.QUEUED, CallState.SENDING, CallState.ACCEPTED)
        return not await self._rows(
            select(Call).where(Call.workspace_id == self.place.id, col(Call.state).in_(at_work))
        )

    async def refusals(self, workspace: str) -> list[tuple[str, str]]:
        """Who was refused what in a workspace, by the audit."""
        query = select(AuditEntry).where(AuditEntry.workspace_id == workspace, AuditEntry.outcome == "refused")
        found = await self._rows(query.order_by(col(AuditEntry.id)))
        return [
            (each.actor, each.details["why"]) for each in found if "why" in each.details
        ]  # not what MailAPI refused


def _rows_of(workspace: str, session: Session) -> dict[str, list[Any]]:
    tables = [table for table in NAMING.sorted_tables if table.name not in _KEPT and "workspace_id" in table.c]
    return {
        table.name: [tuple(row) for row in session.execute(sa.select(table).where(table.c.workspace_id == workspace))]
        for table in tables
    }


@pytest_asyncio.fixture(scope="module")
async def houses(
    slack_url: str, mailapi_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, House]]:
    """Two workspaces and an organisation with one bot, in each of which something can be reached for."""
    folder = tmp_path_factory.mktemp("between")
    async with stage.outside(slack_url, mailapi_url, folder, "oauth") as many, many.running():
        ana, ben = await moves_in(many, LUMEN)
        oda, eve = await moves_in(many, ELSEWHERE)
        nia, ned = await moves_in(many, MERIDIAN)
        await many.slack.invite_bot(SOUTH_MAIL)
        cat = await joins(many)
        for place in (LUMEN, ELSEWHERE, MERIDIAN):
            gates = {"domains": Gate.APPROVE, "subdomains": Gate.CONFIRM, "mailboxes": Gate.NONE}
            await many.lays_down(workspace=place.id, **gates, threshold=None)
        person = many.slack.person
        at_lumen = partial(Somebody, workspace=LUMEN.id, team=LUMEN.id, channel=MAIL)
        at_elsewhere = Somebody(oda, ELSEWHERE.id, ELSEWHERE.id, ELSEWHERE.channel)
        in_north = partial(Somebody, workspace=MERIDIAN.id, team=NORTH, channel=NORTH_MAIL)
        in_south = partial(Somebody, workspace=MERIDIAN.id, team=SOUTH, channel=SOUTH_MAIL)
        at_home = {Role.ADMIN: at_lumen(ana), Role.ASKER: at_lumen(ben), Role.MEMBER: at_lumen(cat)}
        around = {Role.GUEST: at_lumen(person(GUS)), Role.EXTERNAL: Somebody(person(EVE), LUMEN.id, ELSEWHERE.id, MAIL)}
        lumen = House(many, LUMEN, {**at_home, **around, Role.STRANGER: at_elsewhere, Role.OUTSIDER: in_north(nia)})
        members = {Role.ADMIN: in_north(nia), Role.ASKER: in_north(ned), Role.MEMBER: in_south(person(SOUTHERNER))}
        others = {Role.STRANGER: at_lumen(ana), Role.OUTSIDER: at_elsewhere}
        meridian = House(many, MERIDIAN, {**members, Role.GUEST: in_south(person(SKY)), **others})
        await posts(many, eve, ELSEWHERE.channel)
        await posts(many, person(SOUTHERNER), SOUTH_MAIL)
        for house in (lumen, meridian):
            await house.thing(Thing.WAITING)
            for somebody in house.people.values():
                await somebody.person.mentions(somebody.channel, "help")
                await many.private(somebody.person, channel=somebody.channel)
                if await somebody.person.view():  # the form of the key, which says that it is connected
                    await somebody.person.closes(everything=True)
        yield {LUMEN.id: lumen, MERIDIAN.id: meridian}


async def posts(many: Mailroom, person: Person, channel: str) -> Message:
    """A message of the bot in a channel, whose menu and buttons there are to use."""
    await person.types(channel, f"/mail domain create {channel.lower()}.example")
    return await many.root(person, "Waiting", channel=channel)


def test_each_way_in_has_its_row() -> None:
    assert ways_in() == TRIES.keys() | OF_NOBODY.keys()


def cases() -> list[Any]:
    """All that is tried; people of other organisations are in a channel of the first workspace only."""
    tried = [
        (place.id, name, role)
        for place in (LUMEN, MERIDIAN)
        for name, way_in in TRIES.items()
        for role in Role
        if role not in way_in.untried and (place is LUMEN or role is not Role.EXTERNAL)
    ]
    return [pytest.param(*each, id=f"{each[0]}-{each[1]}-{each[2].name.lower()}") for each in tried]


@pytest.mark.parametrize(("place", "name", "role"), cases())
async def test_everybody_gets_what_is_his_and_nothing_else(
    houses: dict[str, House], place: str, name: str, role: Role
) -> None:
    house, way_in = houses[place], TRIES[name]
    named = await house.thing(way_in.thing) if way_in.thing else None
    await house.many.at_rest()
    attempt = Attempt(house, name, way_in, house.people[role], named)
    if role in SHUT_OUT:
        await attempt.is_refused(refusals.GUESTS, "a guest")
    elif role in AWAY and named is not None:
        other = way_in.otherwise.get(role)
        await attempt.is_refused(other or refusals.UNKNOWN_REQUEST, None if other else "unknown request")
    elif role in AWAY:
        await attempt.stays_at_home()
    elif role in way_in.may:
        await attempt.succeeds()
    else:
        await attempt.is_refused(way_in.otherwise[role])


@dataclass
class Attempt:
    """Somebody tries something."""

    house: House
    name: str
    way_in: Try
    who: Somebody
    named: Named | None
    ack: Any = None
    said_before: frozenset[tuple[str, str]] = frozenset()

    async def is_refused(self, told: str, why: str | None = None) -> None:
        """Nothing comes of it but an entry in the audit of the workspace that it was tried in; he is told privately."""
        before, refused = await self.house.has(), await self.house.refusals(self.who.workspace)
        await self._try()
        await self._is_told(told)
        assert await self.house.has() == before
        if self.way_in.kind != "choices":  # nothing is asked for by typing into a field
            (entry,) = (await self.house.refusals(self.who.workspace))[len(refused) :]
            assert entry == (self.who.person.id, why or entry[1])

    async def stays_at_home(self) -> None:
        """It happens in his own workspace, and shows him nothing of the other one."""
        before = await self.house.has()
        await self._try()
        said = await self._comes_of_it()
        assert self.house.place.domain not in said.replace("Such as example.com", "")  # which a field's hint says
        assert await self.house.has() == before
        await self.house.many.at_rest()

    async def succeeds(self) -> None:
        """What he may do is done."""
        before = await self.house.row(self.named) if self.named else None
        await self._try()
        await self._comes_of_it()
        if self.named and self.way_in.outcome in (Outcome.MOVED, Outcome.ANSWER) and self.way_in.kind != "closing":
            assert self.way_in.thing is not None
            del self.house.things[self.way_in.thing]
            assert self.way_in.outcome is Outcome.ANSWER or await self.house.row(self.named) != before
        await self.house.many.at_rest()

    async def _try(self) -> None:
        self.said_before = await self._heard()
        value, person, channel = spelled(self.way_in.value, self.named), self.who.person, self.who.channel
        match self.way_in.kind:
            case "command":
                self.ack = await person.types(channel, value)
            case "mention":
                self.ack = await person.mentions(channel, value)
            case "shortcut":
                self.ack = await person.shortcut(await self._message(ephemeral=False), self.name.partition(":")[2])
            case "click":
                message = with_button(await self._message(ephemeral=True), self.name.partition(":")[2], value)
                self.ack = await person.clicks(message, "Try")
            case _:
                told = payload(self.name, self.way_in, self.who, value)
                self.ack = await self.house.many.slack.request(told, "interactive")
        assert self.ack.ok, self.ack

    async def _message(self, *, ephemeral: bool) -> Message:
        """One that the bot of his workspace wrote where he is: lists and forms are offered privately."""
        found = [each for each in await self.who.person.sees(self.who.channel) if each.ephemeral is ephemeral]
        bots = {ELSEWHERE.id: "U0OTHERBOT", LUMEN.id: "U0MAILROOM", MERIDIAN.id: "W0GRIDBOT1"}
        return next(each for each in found if each.user == bots[self.who.workspace])

    async def _heard(self) -> frozenset[tuple[str, str]]:
        """What he sees privately; a page of a list takes the place of the one before."""
        seen = await self.who.person.sees(self.who.channel)
        return frozenset((each.ts, each.visible) for each in seen if each.ephemeral)

    async def _is_told(self, text: str) -> None:
        match self.way_in.kind:
            case "submission":
                assert _bare(text) in _bare(json.dumps(self.ack.payload, ensure_ascii=False))
            case "choices":
                assert self.ack.payload == {"options": []}
            case "closing":
                assert await self._heard() == self.said_before
            case _:
                assert _bare(text) in _bare(await self._answer())
                assert await self.who.person.view() is None

    async def _answer(self) -> str:
        """What he was told privately, once he was."""

        async def find() -> str:
            return "\n".join(said for _, said in await self._heard() - self.said_before)

        return await self.house.many.slack.until(find, what="a private answer")

    async def _comes_of_it(self) -> str:
        match self.way_in.outcome:
            case Outcome.FORM:
                form = await self.house.many.form(self.who.person)
                await self.who.person.closes(everything=True)
                return form.text
            case Outcome.SHOWN:
                assert (self.ack.payload or {}).get("response_action") != "errors", self.ack
                return json.dumps(self.ack.payload)
            case Outcome.CHOICES:
                assert self.ack.payload["options"]
                return json.dumps(self.ack.payload)
            case Outcome.ANSWER:
                answer = await self._answer()
                assert refusals.GUESTS not in answer
                return answer
            case Outcome.MOVED:
                return ""


def _bare(text: str) -> str:
    return text.replace("`", "").replace("\\", "")


async def test_a_shared_channel_shows_its_cards_to_people_of_other_organisations_and_no_lists(
    houses: dict[str, House],
) -> None:
    """What was asked for in the channel is what all of it sees; lists, forms and refusals are private."""
    lumen = houses[LUMEN.id]
    ben, eve = lumen.people[Role.ASKER].person, lumen.people[Role.EXTERNAL].person
    for line in ("domain list", "mailbox list example.com", "status", "tasks", "policy"):
        await ben.types(MAIL, f"/mail {line}")
    await lumen.many.private(ben, "1 domain")
    seen = [each for each in await eve.sees(MAIL) if each.user == "U0MAILROOM"]
    shown = [each for each in seen if not each.ephemeral]
    assert shown
    assert all("asked for" in each.text for each in shown), shown
    assert not any("1 domain" in each.visible for each in seen)
    assert all(refusals.GUESTS in each.visible or "/mail" in each.visible for each in seen if each.ephemeral)
