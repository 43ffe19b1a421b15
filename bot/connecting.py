"""Connecting and disconnecting the workspace's MailAPI key."""

from functools import partial

from sqlmodel import Session

from bot import access
from bot.approvers import Outdated
from bot.attempts import Attempts
from bot.clock import Clock
from bot.errors import UserError
from bot.mailapi import Credentials
from bot.notices import owing
from bot.origin import Origin
from bot.texts import refusals, thread
from bot.worker.ending import end_call, give_up
from storage import calls, connections, installations, requests, seen, workspaces
from storage.database import Database
from storage.encryption import Vault
from storage.states import CallState
from storage.tables import Connection


class Connecting:
    """Writes keys down for the worker to check, and gives up the one in force."""

    def __init__(self, *, database: Database, attempts: Attempts, vault: Vault, clock: Clock) -> None:
        self._database = database
        self._attempts = attempts
        self._vault = vault
        self._clock = clock

    async def may_connect(self, origin: Origin) -> Connection | None:
        """Make sure that this person may connect a key; gives the connection in force. Raises `UserError`."""
        actor = await self._attempts.member(origin, "connect")
        found = await self._database.read(lambda session: connections.in_force(session, origin.workspace))
        if not access.may_connect(actor, connected_by=found.connected_by if found else None):
            said = refusals.not_your_key(found.connected_by if found else None)
            await self._attempts.refuse(origin, "connect", said, "not an admin")
        return found

    async def connect(self, credentials: Credentials, origin: Origin, *, view_id: str) -> None:
        """Write a key down, encrypted, to be checked by the worker. Raises `UserError`."""
        await self.may_connect(origin)
        row = origin.deduplication_key
        connection = Connection(
            workspace_id=origin.workspace,
            secret=connections.sealed(self._vault, credentials.key, workspace=origin.workspace, row=row),
            caller_id=credentials.caller_id,
            last_four=credentials.last_four,
            connected_by=origin.person,
            view_id=view_id,
            deduplication_key=row,
            created_at=self._clock(),
            due_at=self._clock(),
        )
        refusal = await self._database.write(partial(self._connect, connection, origin))
        if refusal is not None:
            raise refusal

    def _connect(self, connection: Connection, origin: Origin, session: Session) -> UserError | None:
        """Write it down once, and not where the bot was removed: what was erased there stays so."""
        workspaces.lock(session, origin.workspace)
        if installations.is_over(session, origin.workspace):
            return self._attempts.refused(session, origin, "connect", UserError(refusals.REMOVED), "not installed")
        if connections.by_key(session, origin.workspace, origin.deduplication_key) is None:
            connections.add(session, connection)
            self._attempts.note(session, origin, "connect", "asked", f"connection:{connection.id}")
        return None

    async def disconnect(self, origin: Origin, shown: int | None) -> str:
        """Give up the connection that was `shown`, if it is in force; gives its last four characters.

        Raises `UserError`, also where nobody knows any more what was shown.
        """
        checked = await self.may_connect(origin)
        if shown is None:
            await self._attempts.refuse(origin, "disconnect", refusals.OLD_FORM, "unreadable")
        try:
            return await self._database.write(partial(self._disconnect, origin, shown, checked))
        except Outdated:
            subject = f"connection:{shown}"
            await self._attempts.refuse(origin, "disconnect", refusals.KEY_REPLACED, "another key", subject)

    def _disconnect(self, origin: Origin, shown: int, checked: Connection | None, session: Session) -> str:
        """As above; raises `Outdated` where another key is in force than the one that he may give up."""
        if not seen.first_time(session, origin.workspace, origin.deduplication_key, now=self._clock()):
            return connections.given_up_last(session, origin.workspace)
        connection = connections.in_force(session, origin.workspace)
        if connection is None:
            raise UserError(refusals.NOT_CONNECTED, connect=True)
        if checked is None or not connection.id == checked.id == shown:
            raise Outdated
        now = self._clock()
        # All of them before the workspace, which the first one that ends locks: two would wait for each other else.
        for request in requests.lock_open(session, origin.workspace):
            if give_up(session, request, thread.DISCONNECTED, by=origin.person, now=now):
                self._attempts.note(
                    session, origin, request.kind, "cancelled", f"request:{request.id}", why="disconnected"
                )
                owing.thread(session, request, "disconnected", thread.never_sent(request.asker, origin.person), now=now)
        for call in calls.unsent(session, origin.workspace):
            end_call(session, call, call.state, CallState.CANCELLED, now=now, reason=thread.DISCONNECTED)
        workspaces.lock(session, origin.workspace)  # before the connection's row, as everywhere
        if not connections.give_up(session, connection):
            raise Outdated  # and nothing of the above has happened
        self._attempts.note(session, origin, "disconnect", "done", f"connection:{connection.id}")
        return connection.last_four
