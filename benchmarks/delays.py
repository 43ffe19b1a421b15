"""How long after a task's end at MailAPI its thread says so, and what finding that out costs in requests."""

import asyncio
import statistics
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.table import Table
from sqlmodel import Session, col, select

from benchmarks import machine, processes, report, setting
from benchmarks.passing import Passing, PushedClock
from benchmarks.processes import Ended
from benchmarks.setting import DOMAIN, SOCKETS
from bot import app, logs
from bot.pace import DEFAULT_PACE
from bot.settings import load
from sandbox.mailapi import MailAPIControl
from sandbox.slack import ANA, Message, SlackControl
from storage.tables import Call, Request

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
WORK = Path(__file__).parent / ".run"
WIDTH = 140
LENGTHS = {"1 s": 1.0, "10 s": 10.0, "2 min": 120.0, "1 h": 3600.0}
WAITED_FOR = 10.0
"""Tasks up to this length, in seconds, are measured in real time; for longer ones the clocks are pushed."""
STEPS = 1800
"""In how many steps a task's length passes at most: none is shorter than a tick, nor long beside what lies between two
looks."""
AT_MOST, SHARE = 2.0, 0.1
"""The promise: so many seconds, and so much of the task's length."""
IN_A_BULK = 10
APART = 0.37
"""Seconds between two commands in real time: no multiple of a tick, so that tasks end anywhere between two."""
SPARE = 60.0
MISSED, UNMEASURABLE = 1, 2
HEAD = (
    "Task takes",
    "Task",
    "Median delay",
    "Longest delay",
    "Times asked, median",
    "Times asked, most",
    "Other requests",
    "Promise",
)


@dataclass(frozen=True)
class Course:
    """Tasks of one kind and length: how long each took to be told, how often it was asked for, and all else a task."""

    name: str
    bulk: bool
    delays: Sequence[float]
    looks: Sequence[int]
    others: float

    @property
    def bound(self) -> float:
        """The longest delay that is promised."""
        return AT_MOST + SHARE * LENGTHS[self.name]

    @property
    def kept(self) -> bool:
        """Whether no task was told later."""
        return max(self.delays) <= self.bound

    def row(self) -> tuple[str, ...]:
        """The cells below `HEAD`."""
        return (
            self.name,
            f"{IN_A_BULK} mailboxes" if self.bulk else "1 mailbox",
            f"{statistics.median(self.delays):.2f} s",
            f"{max(self.delays):.2f} s",
            f"{statistics.median(self.looks):.0f}",
            str(max(self.looks)),
            f"{self.others:.1f}",
            f"≤ {self.bound:g} s: {'kept' if self.kept else 'MISSED'}",
        )


def main(
    tasks: Annotated[int, typer.Option(min=3, help="How many of each kind and length.")] = 20,
    page: Annotated[bool, typer.Option(help="Write the figures into docs/benchmarks.md.")] = True,  # noqa: FBT002 - typer's way
) -> None:
    """Measure, report, and end with exit code 1 where a promise is missed, 2 where nothing could be measured."""
    logs.configure("WARNING", "console")
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        facts = {**machine.facts(Path(name)), "Load average at the start": machine.load()}
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                courses = runner.run(_courses(Path(name), tasks))
        except (Ended, TimeoutError) as error:
            typer.echo(f"Nothing was measured: {error!r}", err=True)
            raise typer.Exit(UNMEASURABLE) from None
    facts |= {
        "Load average at the end": machine.load(),
        "Tasks": f"{tasks} of each kind and length",
        "Date": datetime.now(UTC).date().isoformat(),
    }
    rows = [course.row() for course in courses]
    shown = Table(*HEAD, title="Delays", title_justify="left")
    for row in rows:
        shown.add_row(*row)
    Console(width=WIDTH).print(shown)
    if page:
        report.replace_generated(PAGE, report.markdown(rows, facts, HEAD), "delays")
    raise typer.Exit(0 if all(course.kept for course in courses) else MISSED)


async def _courses(folder: Path, tasks: int) -> list[Course]:
    """Each with a bot and sandboxes of its own, so that nothing is left over from the one before."""
    courses = []
    for name, length in LENGTHS.items():
        for bulk in (False, True):
            own = folder / f"{length:.0f}-{bulk}"
            own.mkdir()
            async with _running(own, _step(length)) as passing:
                courses.append(await _measure(passing, name, tasks, bulk=bulk))
    return courses


def _step(length: float) -> timedelta | None:
    return None if length <= WAITED_FOR else max(DEFAULT_PACE.tick, timedelta(seconds=length / STEPS))


@asynccontextmanager
async def _running(folder: Path, step: timedelta | None) -> AsyncIterator[Passing]:
    """The bot in this process, with its default pace, connected and with nothing to approve."""
    url, clock = f"sqlite:///{folder / 'mailroom.db'}", PushedClock()
    async with (
        processes.sandbox("slack", folder / "slack") as slack_url,
        processes.sandbox("mailapi", folder / "mailapi") as mailapi_url,
        SlackControl(slack_url) as slack,
        MailAPIControl(mailapi_url) as mailapi,
    ):
        await setting.open_account(mailapi)
        environment = setting.environment(slack, mailapi_url, url)
        settings = load(**{name.lower(): value for name, value in environment.items()})
        async with app.running(settings, clock=clock) as bot:
            await slack.connected(SOCKETS)
            await setting.connect(slack)
            await asyncio.to_thread(setting.without_gates, url)
            yield Passing(bot, slack, mailapi, clock, step)


async def _measure(passing: Passing, name: str, tasks: int, *, bulk: bool) -> Course:
    length = LENGTHS[name]
    await passing.mailapi.set_speed(mailbox_seconds=length / IN_A_BULK if bulk else length, workers=tasks)
    before = len(await passing.mailapi.requests())
    channels = await _ask(passing, tasks, bulk=bulk)
    told = await _told(passing, channels, length)
    requests = (await passing.mailapi.requests())[before:]
    found = await passing.bot.database.read(_tasks)
    ended = await passing.mailapi.ended()
    looks = Counter(int(r.parameters["task_id"]) for r in requests if r.endpoint.startswith("get_mailbox"))
    return Course(
        name,
        bulk,
        [told[channel] - ended[found[channel]] for channel in channels],
        [looks[found[channel]] for channel in channels],
        (len(requests) - looks.total()) / tasks,
    )


async def _ask(passing: Passing, tasks: int, *, bulk: bool) -> list[str]:
    """Type the commands, one after the other, each in a channel of its own: Slack takes one message a second of each.

    Gives the channels.
    """
    channels = [f"C0DELAY{number:03}" for number in range(tasks)]
    for number, channel in enumerate(channels):
        await passing.slack.add_channel(channel, channel.lower(), members=(ANA,), bot=True)
        what = f"bulk {DOMAIN} team{number:03}- {IN_A_BULK}" if bulk else f"create m{number:03}@{DOMAIN}"
        await passing.slack.person(ANA).types(channel, f"/mail mailbox {what}")
        if passing.step is None:
            await asyncio.sleep(APART)
        else:
            await passing.on()
    return channels


async def _told(passing: Passing, channels: Sequence[str], length: float) -> dict[str, float]:
    """Let time pass until each channel's completion is there; gives when each was posted, by Slack's clock."""
    until = passing.clock().timestamp() + (1 + SHARE) * length + SPARE
    while passing.clock().timestamp() < until:
        await passing.on()
        if len(await passing.mailapi.ended()) < len(channels):
            continue
        told = {channel: await _completion(passing.slack, channel) for channel in channels}
        if None not in told.values():
            return {channel: float(message.ts) for channel, message in told.items() if message}
    raise TimeoutError(f"{len(await passing.mailapi.ended())} of {len(channels)} tasks ended; not all were told.")


async def _completion(slack: SlackControl, channel: str) -> Message | None:
    """The message in the thread that mentions the asker, once it is there."""
    ana = slack.person(ANA)
    replies = [
        reply
        for root in await ana.sees(channel)
        if not root.ephemeral
        for reply in await ana.reads_thread(channel, root.ts)
    ]
    return next((reply for reply in replies if reply.text.startswith(f"<@{ANA}> ") and "created" in reply.text), None)


def _tasks(session: Session) -> dict[str, int]:
    """The task of each channel's only request."""
    query = select(Request.home_channel, Call.task_id).where(col(Call.request_id) == Request.id)
    return {channel: task for channel, task in session.exec(query) if task is not None}


if __name__ == "__main__":
    typer.run(main)
