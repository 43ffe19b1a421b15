import sqlite3
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["single", "bulk"]
CREATED = "Created successfully."


@dataclass(frozen=True)
class Task:
    """One queued order; `done` mailboxes of it are worked off, and `reason` says why it fails or failed."""

    id: int
    key: str
    caller_id: int
    kind: Kind
    domain: str
    name: str
    total: int
    quota: str
    state: str
    reason: str | None
    done: int
    touched_at: float

    def address(self, position: int) -> str:
        """The address of the mailbox at `position`, counted from 1; only those of a bulk carry their number."""
        local = self.name if self.kind == "single" else f"{self.name}{position}"
        return f"{local}@{self.domain}"


def accept(
    db: sqlite3.Connection, *, key: str, caller_id: int, kind: Kind, domain: str, name: str, total: int, quota_mb: int
) -> int:
    """Queue the order and return the task's id."""
    with db:
        row = db.execute(
            "INSERT INTO tasks (key, caller_id, kind, domain, name, total, quota) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " RETURNING id",
            (key, caller_id, kind, domain, name, total, f"{quota_mb}MB"),
        ).fetchone()
    return int(row["id"])


def find(db: sqlite3.Connection, task_id: int, *, key: str) -> Task | None:
    """The task, if it was queued with this key and the key is still valid."""
    row = db.execute(
        "SELECT tasks.* FROM tasks JOIN keys USING (key) WHERE tasks.id = ? AND key = ?", (task_id, key)
    ).fetchone()
    return Task(**row) if row else None


def results(db: sqlite3.Connection, task: Task) -> dict[str, dict[str, str]]:
    """The per-mailbox results so far, by address."""
    rows = db.execute("SELECT address, status FROM results WHERE task_id = ? ORDER BY position", (task.id,))
    return {row["address"]: {"status": row["status"]} for row in rows}


def in_work(db: sqlite3.Connection) -> list[Task]:
    """The tasks that are being worked off, the oldest first."""
    return [Task(**row) for row in db.execute("SELECT * FROM tasks WHERE state = 'processing' ORDER BY id")]


def queued(db: sqlite3.Connection, *, most: int) -> list[Task]:
    """The tasks whose turn is next."""
    rows = db.execute("SELECT * FROM tasks WHERE state = 'queued' ORDER BY id LIMIT ?", (most,))
    return [Task(**row) for row in rows]


def start(db: sqlite3.Connection, task: Task, *, reason: str | None, now: float) -> None:
    """Take the task out of the queue; with a `reason` it is going to fail."""
    db.execute("UPDATE tasks SET state = 'processing', reason = ?, touched_at = ? WHERE id = ?", (reason, now, task.id))


def record(db: sqlite3.Connection, task: Task, *, status: str, now: float) -> None:
    """Write down how the next mailbox of the task came out."""
    position = task.done + 1
    db.execute("INSERT INTO results VALUES (?, ?, ?, ?)", (task.id, position, task.address(position), status))
    db.execute("UPDATE tasks SET done = ?, touched_at = ? WHERE id = ?", (position, now, task.id))


def finish(db: sqlite3.Connection, task: Task, *, reason: str | None = None) -> None:
    """End the task; with a `reason` it has failed."""
    state = "completed" if reason is None else "failed"
    db.execute("UPDATE tasks SET state = ?, reason = ? WHERE id = ?", (state, reason, task.id))


def ended(db: sqlite3.Connection) -> dict[int, float]:
    """When each completed task's last mailbox was worked off, by the provider's clock, by the task's id."""
    rows = db.execute("SELECT id, touched_at FROM tasks WHERE state = 'completed' ORDER BY id")
    return {row["id"]: row["touched_at"] for row in rows}


def fail_next(db: sqlite3.Connection, reason: str) -> None:
    """Let the next task that is taken out of the queue fail; said twice, the next two do."""
    with db:
        db.execute("INSERT INTO task_failures (reason) VALUES (?)", (reason,))


def take_failure(db: sqlite3.Connection) -> str | None:
    """The reason for which the task that is taken out of the queue now is to fail."""
    row: Any = db.execute("SELECT id, reason FROM task_failures ORDER BY id LIMIT 1").fetchone()
    if row is None:
        return None
    db.execute("DELETE FROM task_failures WHERE id = ?", (row["id"],))
    return str(row["reason"])


def number_from(db: sqlite3.Connection, task_id: int) -> None:
    """Give the next task this id."""
    with db:
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'tasks'")
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('tasks', ?)", (task_id - 1,))
