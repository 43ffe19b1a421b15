"""Figures, promises, and how they are shown: in the terminal and in the generated part of a page."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

BEGIN = "<!-- generated: begin -->"
END = "<!-- generated: end -->"
HEAD = ("Who answers", "Median", "95th percentile", "Minimum", "Times Bolt", "Times floor", "Promise")


@dataclass(frozen=True)
class Figures:
    """What the samples of one contender say, in seconds; `promise` is the most that it may take of Bolt's median."""

    name: str
    samples: Sequence[float]
    promise: float | None = None

    @property
    def median(self) -> float:
        """Half of the acknowledgements were faster."""
        return statistics.median(self.samples)

    @property
    def p95(self) -> float:
        """One in twenty was slower."""
        return statistics.quantiles(self.samples, n=20, method="inclusive")[-1]

    def kept(self, bolt: "Figures") -> bool:
        """Whether the promise holds; true where none was made."""
        return self.promise is None or self.median <= self.promise * bolt.median

    def row(self, floor: "Figures", bolt: "Figures") -> tuple[str, ...]:
        """The cells below `HEAD`."""
        times = (f"{self.median / other.median:.2f}" for other in (bolt, floor))
        return (self.name, _ms(self.median), _ms(self.p95), _ms(min(self.samples)), *times, self._verdict(bolt))

    def _verdict(self, bolt: "Figures") -> str:
        if self.promise is None:
            return ""
        return f"≤ {self.promise}: {'kept' if self.kept(bolt) else 'MISSED'}"


def table(rows: Iterable[Sequence[str]], title: str) -> Table:
    """The figures for the terminal."""
    shown = Table(title=title, title_justify="left")
    for number, name in enumerate(HEAD):
        shown.add_column(name, justify="right" if 0 < number < len(HEAD) - 1 else "left")
    for row in rows:
        shown.add_row(*row)
    return shown


def markdown(rows: Iterable[Sequence[str]], facts: Mapping[str, str], head: Sequence[str] = HEAD) -> str:
    """The figures and what they depend on, for the page."""
    lines = [_cells(head), _cells(["---", *["---:"] * (len(head) - 2), "---"]), *map(_cells, rows), ""]
    return "\n".join([*lines, *(f"- {name}: {fact}" for name, fact in facts.items())])


def replace_generated(page: Path, content: str, name: str = "") -> None:
    """Put `content` between the marks of `page`; what was written by hand stays. Raises `ValueError` without marks.

    A page with several generated parts has a `name` in the marks of each.
    """
    first, last = _marks(name)
    before, begin, rest = page.read_text().partition(first)
    _, end, after = rest.partition(last)
    if not begin or not end:
        raise ValueError(f"{page.name} has no lines {first} and {last}.")
    page.write_text(f"{before}{first}\n{content}\n{last}{after}")


def replace_row(
    page: Path, head: Sequence[str], row: Sequence[str], *, keys: int, facts: Mapping[str, str], name: str = ""
) -> None:
    """Put `row` in the place of the row of `page` with the same first `keys` cells; the others stay as they are."""
    first, last = _marks(name)
    generated = page.read_text().partition(first)[2].partition(last)[0]
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in generated.splitlines() if "|" in line]
    others = [found for found in rows[2:] if found[:keys] != list(row[:keys])]
    replace_generated(
        page, markdown(sorted([*others, list(row)], key=lambda each: tuple(each[:keys])), facts, head), name
    )


def _marks(name: str) -> tuple[str, str]:
    words = f"generated {name}".strip()
    return BEGIN.replace("generated", words), END.replace("generated", words)


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.2f} ms"


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
