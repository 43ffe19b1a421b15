"""The bot is killed again and again while people use it: what they were promised is held against Slack and MailAPI."""

import asyncio
import contextlib
import secrets
import statistics
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import machine, postgresql, processes, report, setting
from benchmarks.processes import Ended
from benchmarks.storm.rows import Rows
from benchmarks.storm.storm import Outcome, Plan, Storm, Unsettled
from benchmarks.storm.together import Together, Victims
from benchmarks.storm.victim import Victim
from sandbox.mailapi import MailAPIControl
from sandbox.slack import SlackControl
from storage.encryption import generate_key

PAGE = Path(__file__).parents[1] / "docs" / "crash-storm.md"
WORK = Path(__file__).parent / ".run"
WIDTH = 120
SETTLED_SECONDS = 90
"""Within how long after a kill a create that it left unknown is settled by looking, where nothing else goes wrong."""
MOST_UNKNOWN = 1
"""How many creates a kill leaves unknown, where nothing else goes wrong."""
SHOWN = 10
"""How many of what is wrong are spelled out."""
MISSED, UNMEASURABLE = 1, 2
HEAD = (
    "Database",
    "Faults",
    "May read",
    "Kills",
    "Commands acknowledged",
    "Without an end or a question",
    "Mailboxes made twice",
    "Completions told twice",
    "Creates unknown after a kill: in all, most at one",
    "Settled after: median, longest",
    "Put to a person, of these MailAPI has",
    "Minutes",
    "Seed",
    "Date",
)
KEYS = 3
"""The first cells of a row say which storm it is."""


class Kind(StrEnum):
    """The databases that the bot runs on."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"
    TOGETHER = "three-processes"
    """On one PostgreSQL; beside each kill another one stands still for longer than a lease."""


NAMES = {Kind.SQLITE: "SQLite", Kind.POSTGRESQL: "PostgreSQL", Kind.TOGETHER: "PostgreSQL, three processes"}


def main(
    database: Annotated[Kind, typer.Option(help="What the bot's rows are in.")] = Kind.SQLITE,
    *,
    faults: Annotated[bool, typer.Option(help="Let things go wrong at random in Slack and MailAPI.")] = False,
    readable: Annotated[
        bool, typer.Option("--readable/--unreadable", help="Whether the bot may read channels.")
    ] = True,
    kills: Annotated[int, typer.Option(min=1, help="How often the bot is killed.")] = 100,
    commands: Annotated[int, typer.Option(min=1, help="How many commands are acknowledged at least.")] = 1000,
    seed: Annotated[int | None, typer.Option(help="Repeat the choices of an earlier storm.")] = None,
    page: Annotated[bool, typer.Option(help="Write the figures into docs/crash-storm.md.")] = False,
) -> None:
    """Storm, report, and end with exit code 1 where a promise is broken, 2 where nothing can be said."""
    seed = secrets.randbelow(10**6) if seed is None else seed
    plan = Plan(seed=seed, kills=kills, commands=commands, faults=faults, readable=readable)
    typer.echo(f"Seed {seed}: {database.value}, {_yes(faults)} faults, may read: {_yes(readable)}")
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        try:
            outcome = asyncio.run(_storm(Path(name), plan, database))
        except (Ended, Unsettled, TimeoutError) as error:
            kept = Path(tempfile.mkdtemp(dir=WORK, prefix="failed-"))
            Path(name, "mailroom.log").rename(kept / "mailroom.log")
            typer.echo(f"Nothing can be said: {error!r}", err=True)
            raise typer.Exit(UNMEASURABLE) from None
    broken = _broken(plan, outcome, one=database is not Kind.TOGETHER)
    _show(plan, database, outcome, broken)
    if page:
        row = _row(plan, database, outcome)
        report.replace_row(PAGE, HEAD, row, keys=KEYS, facts=_facts())
    raise typer.Exit(MISSED if broken else 0)


async def _storm(folder: Path, plan: Plan, database: Kind) -> Outcome:
    async with (
        _database(folder, database) as url,
        processes.sandbox("slack", folder / "slack") as slack_url,
        processes.sandbox("mailapi", folder / "mailapi") as mailapi_url,
        SlackControl(slack_url) as slack,
        MailAPIControl(mailapi_url) as mailapi,
    ):
        environment = setting.environment(slack, mailapi_url, url) | {"MAILROOM_ENCRYPTION_KEYS": generate_key()}
        log, rows = folder / "mailroom.log", Rows(url)
        storm: Storm
        if database is Kind.TOGETHER:
            several = Victims(environment | {"MAILROOM_SOCKET_CONNECTIONS": "1"}, log)
            storm = Together(plan, slack, mailapi, several, rows, told=_progress)
        else:
            storm = Storm(plan, slack, mailapi, Victim(environment, log), rows, told=_progress)
        try:
            return await storm.rage()
        finally:
            await storm.victim.stop()
            rows.close()


@contextlib.asynccontextmanager
async def _database(folder: Path, kind: Kind) -> AsyncIterator[str]:
    if kind is Kind.SQLITE:
        yield f"sqlite:///{folder / 'mailroom.db'}"
        return
    with postgresql.new_database(folder) as url:
        yield url


def _progress(kills: int, commands: int) -> None:
    typer.echo(f"\r{kills} kills, {commands} commands acknowledged", nl=False)


def _broken(plan: Plan, outcome: Outcome, *, one: bool) -> list[str]:
    """The promises that were not kept, in words; some are made for `one` process alone, with nothing else wrong."""
    alone = one and not plan.faults
    truth, unknown, settled = outcome.truth, outcome.unknown_of_kills(), outcome.settled_in()
    open_ = [each for each in outcome.unknown if each.settled_at is None]
    promises = {
        "acknowledged commands without an end or a question": bool(truth.lost),
        "mailboxes made twice": bool(truth.made_twice),
        "mailboxes or domains said to be there that are not": bool(truth.made_up),
        "completions told twice": plan.readable and bool(truth.told_twice),
        "unknown creates that were never settled": bool(open_),
        f"more than {MOST_UNKNOWN} create unknown after a kill": alone and max(unknown) > MOST_UNKNOWN,
        f"unknown for longer than {SETTLED_SECONDS} s": alone and max(settled, default=0) > SETTLED_SECONDS,
        "a person was asked about what MailAPI has": not plan.faults and bool(outcome.asked_in_vain()),
    }
    return [promise for promise, broken in promises.items() if broken]


def _show(plan: Plan, database: Kind, outcome: Outcome, broken: list[str]) -> None:
    shown = Table(title="Crash storm", title_justify="left", show_header=False)
    details = {
        "Commands given": str(len(outcome.people.commands)),
        "Typed again": str(sum(command.typed > 1 for command in outcome.people.commands)),
        "Answered with no": str(len(outcome.people.refused)),
        "Root messages, completions, questions": f"{outcome.truth.roots}, {outcome.truth.completions}, "
        f"{outcome.truth.questions}",
        "Posts of which nobody knew": str(outcome.posts_unknown),
        "Messages posted twice": str(len(outcome.truth.posted_twice)),
        "Creates unknown, whyever": str(len(outcome.unknown)),
        "At rest after": f"{outcome.rest_seconds:.0f} s",
    }
    for name, cell in {**dict(zip(HEAD, _row(plan, database, outcome), strict=True)), **details}.items():
        shown.add_row(name, cell)
    console = Console(width=WIDTH)
    console.print()
    console.print(shown)
    truth = outcome.truth
    for what in (truth.lost, truth.made_twice, truth.told_twice, truth.made_up, truth.posted_twice):
        for each in what[:SHOWN]:
            console.print(f"wrong: {each}", highlight=False)
    for promise in broken:
        console.print(f"[bold red]Broken:[/] {promise}")


def _row(plan: Plan, database: Kind, outcome: Outcome) -> tuple[str, ...]:
    truth, unknown, settled = outcome.truth, outcome.unknown_of_kills(), outcome.settled_in()
    after = f"{statistics.median(settled):.0f} s, {max(settled):.0f} s" if settled else "none"
    return (
        NAMES[database],
        _yes(plan.faults),
        _yes(plan.readable),
        str(len(outcome.killed_at)),
        str(outcome.people.acknowledged),
        str(len(truth.lost)),
        str(len(truth.made_twice)),
        str(len(truth.told_twice)),
        f"{sum(unknown)}, {max(unknown)}",
        after,
        f"{len(outcome.put_to_a_person())}, {len(outcome.asked_in_vain())}",
        f"{outcome.seconds / 60:.1f}",
        str(plan.seed),
        datetime.now(UTC).date().isoformat(),
    )


def _facts() -> dict[str, str]:
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        return machine.facts(Path(name))


def _yes(flag: bool) -> str:  # noqa: FBT001 - it words the flag
    return "yes" if flag else "no"


if __name__ == "__main__":
    typer.run(main)
