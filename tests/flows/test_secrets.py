"""Where secrets may stand, and where not."""

from pathlib import Path

from sandbox.slack import APP_TOKEN, BOT_TOKEN, MAIL
from tests.flows.process import bot_process
from tests.flows.stage import KEY, OTHER_KEY, Mailroom


def contents(folder: Path) -> dict[str, bytes]:
    """All files, among them what SQLite has not moved into the database yet."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_the_key_and_the_tokens_are_nowhere_but_where_they_belong(outside: Mailroom, tmp_path: Path) -> None:
    await outside.mailapi.add_account(OTHER_KEY, 123)
    await outside.mailapi.set_credentials("john@example.com", {"password": "hunter2hunter2"})
    async with bot_process(outside, MAILROOM_LOG_LEVEL="DEBUG") as bot:
        await outside.connected(outside.ana)
        await outside.connected(outside.ana, OTHER_KEY)
        await outside.connect(outside.ana, KEY, 999)
        await outside.direct(outside.ana, "was not connected")
        await outside.mailapi.fault("list_mailbox", "status", status=500)
        await outside.mailapi.fault("get_mailbox_single", "reset_before")
        await outside.mailapi.fault("create_mailbox_single", "status", status=422, reason=f"Bad key {OTHER_KEY}.")
        for name in ("kim", "john"):
            await outside.ben.types(MAIL, f"/mail mailbox create {name}@example.com")
        await outside.root(outside.ben, "Done")
        await outside.root(outside.ben, "Failed")
        for line in ("domain list", "mailbox list example.com", "task 1", "task 77", f"connect {KEY}"):
            await outside.ben.types(MAIL, f"/mail {line}")
        await outside.private(outside.ben, "1 mailbox")
        files = contents(tmp_path)
        assert {"mailroom.db", "mailroom.db-wal"} <= files.keys()
        bot.process.terminate()
        code, out, error = await bot.ended()
    assert code == 0
    files |= {f"{name} after the end": content for name, content in contents(tmp_path).items()}
    calls = str(await outside.slack.calls())
    acks = str([each.get("ack") for each in await outside.slack.envelopes()])
    assert '"level": "debug"' in error
    for secret in (KEY, OTHER_KEY, "hunter2hunter2"):
        assert secret not in calls
        assert secret not in acks
    for secret in (KEY, OTHER_KEY, BOT_TOKEN, APP_TOKEN, "hunter2hunter2"):
        assert secret not in error + out
        assert [name for name, content in files.items() if secret.encode() in content] == []
