"""Every store function is asked for one workspace: by its parameters, and when another one's rows are asked for.

The functions are found by looking into `storage`, so that a new one has to fit, or has to be given a reason here.
"""

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import sqlalchemy as sa
from sqlmodel import Session, SQLModel

import storage
from storage import audit, calls, decisions, installations, notices, policies
from storage.requests import Onlooker
from storage.sealed import PLACES
from storage.states import (
    REQUEST_ARROWS,
    CallState,
    ConnectionState,
    InstallationState,
    NoticeState,
    RequestState,
)
from storage.tables import NAMING, Call, Connection, Decision, Installation, Notice, Policy, Request
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW

OWN, OTHER = "T1", "T2"
LOOKED_UP = (Request, Call, Notice, Connection, Policy, Decision, Installation)
"""Rows that name their workspace; whoever has one has looked it up by workspace, or claimed it."""

ACROSS = {
    "audit.heads": "the hashes of all chains go into the log each day",
    "calls.claim": "the worker works for all workspaces",
    "calls.lost_in_sending": "the worker looks for what a process that died was sending",
    "connections.any_in_force": "the health check asks MailAPI with any key that works",
    "connections.broken": "the worker tries broken keys of all workspaces",
    "connections.claim_due": "the worker works for all workspaces",
    "depths.of_all": "the metrics count the work of all workspaces",
    "installations.forget_states": "states of installations that nobody has finished belong to no workspace yet",
    "installations.in_force": "the doctor looks at all installations, and Slack is asked about each",
    "installations.spend_state": "a state comes back before it is known into which workspace",
    "installations.to_delete": "the retention job looks for grace periods that are over",
    "moments.garbled": "looks at when rows are due, whose moment is none",
    "moments.mend": "lets such rows be looked at now, and changes nothing else of them",
    "moves.claim": "what the worker's claims are made of",
    "moves.lease_rows": "what the worker's claims are made of: of rows that the same transaction has locked",
    "moves.release": "a process that starts alone ends the leases of the one before it",
    "moves.steps": "what a transaction has moved, for the metrics, which name no workspace",
    "notices.claim": "the worker works for all workspaces",
    "notices.claim_unknown": "the worker works for all workspaces",
    "notices.limited": "which methods Slack limits where, which all processes keep to",
    "notices.lost_in_sending": "the worker looks for what a process that died was sending",
    "policies.claim_untold": "the worker works for all workspaces",
    "probe.write": "the health check writes nothing of anybody's",
    "processes.all_ended": "processes serve all workspaces",
    "processes.ended": "processes serve all workspaces",
    "processes.living": "processes serve all workspaces",
    "processes.seen": "processes serve all workspaces",
    "requests.claim_awaiting": "the worker works for all workspaces",
    "requests.claim_planning": "the worker works for all workspaces",
    "retention.forget_events": "deletes what `old_events` found",
    "retention.forget_notices": "deletes what `old_notices` found",
    "retention.old_events": "the retention job is the same for all workspaces",
    "retention.old_notices": "the retention job is the same for all workspaces",
    "retention.with_old_calls": "the retention job is the same for all workspaces",
    "sealed.exchange": "puts a text in the place of one that `texts` found, and that still stands there",
    "sealed.texts": "an encryption key is changed for all workspaces",
    "workspaces.known": "the audit's verification and the doctor look at all workspaces",
}
"""The functions that are asked without a workspace, and why. None of them is given an id from a button or a form."""


@pytest.fixture
def url(sqlite: str) -> str:
    """One kind of database: a statement names its workspace on each of them or on none."""
    return sqlite


def functions() -> dict[str, Callable[..., Any]]:
    """The public functions of a `Session`, by module and name."""
    found: dict[str, Callable[..., Any]] = {}
    for module in pkgutil.iter_modules(storage.__path__):
        if module.name != "migrations":
            found |= functions_of(importlib.import_module(f"storage.{module.name}"), module.name)
    return found


def functions_of(room: ModuleType | type, name: str) -> dict[str, Callable[..., Any]]:
    """Those of a module, with the methods of its classes, whatever they call the session."""
    module = room.__name__ if inspect.ismodule(room) else room.__module__
    found: dict[str, Callable[..., Any]] = {}
    for each, thing in vars(room).items():
        its = inspect.unwrap(getattr(thing, "__func__", thing))
        if getattr(its, "__module__", None) != module:
            continue
        if inspect.isclass(its):
            found |= functions_of(its, f"{name}.{each}")
        elif inspect.isfunction(its) and not each.startswith("_") and session_of(its) is not None:
            found[f"{name}.{each}"] = its
    return found


def session_of(function: Callable[..., Any]) -> str | None:
    """The parameter that takes a session, if there is one."""
    hints = {name: hint for name, hint in inspect.get_annotations(function).items() if name != "return"}
    return next((name for name, hint in hints.items() if Session in (hint, *get_args(hint)) or _says(hint)), None)


def _says(hint: Any) -> bool:
    return isinstance(hint, str) and Session.__name__ in hint


def _names_a_workspace(function: Callable[..., Any]) -> bool:
    hints = get_type_hints(function)
    return "workspace_id" in hints or any(_is_row(hint) for name, hint in hints.items() if name != "return")


def _is_row(hint: Any) -> bool:
    if get_origin(hint) is type:
        return False
    parts = get_args(hint) or (hint,)
    return all(part in LOOKED_UP or part is calls.PutOff or _is_row_variable(part) for part in parts)


def _is_row_variable(hint: Any) -> bool:
    return any(bound in LOOKED_UP for bound in getattr(hint, "__constraints__", ()))


class Hiding:
    """A store as none may be: whoever looks only for functions, or for what they call a session, misses these."""

    def get(self, session: Session, request_id: int) -> None:
        """Find a row by its number."""

    @classmethod
    def find(cls, session: Session | None, request_id: int) -> None:
        """The same."""


def renamed(rows: Session, request_id: int) -> None:
    """The same."""


def test_whatever_takes_a_session_is_found() -> None:
    assert {"here.Hiding.get", "here.Hiding.find", "here.renamed"} <= functions_of(sys.modules[__name__], "here").keys()


def test_a_store_is_functions() -> None:
    """A method would be tried with nothing to call it on."""
    assert [name for name in functions() if name.count(".") > 1] == []


def test_each_function_names_a_workspace_or_has_a_reason() -> None:
    unscoped = {name for name, function in functions().items() if not _names_a_workspace(function)}
    assert unscoped == ACROSS.keys()


@dataclass(frozen=True)
class Theirs:
    """What another workspace has, as somebody of this one might name it."""

    rows: dict[type[Any], dict[str, Any]]

    def forged(self, table: type[Any]) -> Any:
        """A row with the other's number, as if it were of this workspace."""
        return table(**{**self.rows[table], "workspace_id": OWN})


EXAMPLES: dict[str, Any] = {
    "workspace_id": OWN,
    "words": (),
    "number": 1,
    "size": 100,
    "most": 100,
    "around": NOW,
    "within": timedelta(days=1),
    "since": NOW - timedelta(days=1),
    "onlooker": Onlooker("U1", everything=True),
    "fingerprint": "same",
    "domain": "example.com",
    "besides": 0,
    "kinds": ("domain_create", "thread"),
    "people": ("U1",),
    "rules": {},
    "plan": {},
    "by": "U1",
    "lane": "lane",
    "domain_count": 7,
    "spent": f"refresh {OTHER}",
    "arrows": REQUEST_ARROWS,
    "place": PLACES[0],
}
"""What else each parameter is given, by its name; whatever is a text or a moment needs no example."""
FIRST: dict[type[Any], tuple[Any, Any]] = {
    RequestState: (RequestState.PLANNING, RequestState.APPROVED),
    CallState: (CallState.QUEUED, CallState.SENDING),
    NoticeState: (NoticeState.OWED, NoticeState.SENDING),
    ConnectionState: (ConnectionState.CHECKING, ConnectionState.IN_FORCE),
}
"""A state of each kind, and one to move to from there."""
NUMBERED = {"request_id": Request, "call_id": Call, "notice_id": Notice, "connection_id": Connection}
INSERTING = {
    "calls.add",
    "connections.add",
    "requests.add",
    "decisions.decide",
    "installations.put",
    "notices.owe",
    "once.insert",
}
"""Functions that write down the row that they are given, and look for nothing."""


def populate(session: Session, workspace_id: str) -> dict[type[Any], dict[str, Any]]:
    """A row of each table in each state; gives what stands in the first of each table."""
    rows.workspace(session, workspace_id)
    found: dict[type[Any], list[Any]] = {
        Connection: [rows.connection(session, workspace_id, state=each) for each in ConnectionState],
        Request: [
            rows.request(session, workspace_id, state=each, fingerprint="same", domain="example.com", unapproved=3)
            for each in RequestState
        ],
    }
    about: dict[str, Any] = {
        "request_id": found[Request][0].id,
        "connection_id": found[Connection][0].id,
        "sent_at": NOW,
    }
    found[Call] = [rows.call(session, workspace_id, state=each, **about) for each in CallState]
    told: dict[str, Any] = {"request_id": found[Request][0].id, "destination": "C1"}
    found[Notice] = [rows.notice(session, workspace_id, state=each, lane="lane", **told) for each in NoticeState]
    root = notices.root_key(found[Request][0].id)
    found[Notice].append(rows.notice(session, workspace_id, key=root, state=NoticeState.TOLD, **told))
    found[Policy] = [policies.change(session, workspace_id, {}, after=0, by="U1", key=f"p{workspace_id}", now=NOW)]
    kept: dict[str, Any] = {
        "workspace_id": workspace_id,
        "request_id": found[Request][0].id,
        "round": 1,
        "person": "U1",
    }
    decision = Decision(**kept, verdict="approved", deduplication_key=f"d{workspace_id}", decided_at=NOW)
    decisions.decide(session, decision)
    tokens: dict[str, Any] = {
        "bot_token": f"bot {workspace_id}",
        "refresh_token": f"refresh {workspace_id}",
        "expires_at": NOW,
    }
    gone: dict[str, Any] = {"state": InstallationState.UNINSTALLED, "delete_at": NOW} if workspace_id == OWN else {}
    installation = Installation(workspace_id=workspace_id, installed_at=NOW, **tokens, **gone)
    installations.put(session, installation)
    audit.append(session, workspace_id, at=NOW, actor="U1", action="ask", outcome="asked")
    session.flush()
    first = {table: each[0] for table, each in found.items()} | {Decision: decision, Installation: installation}
    return {table: row.model_dump() for table, row in first.items()}


def example(name: str, hint: Any, theirs: Theirs) -> Any:
    """What a function is given for a parameter: the other's row and number wherever it takes one."""
    parts = get_args(hint) or getattr(hint, "__constraints__", None) or (hint,)
    wanted = {part for part in parts if part is not type(None)}
    if name in NUMBERED:
        return theirs.rows[NUMBERED[name]]["id"]
    if states := [pair for kind, pair in FIRST.items() if kind in wanted]:
        return states[0][("before", "after").index(name) if name in ("before", "after") else 0]
    if table := next((each for each in LOOKED_UP if each in wanted), None):
        return theirs.forged(table)
    if calls.PutOff in wanted:
        return [calls.PutOff(theirs.forged(Call), NOW, NOW)]
    if name in EXAMPLES:
        return EXAMPLES[name]
    return {str: "x", datetime: NOW, int: 0}[next(iter(wanted))]


def arguments(function: Callable[..., Any], theirs: Theirs) -> dict[str, Any]:
    """Examples for all parameters that have to be given."""
    hints = get_type_hints(function)
    given = [each for each in inspect.signature(function).parameters.values() if each.kind is not each.VAR_KEYWORD]
    needed = [each.name for each in given if each.default is each.empty and each.name != session_of(function)]
    return {each: example(each, hints[each], theirs) for each in needed}


def rows_of(session: Session, workspace_id: str) -> dict[str, list[Any]]:
    """All rows of a workspace, as the database has them."""
    return {
        table.name: [tuple(row) for row in session.execute(sa.select(table).where(_owner(table) == workspace_id))]
        for table in NAMING.sorted_tables
        if _owner(table) is not None
    }


def _owner(table: sa.Table) -> Any:
    return table.c.id if table.name == "workspace" else table.c.get("workspace_id")


def plain(result: Any) -> Any:
    """A result without the numbers of rows, which differ from run to run."""
    if isinstance(result, SQLModel):
        return result.model_dump(exclude={"id", "deduplication_key", "key"})
    if isinstance(result, (list, tuple)):
        return [plain(each) for each in result]
    return result


SCOPED = {name: function for name, function in functions().items() if name not in ACROSS.keys() | INSERTING}


@pytest.mark.parametrize("name", SCOPED)
def test_what_another_workspace_has_is_neither_found_nor_changed(session: Session, name: str) -> None:
    """The answer is the same whether the other has it or nobody."""
    populate(session, OWN)
    theirs = Theirs(populate(session, OTHER))
    given = arguments(SCOPED[name], theirs)
    before = rows_of(session, OTHER)
    with session.begin_nested() as tried:
        found = plain(SCOPED[name](session, **given))
        session.flush()
        session.expire_all()
        assert rows_of(session, OTHER) == before
        tried.rollback()
    session.expunge_all()
    for table in reversed(NAMING.sorted_tables):
        if _owner(table) is not None:
            session.execute(table.delete().where(_owner(table) == OTHER))
    assert plain(SCOPED[name](session, **arguments(SCOPED[name], theirs))) == found
