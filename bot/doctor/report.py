import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.doctor.finding import Finding, Verdict

_SIGNS = {Verdict.FINE: ("✓", "green"), Verdict.WRONG: ("✗", "bold red"), Verdict.UNKNOWN: ("–", "yellow")}


def show(findings: Sequence[Finding], console: Console) -> None:
    """Print a line for each finding, below it what to do, and at the end how many are wrong."""
    table = Table.grid(padding=(0, 2))
    for finding in findings:
        sign, style = _SIGNS[finding.verdict]
        table.add_row(Text(f"{sign} {finding.verdict}", style), Text(finding.check, "bold"), _said(finding))
    console.print(table)
    count = len([each for each in findings if each.verdict is Verdict.WRONG])
    console.print(f"\n{count} wrong." if count else "\nNothing is wrong.", style="bold", highlight=False)


def as_json(findings: Sequence[Finding]) -> str:
    """The same for machines: a list of objects with `check`, `verdict`, `found` and `advice`."""
    return json.dumps([asdict(each) for each in findings], ensure_ascii=False, indent=2)


def _said(finding: Finding) -> Text:
    if not finding.advice:
        return Text(finding.found)
    return Text.assemble(finding.found, "\n", ("→ ", "bold"), finding.advice)
