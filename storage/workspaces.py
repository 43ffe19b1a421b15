"""Workspaces: who installed the bot."""

from datetime import datetime

from sqlmodel import Session

from storage.tables import Workspace


def installed(session: Session, workspace_id: str, *, name: str, bot_user_id: str, now: datetime) -> Workspace:
    """The workspace's row, made or brought up to date with what Slack says of it."""
    workspace = session.get(Workspace, workspace_id)
    if workspace is None:
        workspace = Workspace(id=workspace_id, created_at=now)
    workspace.name, workspace.bot_user_id = name, bot_user_id
    session.add(workspace)
    session.flush()
    return workspace


def lock(session: Session, workspace_id: str) -> None:
    """Hold the workspace's row until the transaction ends, so that what several rows decide is decided once."""
    session.get(Workspace, workspace_id, with_for_update=True)
