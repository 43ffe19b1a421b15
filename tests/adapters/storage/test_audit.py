"""The audit chain: appending, what a changed or cut one looks like, and looking for entries."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, LargeBinary, type_coerce
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Session, col, delete, select, update

from storage import audit
from storage.audit import GENESIS, Head
from storage.engines import engine_for
from storage.tables import AuditEntry, Workspace
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW

EAST = timezone(timedelta(hours=5, minutes=45))


def append(session: Session, workspace_id: str = "T1", **values: Any) -> int:
    standard = {"at": NOW, "actor": "U1", "action": "mailbox_bulk", "outcome": "asked", "subject": "request:1"}
    return audit.append(session, rows.workspace(session, workspace_id), **{**standard, **values})


def chain(session: Session, workspace_id: str = "T1") -> list[AuditEntry]:
    session.flush()
    session.expunge_all()
    entries = select(AuditEntry).where(AuditEntry.workspace_id == workspace_id).order_by(col(AuditEntry.seq))
    return list(session.exec(entries))


def first_broken(session: Session, workspace_id: str = "T1", *, known: Head | None = None) -> int | None:
    session.flush()
    return audit.verify(session, workspace_id, known=known).first_broken


def forge(session: Session, seq: int, **values: Any) -> str:
    """Change an entry, and give it a hash that fits; gives the hash."""
    (entry,) = [entry for entry in chain(session) if entry.seq == seq]
    forged = entry.model_dump(exclude={"id"}) | values
    forged["hash"] = audit.hash_of(forged)
    session.exec(update(AuditEntry).where(col(AuditEntry.seq) == seq).values(**forged))
    return str(forged["hash"])


def rewrite(session: Session, seq: int, **values: Any) -> None:
    """Change an entry, and all behind it so that every link fits again."""
    last = forge(session, seq, **values)
    for entry in chain(session)[seq:]:
        last = forge(session, entry.seq, previous_hash=last)


def cut(session: Session, after: int) -> None:
    """Remove all entries behind `after`."""
    session.exec(delete(AuditEntry).where(col(AuditEntry.seq) > after))


def test_each_entry_holds_the_hash_of_the_one_before(session: Session) -> None:
    for _ in range(3):
        append(session)
    found = chain(session)
    assert [entry.seq for entry in found] == [1, 2, 3]
    assert [entry.previous_hash for entry in found] == [GENESIS, found[0].hash, found[1].hash]
    assert audit.verify(session, "T1") == audit.Verdict(3, Head(3, found[2].hash), None, 0)


def test_each_workspace_has_a_chain_and_an_end_of_its_own(session: Session) -> None:
    for workspace in ("T1", "T2", "T1"):
        append(session, workspace)
    rows.workspace(session, "T3")
    ends = {workspace: chain(session, workspace)[-1] for workspace in ("T1", "T2")}
    assert audit.heads(session) == {workspace: Head(end.seq, end.hash) for workspace, end in ends.items()}
    assert {workspace: head.seq for workspace, head in audit.heads(session).items()} == {"T1": 2, "T2": 1}
    assert all(audit.verify(session, workspace).whole for workspace in ("T1", "T2", "T3"))


def test_an_empty_chain_is_whole(session: Session) -> None:
    rows.workspace(session)
    assert audit.verify(session, "T1") == audit.Verdict(0, Head(0, GENESIS), None, 0)


def test_a_chain_is_whole_in_whatever_zone_its_moments_were_and_whatever_its_details_hold(session: Session) -> None:
    details = {"tuple": (1, 2), "nested": {"ü": None, "x": 1.5}, "mixed": {10: "a", 9: "b"}, "text": "\ud800\x00"}
    append(session, at=datetime(2026, 3, 1, 1, 2, 3, 456789, tzinfo=EAST), details=details)
    append(session, details={})
    assert audit.verify(session, "T1").whole


CHANGES: dict[str, Callable[[Session], object]] = {
    column: lambda session, column=column, value=value: session.exec(  # type: ignore[misc]
        update(AuditEntry).where(col(AuditEntry.seq) == 3).values({column: value})
    )
    for column, value in {
        "actor": "U2",
        "action": "connect",
        "outcome": "refused",
        "subject": "request:2",
        "details": {"count": 2},
        "at": NOW + timedelta(microseconds=1),
        "hash": "f" * 64,
        "previous_hash": "f" * 64,
    }.items()
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_entry_is_found(session: Session, change: Callable[[Session], object]) -> None:
    for _ in range(5):
        append(session)
    change(session)
    assert first_broken(session) == 3


@pytest.mark.parametrize("column", ["at", "details", "actor"])
def test_an_entry_that_cannot_even_be_read_is_found(sqlite: str, column: str) -> None:
    """PostgreSQL takes nothing but moments, JSON and texts there."""
    engine = engine_for(sqlite)
    with Session(engine) as session:
        for _ in range(5):
            append(session)
        session.connection().execute(
            update(AuditEntry).where(col(AuditEntry.seq) == 3).values({column: type_coerce(b"x", LargeBinary)})
        )
        assert first_broken(session) == 3
    engine.dispose()


def test_a_changed_entry_with_a_new_hash_of_its_own_is_found_by_the_next(session: Session) -> None:
    for _ in range(5):
        append(session)
    forge(session, 3, actor="U2")
    assert first_broken(session) == 4


@pytest.mark.parametrize("removed", [1, 3, 4])
def test_a_removed_entry_is_found(session: Session, removed: int) -> None:
    for _ in range(5):
        append(session)
    session.exec(delete(AuditEntry).where(col(AuditEntry.seq) == removed))
    found = audit.verify(session, "T1")
    assert (found.entries, found.head.seq, found.first_broken, found.missing) == (4, removed - 1, removed, 0)


def test_an_entry_that_was_put_in_is_found(session: Session) -> None:
    for _ in range(3):
        append(session)
    first, second, third = chain(session)
    for entry in (third, second):
        session.exec(update(AuditEntry).where(col(AuditEntry.id) == entry.id).values(seq=entry.seq + 1))
    put_in = first.model_dump(exclude={"id"}) | {"seq": 2, "previous_hash": first.hash}
    session.add(AuditEntry(**put_in | {"hash": audit.hash_of(put_in)}))
    assert first_broken(session) == 3


@pytest.mark.parametrize("seq", [0, -1])
def test_an_entry_that_was_put_in_before_the_first_is_found(session: Session, seq: int) -> None:
    append(session)
    (first,) = chain(session)
    session.add(AuditEntry(**first.model_dump(exclude={"id"}) | {"seq": seq}))
    assert first_broken(session) == 1


def test_entries_that_were_swapped_are_found(session: Session) -> None:
    for _ in range(3):
        append(session)
    _, second, third = chain(session)
    for entry, seq in ((second, 99), (third, 2), (second, 3)):
        session.exec(update(AuditEntry).where(col(AuditEntry.id) == entry.id).values(seq=seq))
    assert first_broken(session) == 2


@pytest.mark.parametrize("left", [0, 1, 4])
def test_a_tail_that_was_cut_off_is_found_though_the_rest_is_whole(session: Session, left: int) -> None:
    for _ in range(5):
        append(session)
    cut(session, left)
    found = audit.verify(session, "T1")
    assert (found.entries, found.head.seq, found.first_broken, found.missing) == (left, left, None, 5 - left)
    assert not found.whole


def test_a_tail_that_was_cut_off_still_shows_when_the_chain_has_grown_over_it(session: Session) -> None:
    for _ in range(5):
        append(session)
    cut(session, 3)
    append(session, actor="U2")
    assert audit.verify(session, "T1").missing == 1
    for _ in range(3):
        append(session)
    assert first_broken(session) == 5


def test_an_end_that_an_older_version_did_not_keep_is_caught_up_with(session: Session) -> None:
    for _ in range(3):
        append(session)
    before = audit.heads(session)["T1"]
    append(session)
    append(session)
    session.exec(update(Workspace).values(audit_seq=before.seq, audit_hash=before.hash))
    assert audit.verify(session, "T1").whole
    append(session)
    assert audit.heads(session)["T1"].seq == 6


def test_a_chain_that_was_written_anew_shows_against_an_end_that_was_known(session: Session) -> None:
    for _ in range(5):
        append(session)
    logged = audit.heads(session)["T1"]
    append(session)
    assert audit.verify(session, "T1", known=logged).whole
    rewrite(session, 3, actor="U2")
    end = chain(session)[-1]
    session.exec(update(Workspace).values(audit_seq=end.seq, audit_hash=end.hash))
    assert audit.verify(session, "T1").whole
    assert first_broken(session, known=logged) == 5


def test_a_chain_that_was_cut_with_its_kept_end_shows_against_an_end_that_was_known(session: Session) -> None:
    for _ in range(5):
        append(session)
    logged = audit.heads(session)["T1"]
    cut(session, 2)
    end = chain(session)[-1]
    session.exec(update(Workspace).values(audit_seq=end.seq, audit_hash=end.hash))
    assert audit.verify(session, "T1").whole
    assert audit.verify(session, "T1", known=logged).missing == 3


@pytest.mark.parametrize("broken", [None, 1, 5, 6, 10, 11, 12])
def test_a_long_chain_is_read_in_batches(session: Session, broken: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 5, so that some entries are the first or the last of theirs."""
    monkeypatch.setattr(audit, "_BATCH", audit._BATCH.limit(5))  # noqa: SLF001 - 1,000 entries would take a while
    for _ in range(12):
        append(session)
    if broken:
        session.exec(update(AuditEntry).where(col(AuditEntry.seq) == broken).values(actor="U2"))
    found = audit.verify(session, "T1")
    assert (found.entries, found.first_broken, found.missing) == (12, broken, 0)
    assert found.head.seq == (broken - 1 if broken else 12)


def test_two_entries_cannot_take_the_same_place(session: Session) -> None:
    append(session)
    (entry,) = chain(session)
    session.add(AuditEntry(**entry.model_dump(exclude={"id"})))
    with pytest.raises(IntegrityError):
        session.flush()


def test_appending_from_many_threads_leaves_no_gap_and_no_fork(engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        rows.workspace(session)
    for _ in range(5):
        rows.at_once(engine, [append] * 8)
    with Session(engine) as session:
        found = audit.verify(session, "T1")
        assert (found.entries, found.whole) == (40, True)
        assert audit.heads(session)["T1"] == found.head


def test_of_two_processes_that_append_at_once_the_later_one_keeps_the_end(
    postgresql_pair: tuple[Session, Session],
) -> None:
    one, other = postgresql_pair
    rows.workspace(one)
    one.commit()
    append(one)

    def append_as_well() -> None:
        append(other)
        other.commit()

    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(append_as_well)
        append(one)
        one.commit()
        waiting.result(timeout=10)
    found = audit.verify(one, "T1")
    assert (found.entries, found.whole) == (3, True)
    assert audit.heads(one)["T1"].seq == 3


def test_an_entry_without_a_zone_is_refused(session: Session) -> None:
    with pytest.raises(StatementError, match="without a time zone"):
        append(session, at=NOW.replace(tzinfo=None))


def test_an_entry_of_a_failed_transaction_leaves_no_gap(engine: Engine) -> None:
    with Session(engine) as session:
        append(session)
        session.commit()
        append(session)
        session.rollback()
        append(session)
        session.commit()
        assert audit.verify(session, "T1").whole
        assert audit.heads(session)["T1"].seq == 2


LOOKED_FOR: dict[str, tuple[list[str], list[int]]] = {
    "nothing": ([], [6, 5, 4, 3, 2, 1]),
    "who": (["u2"], [2]),
    "action": (["domain_create"], [3]),
    "outcome": (["REFUSED"], [4]),
    "subject": (["request:5"], [5]),
    "details": (["example.org"], [6]),
    "two words": (["U1", "example.org"], [6]),
    "two words that never meet": (["U2", "example.org"], []),
    "a percent sign": (["100%"], [6]),
    "a percent sign that is none": (["1%0"], []),
    "an underscore that is none": (["exampl_"], []),
    "a slash": (["a/b"], [6]),
    "a backslash": (["c\\d"], [6]),
    "a quote": (['say "hello"'], [6]),
    "beyond ASCII": (["müller"], [6]),
    "beyond ASCII in capitals": (["MÜLLER"], [6]),
    "beyond ASCII in small letters": (["ärger"], [6]),
    "a zero byte": (["\x00"], []),
    "an emoji": (["💌"], [6]),
    "another workspace's": (["T2"], []),
}


@pytest.mark.parametrize(("words", "found"), LOOKED_FOR.values(), ids=LOOKED_FOR)
def test_entries_are_found_by_words_that_all_occur(session: Session, words: list[str], found: list[int]) -> None:
    append(session, "T2", subject="T2")
    append(session, subject="")
    append(session, actor="U2")
    append(session, action="domain_create")
    append(session, outcome="refused")
    append(session, subject="request:5")
    reason = 'Müller at 100% Ärger, a/b and c\\d say "hello" 💌'
    append(session, subject="", details={"domain": "example.org", "reason": reason})
    assert [entry.seq for entry in audit.page(session, "T1", words, number=1, size=10)] == found
    assert audit.count(session, "T1", words) == len(found)


def test_entries_are_turned_page_by_page_from_the_newest(session: Session) -> None:
    for _ in range(7):
        append(session)
    pages = [[entry.seq for entry in audit.page(session, "T1", [], number=n, size=3)] for n in (1, 2, 3, 4)]
    assert pages == [[7, 6, 5], [4, 3, 2], [1], []]
