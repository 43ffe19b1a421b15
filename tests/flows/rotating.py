"""What tests of changed encryption keys share: work that goes on meanwhile, and a look at all that is stored."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import select
from sqlmodel import Session

from sandbox.slack import MAIL, Message
from storage import connections
from storage.database import Database
from storage.encryption import Vault
from storage.states import ConnectionState
from storage.tables import NAMING, Connection, Workspace
from tests.flows.stage import Mailroom

ELSEWHERE = "T0ELSEWHERE"
_ENCRYPTED = re.compile(r"gAAAAA[A-Za-z0-9_-]{60,}={0,2}")


async def with_many_secrets(database: Database, key: str, *, count: int = 400) -> None:
    """Another workspace with so many keys that it takes a while to encrypt them anew."""
    vault, now = Vault([key]), datetime.now(UTC)

    def add(session: Session) -> None:
        session.add(Workspace(id=ELSEWHERE, created_at=now))
        session.flush()
        for number in range(count):
            secret = vault.seal(f"secret {number}", workspace=ELSEWHERE, purpose=connections.PURPOSE)
            session.add(
                Connection(
                    workspace_id=ELSEWHERE,
                    state=ConnectionState.REPLACED,
                    secret=secret,
                    caller_id=1,
                    last_four="0000",
                    connected_by="U1",
                    deduplication_key=f"elsewhere:{number}",
                    created_at=now,
                )
            )

    await database.write(add)


async def encrypted(database: Database) -> list[str]:
    """All that any row of any table holds and that was encrypted."""

    def look(session: Session) -> list[str]:
        rows = [row for table in NAMING.sorted_tables for row in session.execute(select(table)).all()]
        return [found for row in rows for value in row for found in _ENCRYPTED.findall(str(value))]

    return await database.read(look)


def read_by(key: str, stored: list[str]) -> int:
    """How many of them this key decrypts."""
    return sum(_decrypts(Fernet(key), each) for each in stored)


def _decrypts(fernet: Fernet, stored: str) -> bool:
    try:
        fernet.decrypt(stored)
    except InvalidToken:
        return False
    return True


@dataclass
class Work:
    """Commands that are given one after the other, each of which has to be acknowledged and answered."""

    mailroom: Mailroom
    asked: list[str] = field(default_factory=list)
    answered: int = 0

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Commands are given for as long as the block lasts, and at least a few."""
        before, over = self.answered, asyncio.Event()
        giving = asyncio.create_task(self._until(over))
        try:
            yield
            await self.mailroom.until(lambda: self._came(before + 3, giving), "a few commands")
        finally:
            over.set()
            await giving

    async def _came(self, count: int, giving: "asyncio.Task[None]") -> bool:
        return self.answered >= count or giving.done()

    async def _until(self, over: asyncio.Event) -> None:
        """A request, then questions for which MailAPI is asked with the key; not more than a person may in a minute."""
        await self._asks_for(f"user{len(self.asked)}@example.com")
        for _ in range(120):
            if not over.is_set():
                await self._question()

    async def _asks_for(self, address: str) -> None:
        told = await self.mailroom.ben.types(MAIL, f"/mail mailbox create {address}")
        assert told.ok, told
        assert "Asked for" in told.text, told
        self.asked.append(address)

    async def _question(self) -> None:
        before = await self._private()
        told = await self.mailroom.ben.types(MAIL, "/mail domain list")
        assert told.ok, told

        async def answer() -> Message | None:
            new = (await self._private())[len(before) :]
            return new[-1] if new else None

        found = await self.mailroom.slack.until(answer, what="an answer")
        assert "example.com" in found.visible, found.visible
        self.answered += 1

    async def _private(self) -> list[Message]:
        return [each for each in await self.mailroom.ben.sees(MAIL) if each.ephemeral]

    async def is_done(self) -> None:
        """Wait until everything that was asked for is there, once each, and was told."""
        await self.mailroom.exists(*self.asked)

        async def told() -> bool:
            roots = await self.mailroom.roots(self.mailroom.ana)
            return sum("Done" in root.visible for root in roots) >= len(self.asked)

        await self.mailroom.slack.until(told, seconds=30, what="all of it told")
