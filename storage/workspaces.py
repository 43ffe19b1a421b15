"""Workspaces: who installed the bot."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from storage import once
from storage.tables import Workspace


def installed(session: Session, workspace_id: str, *, name: str, bot_user_id: str, now: datetime) -> Workspace:
    """The workspace's row, made or brought up to date with what Slack says of it."""
    once.insert(session, Workspace(id=workspace_id, created_at=now), unique="id")
    workspace = session.get_one(Workspace, workspace_id)
    workspace.name, workspace.bot_user_id = name, bot_user_id
    session.add(workspace)
    session.flush()
    return workspace


def known(session: Session) -> Sequence[str]:
    """The ids of all workspaces, in order."""
    return session.exec(select(Workspace.id).order_by(Workspace.id)).all()


def lock(session: Session, workspace_id: str) -> None:
    """Hold the workspace's row until the transaction ends, so that what several rows decide is decided once.

    Where a request's row is held as well, that one is taken first: two transactions that take the same two rows in
    different orders would wait for each other. Rows that only refer to the workspace can be inserted meanwhile. On
    SQLite a transaction that writes has the whole database to itself.
    """
    if session.get_bind().dialect.name != "sqlite":
        session.exec(select(Workspace.id).where(Workspace.id == workspace_id).with_for_update(key_share=True))
