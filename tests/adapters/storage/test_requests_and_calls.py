"""Requests and their calls: whose they are, what is known of them already, and when a window opens."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from storage import audit, calls, connections, moves, notices, requests, workspaces
from storage.states import OPEN_CALLS, CallState, ConnectionState, RequestState
from storage.tables import Call, Request
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW


def test_an_id_of_another_workspace_is_as_good_as_unknown(session: Session) -> None:
    request, call, connection = rows.request(session, "T1"), rows.call(session, "T1"), rows.connection(session, "T1")
    notice = rows.notice(session, "T1")
    rows.workspace(session, "T2")
    finders: list[tuple[Any, Any]] = [(requests, request.id), (calls, call.id), (connections, connection.id)]
    for store, row_id in finders:
        assert store.get(session, "T1", row_id).id == row_id
        assert store.get(session, "T2", row_id) is None
        assert store.get(session, "T1", row_id + 1000) is None
    assert notices.by_key(session, "T1", notice.key) == notice
    assert notices.by_key(session, "T2", notice.key) is None


def test_a_delivery_makes_one_request(session: Session) -> None:
    first = rows.request(session, deduplication_key="trigger:1")
    assert requests.facts(session, "T1", "trigger:1", "", since=NOW).known == first.id
    assert requests.facts(session, "T1", "trigger:2", "", since=NOW).known is None
    with pytest.raises(IntegrityError):
        rows.request(session, deduplication_key="trigger:1")


def test_what_decides_about_a_request_is_seen_in_one_look(session: Session) -> None:
    rows.request(session, "T2", fingerprint="same", created_at=NOW)
    nothing = requests.facts(session, "T1", "trigger:9", "same", since=NOW - timedelta(seconds=10))
    assert (nothing.known, nothing.connection, nothing.broken, nothing.like, nothing.open) == (
        None,
        None,
        False,
        None,
        0,
    )
    connection = rows.connection(session, state=ConnectionState.IN_FORCE, broken_at=NOW)
    like = rows.request(session, fingerprint="same", created_at=NOW)
    rows.request(session, fingerprint="same", created_at=NOW - timedelta(minutes=1))
    rows.request(session, fingerprint="other", created_at=NOW, state=RequestState.DONE)
    found = requests.facts(session, "T1", "trigger:9", "same", since=NOW - timedelta(seconds=10))
    assert (found.connection, found.broken, found.like, found.like_at) == (connection.id, True, like.id, NOW)
    assert found.open == 2


def test_what_is_written_down_is_found_whole_under_its_id(session: Session) -> None:
    rows.workspace(session)
    unsaved = Request(
        workspace_id="T1",
        kind="domain_create",
        parameters={"domain": "example.com"},
        asker="U1",
        asked_in="C1",
        home_channel="C1",
        deduplication_key="trigger:1",
        created_at=NOW,
        due_at=NOW,
    )
    request = requests.add(session, unsaved)
    call = calls.add(session, Call(**rows.call(session, request_id=request.id).model_dump(exclude={"id"})))
    written = (request.model_dump(), call.model_dump())
    session.expunge_all()
    found = requests.get(session, "T1", request.id), calls.get(session, "T1", call.id)
    assert tuple(row.model_dump() for row in found if row is not None) == written
    with pytest.raises(IntegrityError):
        requests.add(session, unsaved)


def test_a_request_that_is_locked_is_given_as_it_stands_now(session: Session) -> None:
    request = rows.request(session)
    requests.move(session, request, RequestState.PLANNING, RequestState.APPROVED)
    locked = requests.lock(session, request.workspace_id, request.id)
    assert locked is request
    assert locked.state is RequestState.APPROVED
    assert requests.lock(session, request.workspace_id, request.id + 1) is None


def test_locking_a_request_loses_no_change_of_the_same_transaction(session: Session) -> None:
    request = rows.request(session)
    request.plan = {"existing": ["example.com"]}
    session.add(request)
    locked = requests.lock(session, request.workspace_id, request.id)
    assert locked is not None
    assert locked.plan == {"existing": ["example.com"]}


def test_a_locked_request_stays_as_it_is_until_the_transaction_ends(engine: Engine) -> None:
    """Ten transactions read a number, add one and write it; without the lock they would overwrite each other."""
    with Session(engine) as session, session.begin():
        request_id = rows.request(session, attempts=0).id

    def add_one(session: Session) -> None:
        request = requests.lock(session, "T1", request_id)
        assert request is not None
        moves.put_off(session, request, None, attempts=request.attempts + 1)

    rows.at_once(engine, [add_one] * 8)
    with Session(engine) as session:
        assert session.get_one(Request, request_id).attempts == 8


def test_commands_of_one_workspace_at_once_do_not_wait_for_each_other_in_a_circle(engine: Engine) -> None:
    """Each inserts a row that refers to the workspace, and then locks the workspace for the audit."""
    with Session(engine) as session, session.begin():
        rows.workspace(session)

    def command(session: Session) -> int:
        request = rows.request(session)
        rows.call(session, request_id=request.id)
        requests.lock(session, request.workspace_id, request.id)
        return audit.append(session, "T1", at=NOW, actor="U1", action="x", outcome="asked")

    for _ in range(3):
        rows.at_once(engine, [command] * 8)
    with Session(engine) as session:
        assert audit.verify(session, "T1").whole


def test_a_new_row_of_a_request_does_not_wait_for_whoever_holds_the_request(postgresql_pair: Any) -> None:
    one, other = postgresql_pair
    request = rows.request(one)
    one.commit()
    workspaces.lock(one, "T1")
    requests.lock(one, request.workspace_id, request.id)
    assert rows.call(other, request_id=request.id).id


def test_the_home_of_a_request_is_where_its_root_message_stands(session: Session) -> None:
    request = rows.request(session)
    requests.settle_home(session, request.workspace_id, request.id, channel="D7", root_ts="1.2")
    session.refresh(request)
    assert (request.asked_in, request.home_channel, request.root_ts) == ("C1", "D7", "1.2")


def test_the_calls_of_a_request_are_given_in_the_order_in_which_they_were_planned(session: Session) -> None:
    request = rows.request(session)
    made = [rows.call(session, request_id=request.id, names=[name]) for name in ("c", "a", "b")]
    rows.call(session)
    assert list(calls.of_request(session, request)) == made


@pytest.mark.parametrize("state", CallState)
def test_names_are_in_flight_while_something_is_still_to_come_of_their_call(session: Session, state: CallState) -> None:
    own = rows.request(session)
    rows.call(session, state=state, names=["a", "b"])
    rows.call(session, state=state, names=["c"], request_id=own.id)
    rows.call(session, state=state, names=["d"], domain="example.org")
    rows.call(session, "T2", state=state, names=["e"])
    in_flight = calls.names_in_flight(session, "T1", "example.com", besides=own.id)
    assert in_flight == ({"a", "b"} if state in OPEN_CALLS else set())


@pytest.mark.parametrize("state", CallState)
def test_what_waits_for_another_try_can_be_hastened_and_windows_stay_as_they_are(
    session: Session, state: CallState
) -> None:
    later = NOW + timedelta(minutes=1)
    call = rows.call(session, state=state, due_at=later)
    foreign = rows.call(session, "T2", state=state, due_at=later)
    asked = rows.call(session, state=state, due_at=None)
    calls.hasten(session, "T1", now=NOW)
    session.expire_all()
    hastened = state in {CallState.QUEUED, CallState.ACCEPTED, CallState.UNKNOWN}
    assert (call.due_at, foreign.due_at, asked.due_at) == (NOW if hastened else later, later, None)


class TestTheLastOneSent:
    """From when on a provider's window is counted."""

    @pytest.mark.parametrize("state", CallState)
    def test_it_counts_where_mailapi_took_it(self, session: Session, state: CallState) -> None:
        connection = rows.connection(session)
        rows.call(session, connection_id=connection.id, kind="k", sent_at=NOW, state=state)
        taken = state in {CallState.ACCEPTED, CallState.STALLED, CallState.DONE, CallState.PARTLY_DONE}
        assert calls.last_sent(session, connection, "example.com", "k") == (NOW if taken else None)

    def test_it_is_the_newest_for_the_same_key_domain_and_kind(self, session: Session) -> None:
        connection, other = rows.connection(session), rows.connection(session, last_four="oThr")
        standard: dict[str, Any] = {
            "connection_id": connection.id,
            "kind": "k",
            "state": CallState.DONE,
            "domain": "example.com",
        }
        differing: list[dict[str, Any]] = [{}, {"kind": "l"}, {"domain": "example.org"}, {"connection_id": other.id}]
        for hours, values in enumerate(differing):
            rows.call(session, **{**standard, "sent_at": NOW + timedelta(hours=hours), **values})
        rows.call(session, **{**standard, "sent_at": NOW - timedelta(hours=1)})
        assert calls.last_sent(session, connection, "example.com", "k") == NOW

    def test_it_counts_for_a_key_that_was_connected_anew(self, session: Session) -> None:
        before, now = rows.connection(session), rows.connection(session)
        rows.call(session, connection_id=before.id, kind="k", sent_at=NOW, state=CallState.DONE)
        assert calls.last_sent(session, now, "example.com", "k") == NOW


def test_a_workspace_that_installs_again_keeps_its_row_and_takes_the_new_name(session: Session) -> None:
    workspaces.installed(session, "T9", name="Old", bot_user_id="U0", now=NOW)
    again = workspaces.installed(session, "T9", name="New", bot_user_id="U9", now=NOW + timedelta(days=1))
    assert (again.name, again.bot_user_id, again.created_at) == ("New", "U9", NOW)


def test_processes_that_start_at_once_install_a_workspace_once(engine: Engine) -> None:
    def installed(session: Session) -> str:
        return workspaces.installed(session, "T9", name="Name", bot_user_id="U9", now=NOW).name

    assert rows.at_once(engine, [installed] * 8) == ["Name"] * 8


def test_why_a_request_is_not_planned_is_noted_until_it_is(session: Session) -> None:
    request, planned = rows.request(session), rows.request(session, state=RequestState.RUNNING, plan={"existing": []})
    requests.explain(session, request, {"late": "slow"})
    requests.explain(session, planned, {"late": "slow"})
    session.expire_all()
    assert (request.plan, planned.plan) == ({"late": "slow"}, {"existing": []})


@pytest.mark.parametrize("state", RequestState)
def test_requests_that_wait_for_a_plan_can_be_hastened(session: Session, state: RequestState) -> None:
    later = NOW + timedelta(minutes=1)
    request, foreign = rows.request(session, state=state, due_at=later), rows.request(session, "T2", due_at=later)
    requests.hasten(session, "T1", now=NOW)
    session.expire_all()
    hastened = state in {RequestState.PLANNING, RequestState.APPROVED}
    assert (request.due_at, foreign.due_at) == (NOW if hastened else later, later)


@pytest.mark.parametrize("state", CallState)
def test_a_call_is_undecided_while_nobody_knows_whether_it_was_taken(session: Session, state: CallState) -> None:
    connection, other = rows.connection(session), rows.connection(session, last_four="oThr")
    sent = rows.call(session, connection_id=connection.id, kind="k", state=state, sent_at=NOW)
    before = NOW - timedelta(hours=1)
    undecided = state in {CallState.SENDING, CallState.UNKNOWN}
    assert calls.undecided(session, connection, "example.com", "k", since=before) == ([sent] if undecided else [])
    assert not calls.undecided(session, connection, "example.com", "k", since=NOW)
    assert not calls.undecided(session, connection, "example.org", "k", since=before)
    assert not calls.undecided(session, connection, "example.com", "l", since=before)
    assert not calls.undecided(session, other, "example.com", "k", since=before)
