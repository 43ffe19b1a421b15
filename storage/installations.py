"""Installations: the tokens with which the bot speaks in a workspace, for as long as it may."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, or_
from sqlmodel import Session, col, delete, select, update

from storage import once, workspaces
from storage.states import InstallationState
from storage.tables import UNREADABLE_MOMENT, Installation, SpentState

TOKEN_PURPOSE, REFRESH_PURPOSE = "slack bot token", "slack refresh token"
"""What an installation's tokens are encrypted for."""

LONGEST_EXCHANGE = timedelta(seconds=30)
"""How long one process has for an exchange: longer than Slack's answer takes, and what it takes to write it down."""


def put(session: Session, installation: Installation) -> Installation | None:
    """Write an installation down, in the place of an earlier one, whose row it gives as it was."""
    workspaces.lock(session, installation.workspace_id)  # of two at once the second one replaces the first
    before = get(session, installation.workspace_id)
    if before is not None:
        session.expunge(before)
    session.merge(installation)
    session.flush()
    return before


def get(session: Session, workspace_id: str) -> Installation | None:
    """The workspace's installation, also one that is over."""
    return session.exec(select(Installation).where(Installation.workspace_id == workspace_id)).first()


def lock(session: Session, workspace_id: str) -> Installation | None:
    """Hold an installation's row until the transaction ends, and give it as it stands now."""
    held = select(Installation).where(Installation.workspace_id == workspace_id).with_for_update(key_share=True)
    return session.exec(held.execution_options(populate_existing=True)).first()


def is_another(session: Session, workspace_id: str, *, installed_at: datetime) -> bool:
    """Whether the workspace has the bot by an installation of another moment than this; its row is held."""
    found = lock(session, workspace_id)
    return found is not None and found.state is InstallationState.INSTALLED and found.installed_at != installed_at


def is_over(session: Session, workspace_id: str) -> bool:
    """Whether the workspace removed the bot; one that never installed it by itself did not."""
    found = get(session, workspace_id)
    return found is not None and found.state is InstallationState.UNINSTALLED


def begin_refresh(session: Session, workspace_id: str, *, before: datetime, now: datetime, until: datetime) -> bool:
    """Make the exchange of a token that ends `before` a moment one's own `until` another; false where it is another's.

    One statement: its row lock decides between processes, and is not held while Slack is asked.
    """
    mine = update(Installation).where(
        col(Installation.workspace_id) == workspace_id,
        col(Installation.state) == InstallationState.INSTALLED,
        col(Installation.refresh_token).is_not(None),
        col(Installation.expires_at) < before,
        or_(col(Installation.refreshing_until).is_(None), col(Installation.refreshing_until) <= now),
    )
    return _changed(session, mine.values(refreshing_until=until))


def is_under_way(installation: Installation, now: datetime) -> bool:
    """Whether somebody is exchanging its token, rather than waiting to try that again."""
    has_token = installation.state is InstallationState.INSTALLED and installation.refresh_token is not None
    return has_token and is_exchange(installation.refreshing_until, now)


def is_exchange(until: datetime | None, now: datetime) -> bool:
    """Whether a `refreshing_until` is the end of an exchange; one further ahead is when it is tried again.

    So is the end of a wait for that, which is taken for an exchange: for half a minute at most nobody touches it.
    """
    return until is not None and now < until <= now + LONGEST_EXCHANGE


def are_no_exchange(until: Any, now: datetime) -> Any:
    """The same the other way round, as a condition on the column."""
    return or_(until.is_(None), until <= now, until > now + LONGEST_EXCHANGE)


def refreshed(
    session: Session, exchanged: Installation, *, bot_token: str, refresh_token: str, expires_at: datetime
) -> bool:
    """Put new tokens in the place of those of the row that was `exchanged`; false where those are gone."""
    theirs = update(Installation).where(*_tokens_of(exchanged))
    new: dict[str, Any] = {"bot_token": bot_token, "refresh_token": refresh_token, "expires_at": expires_at}
    return _changed(session, theirs.values(**new, refreshing_until=None))


def give_back_refresh(session: Session, exchanged: Installation, *, until: datetime) -> None:
    """Let the exchange be tried again, by anybody, from `until` on: Slack did not do it."""
    theirs = update(Installation).where(*_tokens_of(exchanged))
    _changed(session, theirs.values(refreshing_until=until))


def _tokens_of(exchanged: Installation) -> tuple[Any, ...]:
    """The conditions that a row still has the tokens with which somebody began to exchange them.

    Its refresh token is as it was, or was only encrypted anew, while the exchange is still the same.
    """
    same = col(Installation.refresh_token) == exchanged.refresh_token
    still = col(Installation.refreshing_until) == exchanged.refreshing_until
    return col(Installation.workspace_id) == exchanged.workspace_id, or_(same, still)


def end(session: Session, workspace_id: str, *, now: datetime, delete_at: datetime) -> bool:
    """Erase the tokens of a workspace that removed the bot, and say when its rows go; false where that is done."""
    installed = update(Installation).where(
        col(Installation.workspace_id) == workspace_id, col(Installation.state) == InstallationState.INSTALLED
    )
    erased: dict[str, Any] = {"bot_token": None, "refresh_token": None, "expires_at": None, "refreshing_until": None}
    over = {"state": InstallationState.UNINSTALLED, "uninstalled_at": now, "delete_at": delete_at}
    return _changed(session, installed.values(**erased, **over))


def forget(session: Session, workspace_id: str) -> None:
    """Delete the row alone, where the workspace's token comes from the settings instead."""
    _changed(session, delete(Installation).where(col(Installation.workspace_id) == workspace_id))


def in_force(session: Session) -> Sequence[Installation]:
    """The installations of all workspaces that have the bot now, for those who look after all of them."""
    return session.exec(
        select(Installation)
        .where(Installation.state == InstallationState.INSTALLED)
        .order_by(col(Installation.workspace_id))
    ).all()


def over() -> Any:
    """The ids of workspaces that removed the bot, for a condition on rows: nothing can be told there."""
    return select(Installation.workspace_id).where(Installation.state == InstallationState.UNINSTALLED)


def is_to_delete(session: Session, workspace_id: str, *, now: datetime) -> bool:
    """Whether the grace period of a workspace that removed the bot is over; its installation's row is held."""
    found = lock(session, workspace_id)
    return found is not None and found.state is InstallationState.UNINSTALLED and _is_past(found.delete_at, now)


def to_delete(session: Session, *, now: datetime) -> Sequence[str]:
    """The workspaces whose grace period is over; one of which nobody can read when it is over is kept."""
    gone = select(Installation.workspace_id, Installation.delete_at).where(
        Installation.state == InstallationState.UNINSTALLED, col(Installation.delete_at) <= now
    )
    found = session.exec(gone.order_by(col(Installation.delete_at))).all()
    return [workspace_id for workspace_id, delete_at in found if _is_past(delete_at, now)]


def _is_past(delete_at: datetime | None, now: datetime) -> bool:
    return delete_at is not None and delete_at != UNREADABLE_MOMENT and delete_at <= now


def spend_state(session: Session, digest: str, *, now: datetime) -> bool:
    """Note that a `state` came back from Slack; false where it did so before."""
    return once.insert(session, SpentState(hash=digest, at=now), unique="hash") is not None


def forget_states(session: Session, *, before: datetime) -> None:
    """Delete those that are too old to be taken anyway."""
    _changed(session, delete(SpentState).where(col(SpentState.at) < before))


def _changed(session: Session, statement: Any) -> bool:
    result = session.execute(statement, execution_options={"synchronize_session": False})
    return cast("CursorResult[Any]", result).rowcount == 1
