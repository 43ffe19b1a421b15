"""What is stored encrypted, and exchanging each such text for one that another key encrypted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, literal, null
from sqlmodel import Session, select, update

from storage import connections, installations
from storage.tables import Connection, Installation, Table, table_of


@dataclass(frozen=True)
class Place:
    """A column whose texts are encrypted, each for the workspace in its row's `workspace_id` and for one purpose.

    `row` names the column that tells a workspace's rows apart, where it may have several; each text is bound to it.
    `held_until` names a column with a moment until which a row's text is not to be exchanged, unless it is further
    ahead than an exchange of Slack's tokens takes: somebody will look for the one that he has read.
    """

    model: type[Table]
    column: str
    purpose: str
    held_until: str | None = None
    row: str | None = None

    def of(self, name: str) -> Any:
        """One of the table's columns."""
        return table_of(self.model).c[name]

    @property
    def key(self) -> Any:
        """The column that tells its rows apart."""
        (key,) = table_of(self.model).primary_key
        return key


PLACES = (
    Place(Connection, "secret", connections.PURPOSE, row="deduplication_key"),
    Place(Installation, "bot_token", installations.TOKEN_PURPOSE, held_until="refreshing_until"),
    Place(Installation, "refresh_token", installations.REFRESH_PURPOSE, held_until="refreshing_until"),
)
"""All of them: what is encrypted and is not named here is lost when its key is taken away."""


@dataclass(frozen=True)
class Text:
    """An encrypted text and whose it is."""

    key: Any
    workspace: str
    row: str
    sealed: str
    held: bool


def texts(session: Session, place: Place, *, after: Any, most: int, now: datetime) -> Sequence[Text]:
    """The next texts behind the row `after`, in the order of their rows; `None` begins with the first."""
    asked = _asked(place).limit(most)
    return _found(session, asked if after is None else asked.where(place.key > after), now)


def of_workspace(session: Session, workspace_id: str, place: Place, *, now: datetime) -> Sequence[Text]:
    """The texts of one workspace."""
    return _found(session, _asked(place).where(place.of("workspace_id") == workspace_id), now)


def _asked(place: Place) -> Any:
    sealed = place.of(place.column)
    row = place.of(place.row) if place.row else literal("")
    held = place.of(place.held_until) if place.held_until else null()
    columns: list[Any] = [place.key, place.of("workspace_id"), row, sealed, held]
    asked = select(*columns)
    return asked.where(sealed.is_not(None)).order_by(place.key)


def _found(session: Session, asked: Any, now: datetime) -> Sequence[Text]:
    return [
        Text(key, workspace, row, text, held=installations.is_exchange(until, now))
        for key, workspace, row, text, until in session.execute(asked).all()
    ]


def exchange(session: Session, place: Place, text: Text, sealed: str, *, now: datetime) -> bool:
    """Put `sealed` in the place of `text`; false where something else stands there by now, or it is held."""
    column = place.of(place.column)
    changed = update(table_of(place.model)).where(place.key == text.key, column == text.sealed)
    if place.held_until is not None:
        changed = changed.where(installations.are_no_exchange(place.of(place.held_until), now))
    result = cast("CursorResult[Any]", session.execute(changed.values({column: sealed})))
    return result.rowcount == 1
