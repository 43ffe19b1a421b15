"""Databases with as many pending calls as are asked for."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, text
from sqlmodel import Session

from sandbox.slack.identity import TEAM
from storage import calls, requests, workspaces
from storage.engines import writing
from storage.states import CallState, RequestState
from storage.tables import Call, Request

BATCH = 100

_COPY = """
WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < :copies)
INSERT INTO call ({columns}) SELECT {columns} FROM call, numbers WHERE call.id = :pattern
"""


def begin(engine: Engine, now: datetime) -> int:
    """A workspace with a request; gives the request's id."""
    with Session(writing(engine)) as session, session.begin():
        workspaces.installed(session, workspace_id=TEAM, name="Lumen", bot_user_id="U0MAILROOM", now=now)
        request = Request(
            workspace_id=TEAM,
            kind="mailbox_create",
            parameters={"domain": "example.com", "local_part": "m"},
            state=RequestState.RUNNING,
            asker="U0ANA00001",
            asked_in="C0MAIL0001",
            home_channel="C0MAIL0001",
            deduplication_key="benchmark",
            created_at=now,
        )
        return requests.add(session, request).id


def add_accepted(
    engine: Engine, request: int, count: int, *, due_at: datetime, connection: int | None = None, task: int = 1
) -> None:
    """So many calls that MailAPI has taken, to be looked at from `due_at` on."""
    with Session(writing(engine)) as session, session.begin():
        pattern = calls.add(
            session,
            Call(
                workspace_id=TEAM,
                request_id=request,
                kind="mailbox_create",
                parameters={"domain": "example.com", "local_part": "m"},
                domain="example.com",
                names=["m@example.com"],
                state=CallState.ACCEPTED,
                task_id=task,
                connection_id=connection,
                created_at=due_at,
                sent_at=due_at - timedelta(hours=1),
                watch_until=due_at + timedelta(hours=23),
                due_at=due_at,
            ),
        )
        if count > 1:
            columns = ", ".join(column.name for column in Call.__table__.columns if column.name != "id")  # type: ignore[attr-defined]
            session.execute(text(_COPY.format(columns=columns)), {"copies": count - 1, "pattern": pattern.id})
