"""Many commands in the same moment on one process with SQLite: all acknowledged in time, all carried out once."""

import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import machine, processes, report, setting
from benchmarks.processes import Ended
from benchmarks.setting import DOMAIN, SOCKETS
from benchmarks.storm.rows import Rows
from sandbox.mailapi import MailAPIControl
from sandbox.slack import SlackControl
from sandbox.slack.person import Deed

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
WORK = Path(__file__).parent / ".run"
WIDTH = 120
PEOPLE = 25
SLACK_SECONDS = 3.0
"""What Slack gives a command for its acknowledgement."""
CARRIED_OUT_SECONDS = 300.0
LOOK_EVERY = 0.1
MISSED, UNMEASURABLE = 1, 2
HEAD = (
    "Commands at once",
    "Median",
    "99th percentile",
    "Slowest",
    "Acknowledged",
    "Carried out once",
    "All ended after",
)


def main(
    commands: Annotated[int, typer.Option(min=10, help="How many are typed in the same moment.")] = 500,
    page: Annotated[bool, typer.Option(help="Write the figures into docs/benchmarks.md.")] = True,  # noqa: FBT002 - typer's way
) -> None:
    """Measure, report, and end with exit code 1 where a promise is missed, 2 where nothing could be measured."""
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        facts = {**machine.facts(Path(name)), "Load average at the start": machine.load()}
        try:
            answers, made, seconds = asyncio.run(_burst(Path(name), commands))
        except (Ended, TimeoutError) as error:
            typer.echo(f"Nothing was measured: {error!r}", err=True)
            raise typer.Exit(UNMEASURABLE) from None
    taken = [answer for answer in answers if answer["ok"] and "Asked for" in answer["text"]]
    row = _row(answers, len(taken), made, seconds)
    _tell(row, {**facts, "Date": datetime.now(UTC).date().isoformat()}, page=page)
    in_time = max(answer["seconds"] for answer in answers) < SLACK_SECONDS
    raise typer.Exit(0 if in_time and len(taken) == made == commands else MISSED)


async def _burst(folder: Path, commands: int) -> tuple[list[dict[str, Any]], int, float]:
    """The answers, how many mailboxes were made exactly once, and the seconds until the last was told."""
    url = f"sqlite:///{folder / 'mailroom.db'}"
    async with (
        processes.sandbox("slack", folder / "slack") as slack_url,
        processes.sandbox("mailapi", folder / "mailapi") as mailapi_url,
        SlackControl(slack_url) as slack,
        MailAPIControl(mailapi_url) as mailapi,
    ):
        await setting.open_account(mailapi)
        people = await _people(slack)
        environment = setting.environment(slack, mailapi_url, url)
        async with processes.running("bot", "run", log=folder / "mailroom", **environment):
            await slack.connected(SOCKETS)
            await setting.connect(slack)
            await asyncio.to_thread(setting.without_gates, url)
            started = monotonic()
            answers = await slack.at_once(*(_typed(people[n % PEOPLE], n) for n in range(commands)))
            await asyncio.to_thread(_carried_out, Rows(url))
            seconds = monotonic() - started
        made = await mailapi.mailboxes()
        return answers, sum(made.get(_address(n)) == 1 for n in range(commands)), seconds


async def _people(slack: SlackControl) -> list[str]:
    people = [f"U0BURST{number:03}" for number in range(PEOPLE)]
    for person in people:
        await slack.add_user(person, person.lower())
        await slack.add_channel(_channel(person), _channel(person).lower(), members=(person,), bot=True)
    return people


def _channel(person: str) -> str:
    """Each person's own: Slack takes one message a second of each."""
    return person.replace("U0", "C0", 1)


def _typed(person: str, number: int) -> Deed:
    line = f"/mail mailbox create {_address(number)}"
    return Deed("types", {"user": person, "channel": _channel(person), "line": line})


def _address(number: int) -> str:
    return f"m{number:04}@{DOMAIN}"


def _carried_out(rows: Rows) -> None:
    """Wait until the bot has nothing more to do."""
    deadline = monotonic() + CARRIED_OUT_SECONDS
    while left := rows.unfinished():
        if monotonic() > deadline:
            raise TimeoutError(f"After {CARRIED_OUT_SECONDS:.0f} s there were still: {', '.join(left)}.")
        sleep(LOOK_EVERY)
    rows.close()


def _row(answers: Sequence[dict[str, Any]], taken: int, made: int, seconds: float) -> tuple[str, ...]:
    waits = sorted(answer["seconds"] for answer in answers)
    hundredths = statistics.quantiles(waits, n=100, method="inclusive")
    return (
        str(len(answers)),
        f"{statistics.median(waits):.2f} s",
        f"{hundredths[-1]:.2f} s",
        f"{waits[-1]:.2f} s",
        f"{taken} of {len(answers)}",
        f"{made} of {len(answers)}",
        f"{seconds:.0f} s",
    )


def _tell(row: Sequence[str], facts: dict[str, str], *, page: bool) -> None:
    shown = Table(*HEAD, title="Burst", title_justify="left")
    shown.add_row(*row)
    Console(width=WIDTH).print(shown)
    if page:
        report.replace_generated(PAGE, report.markdown([row], facts, HEAD), "burst")


if __name__ == "__main__":
    typer.run(main)
