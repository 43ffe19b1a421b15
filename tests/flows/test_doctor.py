"""`mailroom doctor` beside the bot, for each kind of trouble: it says what is wrong and what to do, and no secret."""

import asyncio
import json
import os
import signal
import socket
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from bot import app, doctor
from bot.clock import utc_now
from bot.doctor.finding import Finding, Verdict
from bot.settings import Settings, load
from sandbox.slack import APP_TOKEN, BOT_TOKEN, MAIL
from storage import processes, schema
from storage.encryption import Vault, fingerprint, generate_key
from storage.engines import engine_for
from storage.tables import NAMING, Process
from tests.flows.breaking import execute
from tests.flows.places import ELSEWHERE, LUMEN, moves_in
from tests.flows.process import Printed, bot_process, command
from tests.flows.stage import KEY, Mailroom

CHECKS = [
    "Settings",
    "Database",
    "Encryption keys",
    "Slack token",
    "Slack app token",
    "Slack scopes",
    "Channels",
    "Clock",
    "MailAPI",
    "MailAPI key",
    "Running bot",
]


@dataclass
class Found:
    """What came out of it."""

    findings: list[Finding]

    def of(self, verdict: Verdict) -> list[str]:
        return [each.check for each in self.findings if each.verdict is verdict]

    def wrong(self, check: str) -> Finding:
        """The one thing that is wrong, which has an advice."""
        assert self.of(Verdict.WRONG) == [check], self.findings
        (found,) = [each for each in self.findings if each.check == check]
        assert found.advice
        return found


@dataclass
class Doctor:
    """The doctor, with the settings of a bot that may run."""

    settings: Settings
    mailroom: Mailroom

    async def finds(self, **changes: Any) -> Found:
        """What it finds where these settings are other ones."""
        return Found(await doctor.examine(load(**{**self.settings.model_dump(), **changes})))

    async def prints(self, *options: str, **changes: str | None) -> Printed:
        """What the command prints, in a process of its own."""
        changes = {"MAILROOM_PORT": str(self.settings.mailroom_port), "COLUMNS": "200", **changes}
        return await command(self.mailroom, "doctor", *options, **changes)


def read(printed: Printed) -> Found:
    """What it printed as JSON."""
    return Found([Finding(**{**each, "verdict": Verdict(each["verdict"])}) for each in json.loads(printed.out)])


def doctor_of(mailroom: Mailroom, port: int = 0) -> Doctor:
    return Doctor(load(**{**mailroom.settings.model_dump(), "mailroom_port": port}), mailroom)


@pytest_asyncio.fixture
async def beside(mailroom: Mailroom) -> Doctor:
    """The doctor beside a bot that works."""
    assert mailroom.bot is not None
    assert mailroom.bot.url is not None
    return doctor_of(mailroom, urlsplit(mailroom.bot.url).port or 0)


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


async def test_where_all_is_fine_each_line_says_so_and_the_exit_code_is_0(beside: Doctor) -> None:
    printed = await beside.prints("--json")
    assert (printed.code, printed.error) == (0, "")
    found = read(printed)
    assert found.of(Verdict.FINE) == CHECKS == [each.check for each in found.findings]


async def test_what_is_wrong_is_marked_by_words_and_says_what_to_do_and_no_secret(
    beside: Doctor, tmp_path: Path
) -> None:
    await beside.mailroom.mailapi.forget_key(KEY)
    printed = await beside.prints(SLACK_APP_TOKEN="xapp-nobody")
    assert printed.code == 1
    assert "✓ fine" in printed.out
    assert "✗ wrong" in printed.out
    assert "→ Make one with the scope connections:write" in printed.out
    assert "2 wrong." in printed.out
    for secret in (KEY, BOT_TOKEN, APP_TOKEN, "xapp-nobody", (tmp_path / "mailroom.key").read_text().strip()):
        assert secret not in printed.out + printed.error


async def test_a_setting_that_is_missing_ends_it_with_2(outside: Mailroom) -> None:
    printed = await doctor_of(outside).prints(SLACK_BOT_TOKEN=None)
    assert (printed.code, printed.out) == (2, "")
    assert printed.error.startswith("SLACK_BOT_TOKEN is missing")


async def test_a_setting_that_is_missing_is_told_to_machines_too(outside: Mailroom) -> None:
    printed = await doctor_of(outside).prints("--json", SLACK_BOT_TOKEN=None)
    assert printed.code == 2
    assert "SLACK_BOT_TOKEN is missing" in read(printed).wrong("Settings").found


async def test_a_wrong_token(beside: Doctor) -> None:
    told = await beside.finds(slack_bot_token="xoxb-nobody")
    assert "invalid_auth" in told.wrong("Slack token").found
    assert told.of(Verdict.UNKNOWN) == ["Slack scopes", "Channels", "Clock"]


async def test_a_wrong_app_token(beside: Doctor) -> None:
    told = await beside.finds(slack_app_token="xapp-nobody")
    assert "SLACK_APP_TOKEN" in told.wrong("Slack app token").advice


async def test_slack_out_of_reach(beside: Doctor) -> None:
    told = await beside.finds(slack_api_url=f"http://127.0.0.1:{closed_port()}/api")
    assert "SLACK_API_URL" in told.wrong("Slack token").advice


async def test_a_missing_scope(beside: Doctor) -> None:
    await beside.mailroom.slack.set_scopes("app_mentions:read", "channels:read", "chat:write", "commands", "im:write")
    told = await beside.finds()
    found = told.wrong("Slack scopes")
    assert "files:write, groups:read, usergroups:read, users:read" in found.found
    assert "mailroom manifest" in found.advice


async def test_no_channel(beside: Doctor) -> None:
    await beside.mailroom.slack.remove_bot(MAIL)
    assert "/invite @mailroom" in (await beside.finds()).wrong("Channels").advice


async def test_a_channel_in_which_something_is_under_way_without_the_bot(beside: Doctor) -> None:
    mailroom = beside.mailroom
    await mailroom.mailapi.hold_queue()
    await mailroom.ben.types(MAIL, "/mail mailbox create john@example.com")
    await mailroom.root(mailroom.ana, "MailAPI task")
    await mailroom.slack.add_channel("C0OTHER001", "other", bot=True)
    await mailroom.slack.remove_bot(MAIL)
    assert MAIL in (await beside.finds()).wrong("Channels").found
    await mailroom.mailapi.release_queue()


async def test_a_wrong_encryption_key(beside: Doctor) -> None:
    told = await beside.finds(mailroom_encryption_keys=generate_key())
    assert "cannot be read" in told.wrong("Encryption keys").found
    assert told.of(Verdict.UNKNOWN) == ["MailAPI key"]


async def test_a_key_file_that_is_gone_or_open_to_others(beside: Doctor, tmp_path: Path) -> None:
    file = tmp_path / "mailroom.key"
    file.chmod(0o644)
    assert "chmod 600" in (await beside.finds()).wrong("Encryption keys").advice
    file.unlink()
    assert "no key file" in (await beside.finds()).wrong("Encryption keys").found
    assert not file.exists()


async def another_process(mailroom: Mailroom, *keys: str) -> None:
    """One that knows these encryption keys says that it is alive."""
    names = [fingerprint(key) for key in keys]
    process = Process(id="another", started_at=mailroom.clock(), version="1", fingerprints=names)
    assert mailroom.bot is not None
    await mailroom.bot.database.write(partial(processes.seen, process=process, now=mailroom.clock()))


async def test_how_many_processes_run(beside: Doctor, tmp_path: Path) -> None:
    (bot,) = [each for each in (await beside.finds()).findings if each.check == "Running bot"]
    assert bot.found.endswith("1 process runs on this database")
    await another_process(beside.mailroom, (tmp_path / "mailroom.key").read_text())
    told = await beside.finds(mailroom_port=closed_port())
    assert told.wrong("Running bot").found.endswith("; 2 processes run on this database.")


async def test_processes_that_cannot_read_what_others_encrypt(beside: Doctor) -> None:
    await another_process(beside.mailroom, generate_key())
    found = (await beside.finds()).wrong("Encryption keys")
    assert found.found == "What one process encrypts, 2 of 2 that run cannot read."
    assert "the same keys" in found.advice


async def test_processes_in_the_middle_of_a_change_of_keys_are_no_trouble(beside: Doctor, tmp_path: Path) -> None:
    await another_process(beside.mailroom, (tmp_path / "mailroom.key").read_text().strip(), generate_key())
    told = await beside.finds()
    assert told.of(Verdict.WRONG) == []
    (keys,) = [each for each in told.findings if each.check == "Encryption keys"]
    assert keys.found == "they read 1 stored MailAPI key; 1 running process has other keys, or another order"


async def test_mailapi_out_of_reach(beside: Doctor) -> None:
    told = await beside.finds(mailapi_url=f"http://127.0.0.1:{closed_port()}/api")
    assert "MAILAPI_URL" in told.wrong("MailAPI").advice


async def test_mailapi_that_fails(beside: Doctor) -> None:
    await beside.mailroom.mailapi.fault("any", "status", times=None, status=503)
    assert "503" in (await beside.finds()).wrong("MailAPI").found


async def test_a_key_that_mailapi_refuses(beside: Doctor) -> None:
    await beside.mailroom.mailapi.forget_key(KEY)
    found = (await beside.finds()).wrong("MailAPI key")
    assert KEY[-4:] in found.found
    assert "/mail connect" in found.advice


@pytest.mark.parametrize(("minutes", "words"), [(10, "ahead of"), (-10, "behind")])
async def test_a_clock_that_is_off(beside: Doctor, minutes: int, words: str) -> None:
    findings = await doctor.examine(beside.settings, clock=lambda: utc_now() + timedelta(minutes=minutes, seconds=0.5))
    (found,) = [each for each in findings if each.verdict is Verdict.WRONG]
    assert found.check == "Clock"
    assert words in found.found
    assert "NTP" in found.advice


async def test_no_bot_that_runs(beside: Doctor) -> None:
    told = await beside.finds(mailroom_port=closed_port())
    assert "mailroom run" in told.wrong("Running bot").advice


async def test_another_program_on_the_port(beside: Doctor) -> None:
    told = await beside.finds(mailroom_port=urlsplit(beside.settings.slack_api_url).port)
    assert "Something else" in told.wrong("Running bot").found


async def test_a_scheduler_that_stands_still(beside: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = beside.mailroom.bot
    assert bot is not None
    monkeypatch.setattr(app, "STANDSTILL_SECONDS", 0.5)
    await bot.worker.stop(0)

    async def noticed() -> bool:
        return "scheduler" in await bot.causes()

    await beside.mailroom.until(noticed, "the cause “scheduler”")
    assert "scheduler: no tick for" in (await beside.finds()).wrong("Running bot").found


async def test_a_bot_that_hangs(outside: Mailroom) -> None:
    port = closed_port()
    async with bot_process(outside, MAILROOM_PORT=str(port)) as bot:
        await outside.connected(outside.ana)
        bot.process.send_signal(signal.SIGSTOP)
        told = await doctor_of(outside, port).finds()
        bot.process.send_signal(signal.SIGCONT)
    assert "does not answer within" in told.wrong("Running bot").found


async def test_a_database_from_an_older_and_from_a_newer_version(outside: Mailroom) -> None:
    async with outside.running():
        await outside.connected(outside.ana)
    engine = engine_for(outside.settings.database_url)
    says = doctor_of(outside).finds
    schema.downgrade(engine, "0004")
    told = await says()
    assert "mailroom db upgrade" in told.wrong("Database").advice
    assert told.of(Verdict.UNKNOWN) == ["Encryption keys", "MailAPI key", "Running bot"]
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    assert "newer" in (await says()).wrong("Database").found


async def test_no_database_yet_and_none_is_made(outside: Mailroom, tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "mailroom.db").unlink)
    told = await doctor_of(outside).finds()
    assert "mailroom run" in told.wrong("Database").advice
    assert await asyncio.to_thread(os.listdir, tmp_path) == []


async def test_a_database_out_of_reach(outside: Mailroom) -> None:
    url = f"postgresql+psycopg://mailroom:hidden-word@127.0.0.1:{closed_port()}/mailroom"
    told = await doctor_of(outside).finds(database_url=url, mailroom_encryption_keys=generate_key())
    assert "DATABASE_URL" in told.wrong("Database").advice
    assert "hidden-word" not in str(told.findings)


async def test_a_workspace_without_a_key(outside: Mailroom) -> None:
    async with outside.running():
        told = await doctor_of(outside).finds()
    assert "/mail connect" in told.wrong("MailAPI key").advice


async def test_each_workspaces_token_is_looked_at_where_many_have_installed_it(many: Mailroom) -> None:
    await many.slack.app.rotate_tokens()
    nobody = await looked(many)
    assert nobody.of(Verdict.WRONG) == ["Slack token", "MailAPI key"]
    await moves_in(many, LUMEN)
    await moves_in(many, ELSEWHERE)
    found = await looked(many)
    assert found.of(Verdict.WRONG) == []
    assert [each.found for each in found.findings if each.check == "Slack token"] == [
        f"that of {LUMEN.id} works",
        f"that of {ELSEWHERE.id} works",
    ]
    await many.slack.app.uninstall(ELSEWHERE.id, told=())
    (refused,) = [each for each in (await looked(many)).findings if each.verdict is Verdict.WRONG]
    assert ELSEWHERE.id in refused.found
    assert "/slack/install" in refused.advice
    await many.passes(hours=13)
    assert [each.found for each in (await looked(many)).findings if each.check == "Slack token"] == [
        f"that of {workspace} is over, and is exchanged when it is needed next"
        for workspace in (LUMEN.id, ELSEWHERE.id)
    ]


@pytest.mark.parametrize(
    ("column", "named"),
    [("bot_token", "Slack token"), ("refresh_token", "Slack refresh token"), ("secret", "MailAPI key")],
)
async def test_what_the_encryption_keys_do_not_read_is_named_with_its_workspace(
    many: Mailroom, column: str, named: str
) -> None:
    await many.slack.app.rotate_tokens()
    await moves_in(many, LUMEN)
    await moves_in(many, ELSEWHERE)
    (keys,) = [each for each in (await looked(many)).findings if each.check == "Encryption keys"]
    assert keys.found == "they read 2 stored MailAPI keys, 2 stored Slack tokens, 2 stored Slack refresh tokens"
    table = NAMING.tables["connection" if column == "secret" else "installation"]
    lost = Vault([generate_key()]).seal("x", workspace=ELSEWHERE.id, purpose="any")
    changed = table.update().where(table.c.workspace_id == ELSEWHERE.id).values({column: lost})
    assert many.bot is not None
    await many.bot.database.write(lambda session: session.execute(changed))
    found = (await looked(many)).wrong("Encryption keys")
    assert found.found == f"The stored {named} of {ELSEWHERE.id} cannot be read."
    assert "/mail connect" in found.advice
    assert f"install the bot there again, at {many.settings.install_url}" in found.advice


async def test_a_token_that_is_over_and_cannot_be_exchanged_is_not_called_fine(many: Mailroom) -> None:
    await many.slack.app.rotate_tokens()
    await moves_in(many, LUMEN)
    await execute(many, "UPDATE installation SET refresh_token = 'unreadable'")
    await many.clock_ahead(hours=13)
    told = await looked(many)
    told.wrong("Encryption keys")
    assert "Slack token" in told.of(Verdict.UNKNOWN)


async def looked(many: Mailroom) -> Found:
    return Found(await doctor.examine(many.settings, clock=many.clock))
