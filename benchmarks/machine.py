"""What the figures depend on; nothing that names a machine or a folder."""

import os
import platform
import sqlite3
import statistics
import time
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("slack-bolt", "slack-sdk", "websockets", "aiohttp", "uvloop", "sqlmodel", "sqlalchemy")
IN_MEMORY = frozenset({"tmpfs", "ramfs"})
_MOUNTS = Path("/proc/mounts")
_SYNCS = 50


def facts(folder: Path) -> dict[str, str]:
    """System, versions, and how long the disk under `folder` takes to make 4 KiB durable."""
    return {
        "Cores": str(os.cpu_count()),
        "System": f"{platform.system()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "Libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
        "SQLite": f"{sqlite3.sqlite_version}, WAL, synchronous=FULL, on {file_system(folder)}",
        "Disk": f"4 KiB written durably in {1000 * durable_write(folder):.2f} ms (median of {_SYNCS})",
    }


def load() -> str:
    """The load of the last minute, where the system tells; 0 is an idle machine."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def file_system(folder: Path) -> str:
    """The kind of file system under `folder`, or `unknown`."""
    if not _MOUNTS.exists():
        return "unknown"
    mounts = (line.split()[1:3] for line in _MOUNTS.read_text().splitlines())
    above = {Path(point): kind for point, kind in mounts if folder.is_relative_to(point)}
    return above[max(above, key=lambda point: len(point.parts))] if above else "unknown"


def durable_write(folder: Path) -> float:
    """The median of seconds that one appended page and its sync take."""
    path = folder / "sync"
    with path.open("wb", buffering=0) as file:
        seconds = [_synced(file.fileno()) for _ in range(_SYNCS)]
    path.unlink()
    return statistics.median(seconds)


def _synced(file: int) -> float:
    started = time.perf_counter()
    os.write(file, bytes(4096))
    os.fsync(file)
    return time.perf_counter() - started
