"""How many tasks one process polls in a second, from claim to written result, beside nothing but polling."""

import asyncio
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from benchmarks import machine, pending, processes, report, setting
from benchmarks.processes import Ended
from benchmarks.setting import DOMAIN, KEY, SOCKETS
from sandbox.mailapi import MailAPIControl
from sandbox.slack import SlackControl
from sandbox.slack.identity import TEAM
from storage import connections
from storage.engines import engine_for
from storage.states import CallState
from storage.tables import Call

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
WORK = Path(__file__).parent / ".run"
WIDTH = 120
TIMES = 4
"""How many times as fast as httpx alone the bot is to be."""
LONGEST = 300.0
LOOK_EVERY = 0.1
MISSED, UNMEASURABLE = 1, 2
MAILROOM, HTTPX, AIOHTTP = "Mailroom, from claim to written result", "Bare httpx loop", "Bare aiohttp loop"
HEAD = ("Who polls", "Polls a second", "Times httpx", "Promise")


def main(
    polls: Annotated[int, typer.Option(min=100, help="How many of each in a round.")] = 20_000,
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds, of which the median counts.")] = 3,
    page: Annotated[bool, typer.Option(help="Write the figures into docs/benchmarks.md.")] = True,  # noqa: FBT002 - typer's way
) -> None:
    """Measure, report, and end with exit code 1 where the promise is missed, 2 where nothing could be measured."""
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        facts = {**machine.facts(Path(name)), "Load average at the start": machine.load()}
        try:
            measured = [_round(Path(name, str(number)), polls) for number in range(rounds)]
        except (Ended, TimeoutError) as error:
            typer.echo(f"Nothing was measured: {error!r}", err=True)
            raise typer.Exit(UNMEASURABLE) from None
    found = {who: statistics.median(each[who] for each in measured) for who in measured[0]}
    kept = found[MAILROOM] >= TIMES * found[HTTPX]
    rows = [_row(name, found, kept=kept) for name in found]
    shown = Table(*HEAD, title="Polling", title_justify="left")
    for row in rows:
        shown.add_row(*row)
    Console(width=WIDTH).print(shown)
    if page:
        facts |= {"Polls of each": f"{polls}, in each of {rounds} rounds", "Date": datetime.now(UTC).date().isoformat()}
        report.replace_generated(PAGE, report.markdown(rows, facts, HEAD), "polling")
    raise typer.Exit(0 if kept else MISSED)


def _round(folder: Path, polls: int) -> dict[str, float]:
    folder.mkdir()
    return asyncio.run(_measure(folder, polls))


async def _measure(folder: Path, polls: int) -> dict[str, float]:
    """Polls a second of each, one after the other, in a round that begins anew."""
    url = f"sqlite:///{folder / 'mailroom.db'}"
    async with (
        processes.sandbox("slack", folder / "slack") as slack_url,
        processes.sandbox("mailapi", folder / "mailapi") as mailapi_url,
        SlackControl(slack_url) as slack,
        MailAPIControl(mailapi_url) as mailapi,
    ):
        await setting.open_account(mailapi)
        task = await _task_without_end(mailapi, mailapi_url)
        environment = setting.environment(slack, mailapi_url, url)
        async with processes.running("bot", "run", log=folder / "mailroom", **environment):
            await slack.connected(SOCKETS)
            await setting.connect(slack)
            mailroom = await asyncio.to_thread(_polled, url, polls, task)
        address = f"{mailapi_url}/api/v1/get/mailbox/single?key={KEY}&task_id={task}"
        return {
            HTTPX: await _bare("httpx", address, polls, folder),
            AIOHTTP: await _bare("aiohttp", address, polls, folder),
            MAILROOM: mailroom,
        }


async def _task_without_end(mailapi: MailAPIControl, url: str) -> int:
    """The id of a task that MailAPI works on for as long as the benchmark lasts."""
    await mailapi.hold_queue()
    body = {"Email_fullname": "m", "single_bulk": "single", "Domain": DOMAIN, "Params": {}, "key": KEY}
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/api/v1/create/mailbox/single", json=body)
        return int(answer.raise_for_status().json()["task_id"])


def _polled(url: str, polls: int, task: int) -> float:
    """How many of so many due calls the bot polls in a second."""
    engine = engine_for(url)
    now = datetime.now(UTC)
    request = pending.begin(engine, now)
    with Session(engine) as session:
        connection = connections.in_force(session, TEAM)
        used = connection.id if connection else None
    pending.add_accepted(engine, request, polls, due_at=now, connection=used, task=task)
    started = deadline = monotonic()
    deadline += LONGEST
    while _is_due(engine, now):
        if monotonic() > deadline:
            raise TimeoutError(f"After {LONGEST:.0f} s not all of {polls} calls had been polled.")
    seconds = monotonic() - started
    engine.dispose()
    return polls / seconds


def _is_due(engine: Engine, moment: datetime) -> bool:
    """Whether a call has not been polled since it was due; asked in a way that costs the measured one nothing."""
    sleep(LOOK_EVERY)
    due = select(Call.id).where(Call.state == CallState.ACCEPTED, col(Call.due_at) <= moment)
    with Session(engine) as session:
        return session.exec(due.limit(1)).first() is not None


async def _bare(library: str, url: str, polls: int, folder: Path) -> float:
    async with processes.running("benchmarks.bare_polling", library, url, str(polls), log=folder / library) as output:
        async with asyncio.timeout(LONGEST):
            seconds = float((await output.readline()).decode() or "nan")
    return polls / seconds


def _row(name: str, found: dict[str, float], *, kept: bool) -> tuple[str, ...]:
    promise = f"≥ {TIMES} times httpx: {'kept' if kept else 'MISSED'}" if name == MAILROOM else ""
    return (name, f"{found[name]:,.0f}", f"{found[name] / found[HTTPX]:.1f}", promise)


if __name__ == "__main__":
    typer.run(main)
