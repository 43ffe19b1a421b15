"""What a tick costs as the calls that are pending grow from 100 to 100,000."""

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text
from sqlmodel import Session

from benchmarks import machine, pending, postgresql, report
from storage import calls, connections, notices, policies, requests, schema
from storage.engines import engine_for, writing

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
WORK = Path(__file__).parent / ".run"
WIDTH = 120
DUE = 100
WARM_UP = 5
SIZES = (100, 1_000, 10_000, 100_000)
FACTOR = 1.5
"""How much longer claiming may take among the most calls than among the fewest."""
MOST_MB = 20
"""By how much the process may grow."""
MISSED = 1
HEAD = (
    "Database",
    "Pending calls",
    "Claiming 100 due ones",
    "The same, all are due",
    "Nothing due",
    "Memory",
    "Promise",
)


@dataclass(frozen=True)
class Cost:
    """Medians in seconds, and the process's memory in MB once it has ticked on a database of that size."""

    size: int
    claim: float
    backlog: float
    idle: float
    memory: float


def main(
    rounds: Annotated[int, typer.Option(min=10, help="Claims of each.")] = 101,
    page: Annotated[bool, typer.Option(help="Write the figures into docs/benchmarks.md.")] = True,  # noqa: FBT002 - typer's way
) -> None:
    """Measure, report, and end with exit code 1 where a promise is missed."""
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        folder = Path(name)
        found = {"SQLite": _costs({size: f"sqlite:///{folder / str(size)}" for size in SIZES}, rounds)}
        with postgresql.new_databases(folder, len(SIZES)) as urls:
            found["PostgreSQL"] = _costs(dict(zip(SIZES, urls, strict=True)), rounds)
        facts = machine.facts(folder)
    rows = [row for database, costs in found.items() for row in _rows(database, costs)]
    shown = Table(*HEAD, title="Ticks", title_justify="left")
    for row in rows:
        shown.add_row(*row)
    Console(width=WIDTH).print(shown)
    if page:
        facts |= {"Claims of each": str(rounds), "Date": datetime.now(UTC).date().isoformat()}
        report.replace_generated(PAGE, report.markdown(rows, facts, HEAD), "ticks")
    raise typer.Exit(0 if all(_kept(costs) for costs in found.values()) else MISSED)


def _costs(urls: Mapping[int, str], rounds: int) -> list[Cost]:
    """A database for each size, and all in turn, so that what slows the machine slows all alike.

    What is measured is taken back each time.
    """
    now = datetime.now(UTC)
    engines = {size: _filled(url, size, now) for size, url in urls.items()}
    memory = {size: _memory_after(engine, now) for size, engine in engines.items()}
    moments = {"claim": now, "backlog": now + timedelta(hours=2), "idle": now - timedelta(hours=2)}
    taken: dict[tuple[int, str], list[float]] = defaultdict(list)
    for _ in range(rounds):
        for size, engine in engines.items():
            for what, moment in moments.items():
                measure = _look if what == "idle" else _claim
                taken[size, what].append(measure(engine, moment))
    for engine in engines.values():
        engine.dispose()
    medians = {size: {what: statistics.median(taken[size, what]) for what in moments} for size in engines}
    return [Cost(size, memory=memory[size], **medians[size]) for size in engines]


def _filled(url: str, size: int, now: datetime) -> Engine:
    """A hundred calls that are due, and all others an hour later."""
    engine = engine_for(url)
    schema.upgrade(engine)
    request = pending.begin(engine, now)
    pending.add_accepted(engine, request, DUE, due_at=now)
    if size > DUE:
        pending.add_accepted(engine, request, size - DUE, due_at=now + timedelta(hours=1))
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("ANALYZE"))  # as the server itself does within a minute
    return engine


def _memory_after(engine: Engine, now: datetime) -> float:
    for _ in range(WARM_UP):
        _claim(engine, now)
        _claim(engine, now + timedelta(hours=2))
        _look(engine, now - timedelta(hours=2))
    return _resident_mb()


def _claim(engine: Engine, now: datetime) -> float:
    """The seconds that one claim takes."""
    with _taken_back(engine) as session:
        started = perf_counter()
        claimed = calls.claim(session, now=now, most=DUE, states=calls.TO_WATCH)
        seconds = perf_counter() - started
    if len(claimed) != DUE:
        raise RuntimeError(f"{len(claimed)} of {DUE} due calls were claimed.")
    return seconds


def _look(engine: Engine, now: datetime) -> float:
    """The seconds that it takes to find that nothing is to be done."""
    with _taken_back(engine) as session:
        started = perf_counter()
        calls.lost_in_sending(session, now=now)
        notices.lost_in_sending(session, now=now)
        notices.claim_unknown(session, now=now, most=DUE)
        notices.claim(session, now=now, most=DUE)
        connections.claim_due(session, now=now, most=DUE)
        policies.claim_untold(session, now=now, most=DUE)
        requests.claim_awaiting(session, now=now, most=DUE)
        calls.claim(session, now=now, most=DUE, states=calls.TO_WATCH)
        calls.claim(session, now=now, most=DUE, states=calls.TO_SETTLE)
        calls.claim(session, now=now, most=DUE, states=calls.TO_SEND)
        requests.claim_planning(session, now=now, most=DUE)
        return perf_counter() - started


@contextmanager
def _taken_back(engine: Engine) -> Iterator[Session]:
    with Session(writing(engine)) as session:
        yield session
        session.rollback()


def _resident_mb() -> float:
    """What the process holds in memory now; its peak where the system does not tell."""
    pages = Path("/proc/self/statm")
    if not pages.exists():
        return 0.0
    return int(pages.read_text().split()[1]) * 4096 / 2**20


def _kept(costs: Sequence[Cost]) -> bool:
    return _factor(costs) <= FACTOR and _growth(costs) < MOST_MB


def _factor(costs: Sequence[Cost]) -> float:
    """The worse of a few due calls among many, and a backlog of nothing but due ones."""
    first = costs[0]
    return max(max(cost.claim / first.claim, cost.backlog / first.backlog) for cost in costs)


def _growth(costs: Sequence[Cost]) -> float:
    return costs[-1].memory - costs[0].memory


def _rows(database: str, costs: Sequence[Cost]) -> list[tuple[str, ...]]:
    verdict = "kept" if _kept(costs) else "MISSED"
    promise = f"≤ {FACTOR} times: {_factor(costs):.2f}, < {MOST_MB} MB more: {_growth(costs):.1f}, {verdict}"
    return [
        (
            database,
            f"{cost.size:,}",
            f"{1000 * cost.claim:.2f} ms",
            f"{1000 * cost.backlog:.2f} ms",
            f"{1000 * cost.idle:.2f} ms",
            f"{cost.memory:.0f} MB",
            promise if cost is costs[-1] else "",
        )
        for cost in costs
    ]


if __name__ == "__main__":
    typer.run(main)
