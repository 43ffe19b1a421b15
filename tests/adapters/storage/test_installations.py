"""Installations: one for each workspace, whose tokens are exchanged once and erased at the end."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from storage import installations, sealed
from storage.sealed import PLACES
from storage.states import InstallationState
from storage.tables import Installation
from tests.adapters.storage import rows
from tests.adapters.storage.rows import NOW, SECOND

SOON, LATER = NOW + timedelta(minutes=30), NOW + timedelta(hours=12)


def installed(session: Session, workspace: str = "T1", **values: Any) -> Installation | None:
    rows.workspace(session, workspace)
    standard = {"bot_token": "sealed", "refresh_token": "once", "expires_at": NOW, "installed_at": NOW}
    return installations.put(session, Installation(workspace_id=workspace, **{**standard, **values}))


def found(session: Session, workspace: str = "T1") -> Installation:
    session.expire_all()
    installation = installations.get(session, workspace)
    assert installation is not None
    return installation


def test_there_is_one_for_each_workspace_and_the_newest_counts(session: Session) -> None:
    assert installed(session) is None
    before = installed(session, bot_token="newer")
    assert before is not None
    assert (before.bot_token, found(session).bot_token) == ("sealed", "newer")
    assert installations.get(session, "T2") is None


def test_one_that_is_over_has_no_tokens_and_is_replaced_by_a_new_one(session: Session) -> None:
    installed(session)
    assert installations.end(session, "T1", now=NOW, delete_at=LATER)
    assert not installations.end(session, "T1", now=NOW, delete_at=LATER)
    over = found(session)
    assert (over.state, over.bot_token, over.refresh_token) == (InstallationState.UNINSTALLED, None, None)
    assert list(installations.to_delete(session, now=LATER - SECOND)) == []
    assert list(installations.to_delete(session, now=LATER)) == ["T1"]
    installed(session)
    assert list(installations.to_delete(session, now=LATER)) == []
    assert found(session).delete_at is None


def test_one_of_another_moment_is_another_as_long_as_it_is_not_over(session: Session) -> None:
    assert not installations.is_another(session, "T1", installed_at=NOW)
    installed(session)
    assert not installations.is_another(session, "T1", installed_at=NOW)
    assert installations.is_another(session, "T1", installed_at=NOW - SECOND)
    assert installations.end(session, "T1", now=NOW, delete_at=LATER)
    assert not installations.is_another(session, "T1", installed_at=NOW - SECOND)


def test_what_never_began_is_not_over(session: Session) -> None:
    assert not installations.is_over(session, "T1")
    installed(session)
    assert not installations.is_over(session, "T1")
    assert installations.end(session, "T1", now=NOW, delete_at=LATER)
    session.expire_all()
    assert installations.is_over(session, "T1")


def test_a_token_is_exchanged_by_one_at_a_time_and_only_near_its_end(session: Session) -> None:
    installed(session, expires_at=SOON)
    begin = {"now": NOW, "until": NOW + SECOND}
    assert not installations.begin_refresh(session, "T1", before=SOON, **begin)
    assert installations.begin_refresh(session, "T1", before=SOON + SECOND, **begin)
    assert not installations.begin_refresh(session, "T1", before=SOON + SECOND, **begin)
    assert installations.begin_refresh(session, "T1", before=SOON + SECOND, now=NOW + SECOND, until=LATER)
    new: dict[str, Any] = {"bot_token": "a", "refresh_token": "b", "expires_at": LATER}
    mine = found(session).model_copy()
    assert installations.refreshed(session, mine, **new)
    assert not installations.refreshed(session, mine, **new)
    assert (found(session).bot_token, found(session).refreshing_until) == ("a", None)


def test_new_tokens_are_kept_where_the_old_ones_were_encrypted_anew_meanwhile(session: Session) -> None:
    installed(session, expires_at=SOON)
    assert installations.begin_refresh(session, "T1", before=LATER, now=NOW, until=NOW + SECOND)
    mine = found(session).model_copy()
    (place,) = (place for place in PLACES if place.purpose == installations.REFRESH_PURPOSE)
    (text,) = sealed.texts(session, place, after=None, most=1, now=LATER)
    assert sealed.exchange(session, place, text, "by another key", now=LATER)
    assert installations.refreshed(session, mine, bot_token="a", refresh_token="b", expires_at=LATER)
    assert found(session).refresh_token == "b"


def test_a_token_that_never_ends_is_not_exchanged(session: Session) -> None:
    installed(session, refresh_token=None, expires_at=None)
    assert not installations.begin_refresh(session, "T1", before=LATER, now=NOW, until=LATER)


def test_of_several_at_once_one_exchanges_it(engine: Engine) -> None:
    with Session(engine) as session:
        installed(session)
        session.commit()

    def begin(session: Session) -> bool:
        return installations.begin_refresh(session, "T1", before=SOON, now=NOW, until=LATER)

    assert sorted(rows.at_once(engine, [begin] * 4)) == [False, False, False, True]


def test_a_state_comes_back_once(session: Session) -> None:
    assert installations.spend_state(session, "a" * 64, now=NOW)
    assert not installations.spend_state(session, "a" * 64, now=NOW)
    installations.forget_states(session, before=NOW + SECOND)
    assert installations.spend_state(session, "a" * 64, now=NOW)
