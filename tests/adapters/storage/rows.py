"""Rows with nothing in them that the test at hand does not care about."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlmodel import Session

from storage.tables import Call, Connection, Installation, Notice, Request, Workspace

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
Result = TypeVar("Result")
Row = TypeVar("Row", Call, Connection, Installation, Notice, Request, Workspace)
_numbers = count(1)


def workspace(session: Session, workspace_id: str = "T1") -> str:
    """The id of a workspace that is there, or is made."""
    if session.get(Workspace, workspace_id) is None:
        _added(session, Workspace(id=workspace_id, created_at=NOW))
    return workspace_id


def installation(session: Session, workspace_id: str = "T1", **values: Any) -> Installation:
    """How a workspace installed the bot."""
    standard = {"workspace_id": workspace(session, workspace_id), "installed_at": NOW}
    return _added(session, Installation(**{**standard, **values}))


def connection(session: Session, workspace_id: str = "T1", **values: Any) -> Connection:
    """A connection with a key that waits to be checked."""
    standard = {
        "workspace_id": workspace(session, workspace_id),
        "secret": "sealed",
        "caller_id": 123,
        "last_four": "4Abc",
        "connected_by": "U1",
        "deduplication_key": f"view:{next(_numbers)}",
        "created_at": NOW,
        "due_at": NOW,
    }
    return _added(session, Connection(**{**standard, **values}))


def request(session: Session, workspace_id: str = "T1", **values: Any) -> Request:
    """A request that waits for its plan."""
    standard = {
        "workspace_id": workspace(session, workspace_id),
        "kind": "domain_create",
        "parameters": {"domain": "example.com"},
        "asker": "U1",
        "asked_in": "C1",
        "home_channel": "C1",
        "deduplication_key": f"trigger:{next(_numbers)}",
        "created_at": NOW,
        "due_at": NOW,
    }
    return _added(session, Request(**{**standard, **values}))


def call(session: Session, workspace_id: str = "T1", **values: Any) -> Call:
    """A call that waits to be sent, of a request of its own unless one is given."""
    standard = {
        "workspace_id": workspace(session, workspace_id),
        "request_id": values.get("request_id") or request(session, workspace_id).id,
        "kind": "domain_create",
        "parameters": {"domain": "example.com"},
        "domain": "example.com",
        "names": ["example.com"],
        "created_at": NOW,
        "due_at": NOW,
    }
    return _added(session, Call(**{**standard, **values}))


def unsaved_notice(workspace_id: str = "T1", **values: Any) -> Notice:
    """A notice in a lane of its own unless one is given, which nobody has owed yet."""
    number = next(_numbers)
    standard = {
        "workspace_id": workspace_id,
        "kind": "thread",
        "key": f"notice:{number}",
        "lane": f"lane:{number}",
        "content": {"text": "Hello"},
        "created_at": NOW,
        "due_at": NOW,
    }
    return Notice(**{**standard, **values})


def notice(session: Session, workspace_id: str = "T1", **values: Any) -> Notice:
    """A notice that is owed."""
    workspace(session, workspace_id)
    return _added(session, unsaved_notice(workspace_id, **values))


def at_once(engine: Engine, works: list[Callable[[Session], Result]]) -> list[Result]:
    """Begin each of `works` in a transaction and a thread of its own at the same moment, and give their results."""
    start = Barrier(len(works))

    def run(work: Callable[[Session], Result]) -> Result:
        start.wait()
        with Session(engine, expire_on_commit=False) as session, session.begin():
            return work(session)

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


def _added(session: Session, row: Row) -> Row:
    session.add(row)
    session.flush()
    return row
