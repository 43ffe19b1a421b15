"""The rows that processes share, as a test lays them down and looks at them."""

from datetime import UTC, datetime

from sqlmodel import Session

from bot.policy import Gate, Policy
from sandbox.slack.identity import TEAM
from storage import policies
from storage.database import Database


async def without_gates(database: Database) -> None:
    """Let everybody create everything at once, for what is not about approvals."""
    stored = Policy(domains=Gate.NONE, subdomains=Gate.NONE, mailboxes=Gate.NONE, threshold=None).stored()

    def change(session: Session) -> None:
        policies.change(session, TEAM, stored, after=0, by="U0", key="without gates", now=datetime.now(UTC))

    await database.write(change)
