"""What is stored encrypted: all of it is known, and each text belongs to one row and one column."""

import importlib
import pkgutil
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

import storage
from storage import sealed
from storage.encryption import Undecryptable, Vault, generate_key
from storage.sealed import PLACES, Place
from storage.tables import NAMING, Connection, Installation
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW, SECOND

ROOT = Path(__file__).parents[3]
VALUE = "Zk9Qw3Xv7Bt5Lm1Np8Rs2Dc6Fg4Hj0Ya"
ROW: Mapping[Any, Callable[..., Any]] = {Connection: rows.connection, Installation: rows.installation}
"""How a row of each table with such a column is made."""
VAULT = Vault([generate_key()])

each_place = pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.model.__name__}.{place.column}")


def put(session: Session, place: Place, workspace: str, text: str | None) -> Any:
    return ROW[place.model](session, workspace, **{place.column: text})


def seal(place: Place, workspace: str) -> str:
    return VAULT.seal(VALUE, workspace=workspace, purpose=place.purpose)


def found(session: Session, place: Place, **options: Any) -> list[sealed.Text]:
    return list(sealed.texts(session, place, **{"after": None, "most": 10, "now": NOW, **options}))


def test_every_column_that_holds_what_a_vault_gave_is_on_the_list() -> None:
    """One that is not would not be encrypted anew, and be lost with the old key."""
    columns = [column for table in NAMING.sorted_tables for column in table.columns]
    marked = {str(column) for column in columns if column.info.get("sealed")}
    assert marked == {str(place.of(place.column)) for place in PLACES}


def test_every_purpose_is_on_the_list_once_and_nothing_else_is_encrypted() -> None:
    modules = [importlib.import_module(f"storage.{each.name}") for each in pkgutil.iter_modules(storage.__path__)]
    named = {value for module in modules for name, value in vars(module).items() if name.endswith("PURPOSE")}
    assert named == {place.purpose for place in PLACES}
    assert len(named) == len(PLACES)
    sources = [path.read_text() for folder in ("bot", "storage") for path in (ROOT / folder).rglob("*.py")]
    given = {given for source in sources for given in re.findall(r"purpose=([^,)\n]+)", source)}
    assert {each for each in given if not each.endswith("PURPOSE")} <= {"purpose", "place.purpose"}


@each_place
def test_a_value_that_is_moved_to_another_row_or_column_is_not_read(session: Session, place: Place) -> None:
    put(session, place, "T1", seal(place, "T1"))
    put(session, place, "T2", seal(place, "T1"))
    own, moved = found(session, place)
    assert VAULT.unseal(own.sealed, workspace=own.workspace, purpose=place.purpose) == VALUE
    for workspace, purpose in {
        (moved.workspace, place.purpose),
        *((own.workspace, p.purpose) for p in PLACES if p != place),
    }:
        with pytest.raises(Undecryptable, match="another workspace, row or purpose"):
            VAULT.unseal(own.sealed, workspace=workspace, purpose=purpose)
        with pytest.raises(Undecryptable, match="another workspace, row or purpose"):
            VAULT.resealed(own.sealed, workspace=workspace, purpose=purpose)


@pytest.mark.parametrize("place", [place for place in PLACES if place.row], ids=lambda place: place.model.__name__)
def test_a_value_that_is_moved_to_another_row_of_its_workspace_is_not_read(session: Session, place: Place) -> None:
    for _ in range(2):
        put(session, place, "T1", "unread")
    own, other = found(session, place)
    text = VAULT.seal(VALUE, workspace="T1", purpose=place.purpose, row=own.row)
    assert VAULT.unseal(text, workspace="T1", purpose=place.purpose, row=own.row) == VALUE
    for read in (VAULT.unseal, VAULT.resealed):
        with pytest.raises(Undecryptable, match="another workspace, row or purpose"):
            read(text, workspace="T1", purpose=place.purpose, row=other.row)


def test_where_a_workspace_may_have_several_rows_each_text_is_bound_to_its_own() -> None:
    alone = {place for place in PLACES if [column.name for column in place.key.table.primary_key] == ["workspace_id"]}
    assert {place for place in PLACES if place.row} == set(PLACES) - alone
    for place in set(PLACES) - alone:
        assert place.of(str(place.row)).unique


@each_place
def test_texts_are_found_in_order_and_in_parts_and_rows_without_one_are_left_out(
    session: Session, place: Place
) -> None:
    for number in range(5):
        put(session, place, f"T{number}", None if number == 2 else f"text {number}")
    first = found(session, place, most=3)
    rest = found(session, place, most=3, after=first[-1].key)
    assert [(each.workspace, each.sealed) for each in first + rest] == [(f"T{n}", f"text {n}") for n in (0, 1, 3, 4)]
    assert found(session, place, after=rest[-1].key) == []


@each_place
def test_only_the_text_that_was_read_is_exchanged(session: Session, place: Place) -> None:
    for workspace in ("T1", "T2"):
        put(session, place, workspace, "old")
    text, other = found(session, place)
    assert sealed.exchange(session, place, text, "new", now=NOW)
    assert not sealed.exchange(session, place, text, "newer", now=NOW)
    assert [each.sealed for each in found(session, place)] == ["new", other.sealed]


def test_what_is_erased_meanwhile_stays_erased(session: Session) -> None:
    (place,) = [each for each in PLACES if each.model is Connection]
    connection = rows.connection(session, secret="old")
    (text,) = found(session, place)
    connection.secret = None
    session.flush()
    assert not sealed.exchange(session, place, text, "new", now=NOW)
    assert found(session, place) == []


def test_a_text_is_left_to_whoever_holds_it(session: Session) -> None:
    place = Place(Connection, "secret", "any", held_until="leased_until")
    rows.connection(session, secret="old", leased_until=NOW + SECOND)
    (text,) = found(session, place)
    assert text.held
    assert not sealed.exchange(session, place, text, "new", now=NOW)
    (text,) = found(session, place, now=NOW + SECOND)
    assert not text.held
    assert sealed.exchange(session, place, text, "new", now=NOW + SECOND)
