"""A process of older code and one of this share a PostgreSQL while people ask: an upgrade, and taking it back."""

import asyncio
import contextlib
import io
import json
import secrets
import subprocess
import tarfile
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import postgresql, processes, setting
from benchmarks.processes import Ended
from benchmarks.storm import truth
from benchmarks.storm.people import People
from benchmarks.storm.rows import Rows
from benchmarks.storm.storm import Unsettled
from benchmarks.storm.truth import Truth
from benchmarks.storm.victim import Victim
from bot.policy import Gate, Policy
from sandbox.mailapi import MailAPIControl
from sandbox.slack import SlackControl
from sandbox.slack.seen import Message
from storage.encryption import generate_key
from storage.schema import MIGRATIONS

REPOSITORY = Path(__file__).parents[1]
WORK = Path(__file__).parent / ".run"
WIDTH = 120
PEOPLE = 8
PAUSE = 1.8
"""How many seconds each person waits before the next command, on average."""
REST_SECONDS = 600.0
LOOK_EVERY = 0.2
CONFIRM, COMMAND = "Confirm", "slash_commands"
LIMIT = 3.0
"""The seconds in which Slack wants an acknowledgement."""
MISSED, UNMEASURABLE = 1, 2


@dataclass(frozen=True)
class Stage:
    """What was done to the processes, who ran then, and what came in until the next one."""

    name: str
    acknowledged: int
    not_acknowledged: int
    connections: int
    slowest: float


@dataclass
class Upgrade:
    """Both processes, the people, and what happened."""

    old: Victim
    new: Victim
    slack: SlackControl
    mailapi: MailAPIControl
    rows: Rows
    people: People
    commands: int
    _ends: dict[str, int] = field(default_factory=dict)
    """How many commands had been delivered by the end of each stage."""
    _running: list[Victim] = field(default_factory=list)
    confirmed: set[tuple[str, str]] = field(default_factory=set)
    over: bool = False

    async def carry_out(self) -> Truth:
        """All of it, until nothing is left to do; raises `Ended` where a process ended by itself, or `Unsettled`."""
        domains = await self.people.arrive(PEOPLE)
        await setting.open_account(self.mailapi, *domains.values())
        await self._start(self.old)
        await setting.connect(self.slack)
        rules = Policy(domains=Gate.CONFIRM, subdomains=Gate.NONE, mailboxes=Gate.NONE, threshold=None)
        await asyncio.to_thread(setting.lay_down, self.rows.url, rules)
        async with asyncio.TaskGroup() as group:
            for person in domains:
                group.create_task(self.people.ask(person))
            await self._roll()
            self.over = True
        await self._rest()
        return await truth.tell(self.slack, self.mailapi, self.people.commands)

    async def _roll(self) -> None:
        await self._stage("the old one alone")
        await self._start(self.new)
        await self._stage("both: the new one has migrated")
        await self._stop(self.old)
        await self._start(self.old)
        await self._stage("both: the old one has started once more")
        await self._stop(self.old)
        await self._stage("the new one alone")
        await self._start(self.old)
        await self._stop(self.new)
        await self._stage("taken back: the old one alone")
        await self._start(self.new)
        await self._stop(self.old)
        await self._stage("the new one alone again")

    async def _start(self, process: Victim) -> None:
        await process.start()
        self._running.append(process)
        while await self.slack.connections() < len(self._running):
            await process.must_be_running()
            await asyncio.sleep(LOOK_EVERY)

    async def _stop(self, process: Victim) -> None:
        self._running.remove(process)
        await process.stop()

    async def _stage(self, name: str) -> None:
        """Wait until so many commands more are acknowledged; those of the change before count, too."""
        until = self.people.acknowledged + self.commands
        while self.people.acknowledged < until:
            await self._go_on()
            await asyncio.sleep(LOOK_EVERY)
        self._ends[name] = len(await self.slack.envelopes(COMMAND))
        typer.echo(f"{name}: {self.people.acknowledged} acknowledged by its end")

    async def stages(self) -> list[Stage]:
        """What came in while each of them lasted; asked at the end, when all that was under way is answered."""
        came, begin, found = await self.slack.envelopes(COMMAND), 0, []
        for name, end in self._ends.items():
            of_stage, begin = came[begin:end], end
            answered = [each for each in of_stage if each["seconds"] is not None and not each["error"]]
            connections = {each["connection"] for each in answered}
            slowest = max(each["seconds"] for each in answered)
            found.append(Stage(name, len(answered), len(of_stage) - len(answered), len(connections), slowest))
        return found

    async def _go_on(self) -> bool:
        """See that all processes run, and confirm what waits for that; true where something did."""
        for process in self._running:
            await process.must_be_running()
        cards = [each for each in await self._cards() if (each[1].channel, each[1].ts) not in self.confirmed]
        for person, card in cards:
            if (await self.slack.person(person).clicks(card, CONFIRM)).ok:
                self.confirmed.add((card.channel, card.ts))
        return bool(cards)

    async def _cards(self) -> list[tuple[str, Message]]:
        where = {command.channel: command.person for command in self.people.commands}
        seen = [(person, await self.slack.person(person).sees(channel)) for channel, person in where.items()]
        return [(person, message) for person, messages in seen for message in messages if CONFIRM in message.buttons]

    async def _rest(self) -> None:
        until = monotonic() + REST_SECONDS
        while (left := await asyncio.to_thread(self.rows.unfinished)) or await self._go_on():
            if monotonic() > until:
                raise Unsettled(f"After {REST_SECONDS:.0f} s there were still: {', '.join(left)}.")
            await self._go_on()
            await asyncio.sleep(LOOK_EVERY)


def main(
    revision: Annotated[
        str | None, typer.Argument(help="The older code; by default what came before the newest migration.")
    ] = None,
    commands: Annotated[int, typer.Option(min=1, help="How many are acknowledged in each stage.")] = 40,
    seed: Annotated[int | None, typer.Option(help="Repeat the choices of an earlier run.")] = None,
) -> None:
    """Roll, report, and end with exit code 1 where a promise is broken, 2 where nothing can be said."""
    seed = secrets.randbelow(10**6) if seed is None else seed
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        folder = Path(name)
        try:
            older = _git("rev-parse", "--short", revision or _before_the_newest_migration()).strip()
            typer.echo(f"Seed {seed}: from {older} to this code")
            upgrade, found, stages = asyncio.run(_upgrade(folder, older, Random(seed), commands))  # noqa: S311 - to be repeated
        except (Ended, Unsettled, TimeoutError, ExceptionGroup, subprocess.CalledProcessError) as error:
            typer.echo(f"Nothing can be said: {error!r}", err=True)
            for end in _logs(folder):
                typer.echo(end, err=True)
            raise typer.Exit(UNMEASURABLE) from None
        broken = _show(upgrade, found, stages, [*_errors(folder / "old.log"), *_errors(folder / "new.log")])
    raise typer.Exit(MISSED if broken else 0)


async def _upgrade(folder: Path, older: str, chance: Random, commands: int) -> tuple[Upgrade, Truth, list[Stage]]:
    async with (
        _outside(folder) as (slack, mailapi, environment),
        contextlib.AsyncExitStack() as stack,
    ):
        before = await asyncio.to_thread(_taken_out, older, folder / "older")
        old = Victim(environment | {"PYTHONPATH": str(before)}, folder / "old.log")
        new = Victim(environment | {"PYTHONPATH": str(REPOSITORY)}, folder / "new.log")
        rows = Rows(environment["DATABASE_URL"])
        stack.callback(rows.close)
        people = People(slack, chance, pause=PAUSE, over=lambda: upgrade.over)
        upgrade = Upgrade(old, new, slack, mailapi, rows, people, commands)
        for process in (old, new):
            stack.push_async_callback(process.stop)
        return upgrade, await upgrade.carry_out(), await upgrade.stages()


@contextlib.asynccontextmanager
async def _outside(folder: Path) -> AsyncIterator[tuple[SlackControl, MailAPIControl, dict[str, str]]]:
    with postgresql.new_database(folder) as url:
        async with (
            processes.sandbox("slack", folder / "slack") as slack_url,
            processes.sandbox("mailapi", folder / "mailapi") as mailapi_url,
            SlackControl(slack_url) as slack,
            MailAPIControl(mailapi_url) as mailapi,
        ):
            environment = setting.environment(slack, mailapi_url, url)
            ours = {"MAILROOM_ENCRYPTION_KEYS": generate_key(), "MAILROOM_SOCKET_CONNECTIONS": "1"}
            yield slack, mailapi, environment | ours | {"PYTHONSAFEPATH": "1"}  # `PYTHONPATH` alone says whose code


def _before_the_newest_migration() -> str:
    newest = max(MIGRATIONS.glob("versions/0*.py"))
    added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", str(newest.relative_to(REPOSITORY))).strip()
    if not added:
        raise Ended(f"The history does not say when {newest.name} was added; name a revision.")
    return f"{added}^"


def _taken_out(revision: str, folder: Path) -> Path:
    """The code of a revision, in `folder`."""
    archive = subprocess.run(  # noqa: S603 - a revision of our own repository
        ["git", "-C", str(REPOSITORY), "archive", "--format=tar", revision, "bot", "storage"],  # noqa: S607 - as people do
        check=True,
        capture_output=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(REPOSITORY), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - as above


def _errors(log: Path) -> list[str]:
    """What went wrong in ways that nobody foresaw, each kind once with how often."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    bad = Counter(line["event"] for line in lines if line.get("level") in {"error", "critical"})
    return [f"{log.stem}: {event} ({times})" for event, times in bad.items()]


def _logs(folder: Path) -> list[str]:
    return [path.read_text()[-3000:] for path in folder.glob("*.log")]


def _show(upgrade: Upgrade, found: Truth, stages: Sequence[Stage], errors: Sequence[str]) -> list[str]:
    shown = Table("Stage", title="Rolling upgrade", title_justify="left")
    for head in ("Acknowledged", "Not acknowledged", "Connections that answered", "Slowest"):
        shown.add_column(head, justify="right")
    for stage in stages:
        figures = (stage.acknowledged, stage.not_acknowledged, stage.connections)
        shown.add_row(stage.name, *map(str, figures), f"{stage.slowest:.2f} s")
    console = Console(width=WIDTH)
    console.print(shown)
    promises = {
        "acknowledged commands without an end or a question": found.lost,
        "mailboxes made twice": found.made_twice,
        "completions told twice": found.told_twice,
        "messages posted twice": found.posted_twice,
        "made up": found.made_up,
        "questions to a person": [""] * found.questions,
        "commands that were not acknowledged in time": [s.name for s in stages if s.not_acknowledged],
        "acknowledgements that took too long": [s.name for s in stages if s.slowest > LIMIT],
        "errors in the logs": errors,
    }
    given = len(upgrade.people.commands)
    console.print(f"{given} commands, {found.completions} completions, {len(upgrade.confirmed)} confirmed")
    for promise, what in promises.items():
        console.print(f"{len(what)} {promise}")
        for each in what[:10]:
            console.print(f"    {each}", highlight=False)
    console.print(datetime.now(UTC).date().isoformat())
    return [promise for promise, what in promises.items() if what]


if __name__ == "__main__":
    typer.run(main)
