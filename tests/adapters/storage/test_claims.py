"""Leasing rows that are due: in order, within limits, and each row to one claimer at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select, update

from storage import calls, connections, moves, notices, requests, workspaces
from storage.calls import PutOff
from storage.states import CallState, ConnectionState, NoticeState, RequestState
from storage.tables import Call, Notice
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW, SECOND

Claim = Callable[..., Sequence[Any]]
CLAIMS: dict[str, tuple[Callable[..., Any], Claim]] = {
    "connection": (rows.connection, connections.claim_due),
    "request": (rows.request, requests.claim_planning),
    "call": (rows.call, calls.claim),
    "notice": (rows.notice, notices.claim),
}
every_claim = pytest.mark.parametrize(("make", "claim"), CLAIMS.values(), ids=CLAIMS)
scoped_claims = pytest.mark.parametrize(("make", "claim"), [CLAIMS["request"], CLAIMS["call"]], ids=["request", "call"])


def ids(claimed: Sequence[Any]) -> list[int]:
    return [row.id for row in claimed]


@every_claim
def test_a_claim_takes_the_longest_due_first(session: Session, make: Any, claim: Claim) -> None:
    late, early, also_early = (make(session, due_at=NOW - due * SECOND) for due in (1, 2, 2))
    assert ids(claim(session, now=NOW, most=9)) == [early.id, also_early.id, late.id]


@every_claim
def test_a_claim_takes_what_is_due_now_and_nothing_that_is_due_later_or_never(
    session: Session, make: Any, claim: Claim
) -> None:
    due = make(session, due_at=NOW)
    make(session, due_at=NOW + SECOND)
    make(session, due_at=None)
    assert ids(claim(session, now=NOW, most=9)) == [due.id]


@every_claim
@pytest.mark.parametrize(("most", "taken"), [(-1, 0), (0, 0), (1, 1), (2, 2), (9, 3)])
def test_a_claim_takes_no_more_than_it_is_asked_to(
    session: Session, make: Any, claim: Claim, most: int, taken: int
) -> None:
    made = [make(session).id for _ in range(3)]
    assert ids(claim(session, now=NOW, most=most)) == made[:taken]
    assert ids(claim(session, now=NOW, most=9)) == made[taken:]


@every_claim
def test_what_is_claimed_is_leased(session: Session, make: Any, claim: Claim) -> None:
    row = make(session)
    (claimed,) = claim(session, now=NOW, most=1)
    assert claimed.leased_until == NOW + moves.LEASE
    session.refresh(row)
    assert row.leased_until == NOW + moves.LEASE
    assert claim(session, now=NOW + moves.LEASE - SECOND, most=1) == []


@pytest.mark.parametrize(("make", "claim"), [CLAIMS[name] for name in ("connection", "request", "call")])
def test_a_lease_ends_and_the_row_can_be_claimed_again(session: Session, make: Any, claim: Claim) -> None:
    row = make(session)
    claim(session, now=NOW, most=1)
    assert ids(claim(session, now=NOW + moves.LEASE, most=1)) == [row.id]


@pytest.mark.parametrize(
    ("make", "claim", "state", "claimed"),
    [
        *((rows.request, requests.claim_planning, s, s.value in {"planning", "approved"}) for s in RequestState),
        *(
            (rows.connection, connections.claim_due, s, s in (ConnectionState.CHECKING, ConnectionState.IN_FORCE))
            for s in ConnectionState
        ),
        *((rows.notice, notices.claim, s, s is NoticeState.OWED) for s in NoticeState),
        *((rows.call, calls.claim, s, s.value in {"queued", "waiting", "accepted", "unknown"}) for s in CallState),
    ],
)
def test_only_what_waits_for_the_worker_is_claimed(
    session: Session, make: Any, claim: Claim, state: Any, *, claimed: bool
) -> None:
    make(session, state=state)
    assert bool(claim(session, now=NOW, most=1)) is claimed


@pytest.mark.parametrize("name", ["request", "call"])
def test_what_is_put_off_is_free_again_when_it_is_due(session: Session, name: str) -> None:
    make, claim = CLAIMS[name]
    row = make(session)
    claim(session, now=NOW, most=1)
    assert moves.put_off(session, row, NOW + 5 * SECOND, attempts=2)
    assert claim(session, now=NOW + 4 * SECOND, most=1) == []
    (again,) = claim(session, now=NOW + 5 * SECOND, most=1)
    session.refresh(again)
    assert (again.id, again.attempts) == (row.id, 2)


@every_claim
def test_what_another_has_claimed_meanwhile_is_not_given_back(session: Session, make: Any, claim: Claim) -> None:
    row = make(session)
    (frozen,) = claim(session, now=NOW, most=1)
    session.expunge_all()
    if isinstance(row, Notice):
        notices.move(session, row, NoticeState.SENDING, NoticeState.OWED)
    (other,) = claim(session, now=NOW + moves.LEASE, most=1)
    session.expunge_all()
    assert not moves.put_off(session, frozen, NOW, attempts=7)
    current = session.get_one(type(row), row.id)
    assert (current.leased_until, current.attempts) == (other.leased_until, other.attempts)
    session.expunge_all()
    assert moves.put_off(session, other, NOW)


def test_what_another_has_claimed_meanwhile_moves_for_its_new_holder_alone(session: Session) -> None:
    rows.call(session)
    (frozen,) = calls.claim(session, now=NOW, most=1)
    session.expunge_all()
    (other,) = calls.claim(session, now=NOW + moves.LEASE, most=1)
    session.expunge_all()
    assert not calls.move(session, frozen, CallState.QUEUED, CallState.SENDING, held=frozen)
    assert calls.move(session, other, CallState.QUEUED, CallState.SENDING, held=other)


def test_a_lease_is_held_until_it_is_over_or_anothers(session: Session) -> None:
    rows.call(session)
    (claimed,) = calls.claim(session, now=NOW, most=1)
    session.expunge_all()
    assert moves.holds(claimed, calls.lock(session, claimed.workspace_id, claimed.id), now=NOW + moves.LEASE - SECOND)
    assert not moves.holds(claimed, calls.lock(session, claimed.workspace_id, claimed.id), now=NOW + moves.LEASE)
    assert not moves.holds(claimed, None, now=NOW)
    session.expunge_all()
    calls.claim(session, now=NOW + moves.LEASE, most=1)
    assert not moves.holds(claimed, calls.lock(session, claimed.workspace_id, claimed.id), now=NOW)


def test_what_is_put_off_without_a_moment_waits_for_somebody(session: Session) -> None:
    call = rows.call(session)
    calls.put_off(session, call, None)
    assert calls.claim(session, now=NOW + 10_000 * SECOND, most=1) == []


@scoped_claims
def test_busy_workspaces_are_left_out(session: Session, make: Any, claim: Claim) -> None:
    make(session, "T1")
    make(session, "T2")
    free = make(session, "T3")
    assert ids(claim(session, now=NOW, most=9, busy=("T1", "T2"))) == [free.id]


@scoped_claims
def test_a_workspace_whose_key_is_refused_is_left_out_until_another_key_is_in_force(
    session: Session, make: Any, claim: Claim
) -> None:
    broken = rows.connection(session, state=ConnectionState.IN_FORCE)
    row, other = make(session), make(session, "T2")
    connections.mark_broken(session, broken, now=NOW, reason="Invalid API key")
    assert ids(claim(session, now=NOW, most=9)) == [other.id]
    connections.put_in_force(session, rows.connection(session), now=NOW, domain_count=1)
    assert ids(claim(session, now=NOW, most=9)) == [row.id]


def test_a_refused_key_keeps_no_new_key_from_being_checked(session: Session) -> None:
    rows.connection(session, state=ConnectionState.IN_FORCE, broken_at=NOW, due_at=None)
    new = rows.connection(session)
    assert ids(connections.claim_due(session, now=NOW, most=9)) == [new.id]


@every_claim
def test_claimers_at_once_never_get_the_same_row(engine: Engine, make: Any, claim: Claim) -> None:
    with Session(engine) as session, session.begin():
        made = {make(session).id for _ in range(40)}
    taken: list[int] = []
    while batch := rows.at_once(engine, [lambda session: ids(claim(session, now=NOW, most=3))] * 4):
        if not any(batch):
            break
        taken += [row_id for claimed in batch for row_id in claimed]
    assert sorted(taken) == sorted(made)


@pytest.mark.parametrize(("make", "claim"), [CLAIMS[name] for name in ("connection", "request", "call")])
def test_on_postgresql_a_claimer_passes_over_what_another_is_about_to_take(
    postgresql_pair: tuple[Session, Session], make: Any, claim: Claim
) -> None:
    one, other = postgresql_pair
    made = [make(one).id for _ in range(3)]
    one.commit()
    assert ids(claim(one, now=NOW, most=2)) == made[:2]
    assert ids(claim(other, now=NOW, most=2)) == made[2:]


def test_on_postgresql_one_process_claims_notices_at_a_time(postgresql_pair: tuple[Session, Session]) -> None:
    one, other = postgresql_pair
    made = [rows.notice(one).id for _ in range(3)]
    one.commit()
    assert ids(notices.claim(one, now=NOW, most=2)) == made[:2]
    assert notices.claim(other, now=NOW, most=2) == []
    one.commit()
    assert ids(notices.claim(other, now=NOW, most=2)) == made[2:]


def test_on_postgresql_a_process_that_stands_still_in_a_transaction_holds_nobody_up_for_long(
    postgresql_pair: tuple[Session, Session],
) -> None:
    frozen, other = postgresql_pair
    rows.workspace(frozen)
    frozen.commit()
    workspaces.lock(frozen, "T1")
    workspaces.lock(other, "T1")  # PostgreSQL ends the first one's transaction
    other.commit()
    with pytest.raises(DBAPIError):
        frozen.commit()
    frozen.rollback()


@pytest.mark.parametrize("lost_in_sending", [calls.lost_in_sending, notices.lost_in_sending])
def test_on_postgresql_what_was_lost_is_found_by_one_process(
    postgresql_pair: tuple[Session, Session], lost_in_sending: Claim
) -> None:
    one, other = postgresql_pair
    rows.call(one, state=CallState.SENDING, leased_until=NOW)
    rows.notice(one, state=NoticeState.SENDING, leased_until=NOW)
    one.commit()
    assert len(lost_in_sending(one, now=NOW)) == 1
    assert lost_in_sending(other, now=NOW) == []


def test_a_call_is_lost_in_sending_once_its_lease_is_over(session: Session) -> None:
    call = rows.call(session, state=CallState.SENDING, leased_until=NOW)
    for state in set(CallState) - {CallState.SENDING}:
        rows.call(session, state=state, leased_until=NOW)
    assert calls.lost_in_sending(session, now=NOW - SECOND) == []
    assert ids(calls.lost_in_sending(session, now=NOW)) == [call.id]


class TestWatchedCalls:
    """Those that one list of domains answers together."""

    @pytest.fixture
    def watched(self, session: Session) -> Call:
        connection = rows.connection(session)
        return rows.call(
            session, connection_id=connection.id, state=CallState.ACCEPTED, kind="a", due_at=NOW + 9 * SECOND
        )

    def claim(self, session: Session, watched: Call) -> list[int]:
        assert watched.connection_id is not None
        return ids(calls.claim_watched(session, watched.workspace_id, watched.connection_id, ("a", "b"), now=NOW))

    def test_they_are_leased_before_they_are_due(self, session: Session, watched: Call) -> None:
        (claimed,) = calls.claim_watched(session, watched.workspace_id, watched.connection_id or 0, ("a",), now=NOW)
        assert (claimed.id, claimed.leased_until) == (watched.id, NOW + moves.LEASE)
        assert self.claim(session, watched) == []
        session.exec(update(Call).values(leased_until=NOW))
        assert self.claim(session, watched) == [watched.id]

    @pytest.mark.parametrize(
        "values",
        [{"kind": "c"}, {"state": CallState.UNKNOWN}, {"leased_until": NOW + SECOND}],
        ids=["another kind", "another state", "leased"],
    )
    def test_others_of_the_connection_are_left_alone(
        self, session: Session, watched: Call, values: dict[str, Any]
    ) -> None:
        standard = {"connection_id": watched.connection_id, "state": CallState.ACCEPTED, "kind": "a"}
        rows.call(session, **{**standard, **values})
        assert self.claim(session, watched) == [watched.id]

    def test_those_of_another_connection_are_left_alone(self, session: Session, watched: Call) -> None:
        other = rows.connection(session)
        rows.call(session, connection_id=other.id, state=CallState.ACCEPTED, kind="a")
        assert self.claim(session, watched) == [watched.id]


def test_a_claim_leaves_all_else_of_a_row_as_it_is(session: Session) -> None:
    call = rows.call(session, attempts=2, existing=["a"])
    before = call.model_dump(exclude={"leased_until"})
    calls.claim(session, now=NOW, most=1)
    (after,) = session.exec(select(Call).where(col(Call.id) == call.id).execution_options(populate_existing=True))
    assert after.model_dump(exclude={"leased_until"}) == before


def test_calls_are_given_back_together_each_until_its_own_moment(session: Session) -> None:
    claimed = [rows.call(session, attempts=3) for _ in range(2)]
    calls.claim(session, now=NOW, most=2)
    calls.put_off_together(session, [PutOff(row, NOW + n * SECOND, NOW) for n, row in enumerate(claimed, 1)])
    session.expire_all()
    assert [(row.due_at, row.leased_until, row.attempts) for row in claimed] == [
        (NOW + SECOND, None, 0),
        (NOW + 2 * SECOND, None, 0),
    ]


def test_a_call_that_somebody_else_has_claimed_meanwhile_is_not_given_back(session: Session) -> None:
    rows.call(session)
    (claimed,) = calls.claim(session, now=NOW, most=1)
    session.expunge(claimed)
    later = NOW + moves.LEASE
    (theirs,) = calls.claim(session, now=later, most=1)
    calls.put_off_together(session, [PutOff(claimed, later + SECOND, later)])
    session.expire_all()
    assert theirs.leased_until == later + moves.LEASE


def test_what_a_process_that_is_gone_has_claimed_is_released_but_not_what_it_was_sending(session: Session) -> None:
    sending = rows.call(session, state=CallState.SENDING, leased_until=NOW + SECOND)
    claimed = [make(session, leased_until=NOW + SECOND) for make in (rows.call, rows.request, rows.connection)]
    moves.release(session)
    session.expire_all()
    assert [row.leased_until for row in claimed] == [None, None, None]
    assert sending.leased_until == NOW + SECOND
