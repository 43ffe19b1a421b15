"""How long a slash command waits for its acknowledgement over Socket Mode, beside Bolt's own way and the floor."""

import asyncio
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from benchmarks import machine, report
from benchmarks.contenders import ANSWER, BOLT, FLOOR, WRITE, Contender, Failed, contenders, pause
from benchmarks.processes import Ended
from benchmarks.report import Figures

PROMISES = {ANSWER: 0.2, WRITE: 0.5}
"""The most that a median may be of Bolt's median."""

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
WORK = Path(__file__).parent / ".run"
"""In the working tree, since a system's folder for temporary files may be in memory, where a sync costs nothing."""

WIDTH = 120
"""So that no figure is broken into two lines where the output is no terminal."""

SECONDS_PER_ROUND = 5.0
START_SECONDS = 120.0
MISSED = 1
UNMEASURABLE = 2

Samples = Mapping[str, list[float]]


def main(
    rounds: Annotated[int, typer.Option(min=20, help="Measured acknowledgements of each.")] = 200,
    warm_up: Annotated[int, typer.Option(min=1, help="Rounds before the measured ones.")] = 20,
    page: Annotated[bool, typer.Option(help="Write the figures into docs/benchmarks.md.")] = True,  # noqa: FBT002 - typer's way
) -> None:
    """Measure, report, and end with exit code 1 where a promise is missed, 2 where nothing could be measured."""
    WORK.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=WORK) as name:
        folder = Path(name)
        if machine.file_system(folder) in machine.IN_MEMORY:
            typer.echo("The working tree is in memory, where nothing is durable: run this from a disk.", err=True)
            raise typer.Exit(UNMEASURABLE)
        facts = machine.facts(folder) | {"Load average at the start": machine.load()}
        try:
            samples = asyncio.run(_measure(folder, rounds, warm_up))
        except (Failed, Ended, TimeoutError) as error:
            typer.echo(f"Nothing was measured: {error!r}", err=True)
            raise typer.Exit(UNMEASURABLE) from None
    kept = _tell(samples, facts | _about(rounds, warm_up), page=page)
    raise typer.Exit(0 if kept else MISSED)


async def _measure(folder: Path, rounds: int, warm_up: int) -> Samples:
    """One after the other, round by round, so that what slows the machine slows all alike."""
    async with asyncio.timeout(START_SECONDS + SECONDS_PER_ROUND * (rounds + warm_up)):
        async with contenders(folder) as found:
            for _ in track(range(warm_up), "Warming up"):
                await _round(found)
            measured = [await _round(found) for _ in track(range(rounds), "Measuring")]
    return {one.name: [each[one.name] for each in measured] for one in found}


async def _round(found: list[Contender]) -> dict[str, float]:
    seconds = {}
    for contender in found:
        await pause()
        seconds[contender.name] = await contender.sample()
    return seconds


def _about(rounds: int, warm_up: int) -> dict[str, str]:
    return {
        "Load average at the end": machine.load(),
        "Samples": f"{rounds} of each after {warm_up} to warm up, in turn",
        "Date": datetime.now(UTC).date().isoformat(),
    }


def _tell(samples: Samples, facts: Mapping[str, str], *, page: bool) -> bool:
    """Show the figures; whether all promises are kept."""
    figures = {name: Figures(name, seconds, PROMISES.get(name)) for name, seconds in samples.items()}
    rows = [each.row(figures[FLOOR], figures[BOLT]) for each in figures.values()]
    console = Console(width=WIDTH)
    console.print(report.table(rows, "Acknowledgements over Socket Mode"))
    for name, fact in facts.items():
        console.print(f"{name}: {fact}", highlight=False)
    if page:
        report.replace_generated(PAGE, report.markdown(rows, facts))
    return all(each.kept(figures[BOLT]) for each in figures.values())


if __name__ == "__main__":
    typer.run(main)
