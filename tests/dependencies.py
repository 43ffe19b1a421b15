"""Audits the locked dependencies for known vulnerabilities, where a service that knows them can be reached.

`python -m tests.dependencies`: a finding fails; where nobody can be asked, it says so in a line and does not.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PATIENCE_SECONDS = 120


def verdict(report: str, trouble: str) -> tuple[Sequence[str], bool]:
    """What is to be said of a report of pip-audit as JSON, and whether it may stay so; `trouble` is what it complained.

    A package that the service does not know was not audited.
    """
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        why = trouble.strip().splitlines()[-1:] or ["no answer"]
        return [f"Dependencies were not audited: {why[0]}"], True
    asked = [each for each in packages if "skip_reason" not in each]
    if not asked:
        return ["Dependencies were not audited: the package index here knows no vulnerabilities."], True
    found = [f"{each['name']} {each['version']}: {_named(vuln)}" for each in asked for vuln in each["vulns"]]
    left = f", {len(packages) - len(asked)} are unknown there" if len(asked) < len(packages) else ""
    return [*found, f"{len(asked)} dependencies audited{left}: {len(found)} known vulnerabilities."], not found


def _named(vulnerability: dict[str, object]) -> str:
    mended = vulnerability.get("fix_versions")
    return f"{vulnerability['id']}, mended in {', '.join(map(str, mended)) if isinstance(mended, list) else ''}"


def main() -> int:
    """The exit code."""
    asked = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    locks = [part for lock in LOCKS for part in ("--requirement", str(ROOT / lock))]
    try:
        done = subprocess.run(  # noqa: S603 - nothing from outside
            [*asked, "--disable-pip", "--require-hashes", *locks],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        lines, fine = verdict("", "nobody answered in time")
    else:
        lines, fine = verdict(done.stdout, done.stderr)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
