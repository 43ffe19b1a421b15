"""Encryption keys are changed on PostgreSQL, process by process, while commands are given all the time."""

from storage.database import Database
from storage.encryption import generate_key
from tests.flows.process import Bot, Printed, command, environment
from tests.flows.rotating import Work, encrypted, read_by, with_many_secrets
from tests.flows.stage import OTHER_KEY, Mailroom
from tests.processes.rows import without_gates

PROCESSES = 2
MANY = 400


class Fleet:
    """Two processes, which are renewed with other keys: new ones are there before old ones go."""

    def __init__(self, outside: Mailroom) -> None:
        self.outside = outside
        self.bots: list[Bot] = []

    async def renew(self, *keys: str) -> None:
        before, self.bots = self.bots, []
        variables = environment(self.outside, MAILROOM_ENCRYPTION_KEYS=",".join(keys), MAILROOM_SOCKET_CONNECTIONS="1")
        self.bots = [await Bot.start(variables) for _ in range(PROCESSES)]
        connected = len(before) + PROCESSES

        async def all_connected() -> bool:
            return await self.outside.slack.connections() >= connected

        await self.outside.slack.until(all_connected, seconds=60, what="a connection of each process")
        await self.end(before)

    async def end(self, bots: list[Bot]) -> None:
        for bot in bots:
            bot.process.terminate()
        for bot in bots:
            code, _, error = await bot.ended()
            assert code == 0, error
            for word in ("Traceback", "cannot be read", "an outage begins"):
                assert word not in error, error

    async def kill(self) -> None:
        for bot in self.bots:
            await bot.killed()


async def rotated(outside: Mailroom, *keys: str) -> Printed:
    printed = await command(outside, "keys", "rotate", MAILROOM_ENCRYPTION_KEYS=",".join(keys))
    assert not [key for key in keys if key in printed.out + printed.error]
    return printed


async def test_keys_are_changed_while_processes_work(outside: Mailroom, database: Database) -> None:
    old, new = generate_key(), generate_key()
    fleet, work = Fleet(outside), Work(outside)
    try:
        await fleet.renew(old)
        await outside.connected(outside.ana)
        await without_gates(database)
        await with_many_secrets(database, old, count=MANY)
        refused = await rotated(outside, new, old)
        assert refused.code == 1
        assert "Refused: 2 processes run (since" in refused.out
        assert "without the first key" in refused.out
        async with work.going_on():
            await fleet.renew(old, new)
            refused = await rotated(outside, new, old)
            assert refused.code == 1
            assert "would still encrypt with another one" in refused.out
            await fleet.renew(new, old)
        await outside.mailapi.add_account(OTHER_KEY, 123)
        await outside.connected(outside.ana, OTHER_KEY)
        async with work.going_on():
            done = await rotated(outside, new, old)
            await fleet.renew(new)
        assert done.code == 0, done.out
        assert " 0 left, 0 unreadable." in done.out
        await work.is_done()
        assert (await rotated(outside, new)).code == 0
        await fleet.end(fleet.bots)
    finally:
        await fleet.kill()
    stored = await encrypted(database)
    assert len(stored) > MANY
    assert (read_by(old, stored), read_by(new, stored)) == (0, len(stored))
