"""`mailroom run` as its own process: settings, one at a time, the end, and that secrets stay out of sight."""

import asyncio
import json
import os
import signal
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.__main__ import cli
from sandbox.slack import APP_TOKEN, BOT_TOKEN, MAIL, SIGNING_SECRET
from tests.flows.process import Bot, bot_process, environment
from tests.flows.stage import Mailroom

WRONG_SETTING = 2


WRONG: dict[str, tuple[str, dict[str, str | None], str]] = {
    "no bot token": ("SLACK_BOT_TOKEN", {"SLACK_BOT_TOKEN": None}, "OAuth & Permissions"),
    "empty bot token": ("SLACK_BOT_TOKEN", {"SLACK_BOT_TOKEN": ""}, "OAuth & Permissions"),
    "no app token": ("SLACK_APP_TOKEN", {"SLACK_APP_TOKEN": None}, "SLACK_SIGNING_SECRET"),
    "bot token as app token": ("SLACK_APP_TOKEN", {"SLACK_APP_TOKEN": BOT_TOKEN}, "xapp-"),
    "no URL": ("MAILAPI_URL", {"MAILAPI_URL": "mailapi.tech"}, "https://"),
    "no database URL": ("DATABASE_URL", {"DATABASE_URL": "mysql://x"}, "sqlite:///"),
    "port in words": ("MAILROOM_PORT", {"MAILROOM_PORT": "many"}, "integer"),
    "port too high": ("MAILROOM_PORT", {"MAILROOM_PORT": "70000"}, "65535"),
    "unknown log level": ("MAILROOM_LOG_LEVEL", {"MAILROOM_LOG_LEVEL": "LOUD"}, "DEBUG"),
    "bad encryption key": ("MAILROOM_ENCRYPTION_KEYS", {"MAILROOM_ENCRYPTION_KEYS": "abc"}, "keys generate"),
    "PostgreSQL without a key": (
        "MAILROOM_ENCRYPTION_KEYS",
        {"DATABASE_URL": "postgresql+psycopg://127.0.0.1:9/x"},
        "keys generate",
    ),
}


def test_a_setting_that_is_missing_or_wrong_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line itself, without the cost of a process for each."""
    for case, (name, changes, hint) in WRONG.items():
        with monkeypatch.context() as variables:
            for variable in [each for each in os.environ if each.startswith(("SLACK_", "MAILROOM_"))]:
                variables.delenv(variable)
            right: dict[str, str | None] = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
            for variable, value in {**right, **changes}.items():
                if value is not None:
                    variables.setenv(variable, value)
            result = CliRunner().invoke(cli, ["run"])
        assert result.exit_code == WRONG_SETTING, case
        assert result.stdout == "", case
        assert len(result.stderr.splitlines()) == 1, case
        assert result.stderr.startswith(name), case
        assert hint in result.stderr, case


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"SLACK_BOT_TOKEN": None}, "SLACK_BOT_TOKEN is missing"),
        ({"SLACK_BOT_TOKEN": "xoxb-nobody"}, "SLACK_BOT_TOKEN"),
    ],
    ids=["missing", "refused by Slack"],
)
async def test_a_wrong_setting_ends_the_process(outside: Mailroom, changes: dict[str, str | None], name: str) -> None:
    code, out, error = await (await Bot.start(environment(outside, **changes))).ended()
    assert (code, out) == (WRONG_SETTING, "")
    assert error.strip().splitlines()[-1].startswith(name)
    assert "Traceback" not in error
    assert "xoxb-" not in error.replace("begins with xoxb-", "")


async def test_over_http_a_port_that_is_taken_ends_the_start(outside: Mailroom) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        changes: dict[str, str | None] = {
            "SLACK_APP_TOKEN": None,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "MAILROOM_PORT": str(taken.getsockname()[1]),
        }
        code, _, error = await (await Bot.start(environment(outside, **changes))).ended()
    assert code == WRONG_SETTING
    assert error.strip().splitlines()[-1].startswith("MAILROOM_PORT")


async def test_in_socket_mode_a_port_that_is_taken_is_only_a_warning(outside: Mailroom) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with bot_process(outside, MAILROOM_PORT=str(taken.getsockname()[1])) as bot:
            assert (await outside.ben.types(MAIL, "/mail help")).ok
            bot.process.terminate()
            code, _, error = await bot.ended()
    assert code == 0
    assert "the port is taken" in error


async def test_a_second_run_on_the_same_file_is_refused(outside: Mailroom) -> None:
    async with bot_process(outside) as first:
        code, _, error = await (await Bot.start(environment(outside))).ended()
        assert code == WRONG_SETTING
        assert error.strip().splitlines()[-1].startswith("Another mailroom runs on mailroom.db already.")
        assert (await outside.ben.types(MAIL, "/mail help")).ok
        assert first.process.returncode is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_cleanly_and_what_was_acknowledged_is_kept(
    outside: Mailroom, number: signal.Signals
) -> None:
    await outside.mailapi.hold_queue()
    async with bot_process(outside) as bot:
        await outside.connected(outside.ana)
        assert (await outside.ben.types(MAIL, "/mail mailbox create john@example.com")).ok
        bot.process.send_signal(number)
        code, out, error = await bot.ended()
    assert (code, out) == (0, "")
    assert "Traceback" not in error
    await outside.mailapi.release_queue()
    async with outside.running():
        await outside.completed(outside.ben)
    assert await outside.mailapi.mailboxes() == {"john@example.com": 1}


async def test_a_process_that_is_killed_loses_nothing(outside: Mailroom) -> None:
    await outside.mailapi.hold_queue()
    async with bot_process(outside) as bot:
        await outside.connected(outside.ana)
        await outside.ben.types(MAIL, "/mail mailbox bulk example.com team 3")
        await outside.root(outside.ana, "MailAPI task")
        bot.process.kill()
        await bot.ended()
    await outside.mailapi.release_queue()
    async with outside.running():
        await outside.clock_ahead(seconds=31)
        await outside.completed(outside.ben)
        await outside.passes(seconds=15)
        (root,) = await outside.roots(outside.ana)
        await outside.root(outside.ana, "Done", "3 of 3")
        assert len(await outside.mailapi.creates()) == 1
        assert len(await outside.ana.reads_thread(MAIL, root.ts)) == 1


async def test_the_files_are_for_their_owner_alone(outside: Mailroom, tmp_path: Path) -> None:
    async with outside.running():
        assert (tmp_path / "mailroom.key").stat().st_mode & 0o777 == 0o600


async def test_at_its_usual_level_it_logs_few_lines_and_no_sql(outside: Mailroom) -> None:
    async with bot_process(outside) as bot:
        await outside.connected(outside.ana)
        await outside.ben.types(MAIL, "/mail mailbox create john@example.com")
        await outside.completed(outside.ben)
        bot.process.terminate()
        _, _, error = await bot.ended()
    lines = [json.loads(line) for line in error.splitlines()]
    assert len(lines) < 40
    assert [line["event"] for line in lines if "SELECT" in line["event"] or "COMMIT" in line["event"]] == []


async def test_a_start_that_waits_for_slack_still_ends_when_it_is_asked_to(outside: Mailroom, tmp_path: Path) -> None:
    asked = asyncio.Event()

    async def unavailable(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()
        asked.set()

    async with await asyncio.start_server(unavailable, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        database = f"sqlite:///{tmp_path}/waiting.db"
        changes = {"SLACK_API_URL": f"http://127.0.0.1:{port}/api/", "DATABASE_URL": database}
        bot = await Bot.start(environment(outside, **changes))
        async with asyncio.timeout(20):
            await asked.wait()
        bot.process.send_signal(signal.SIGTERM)
        code, _, error = await bot.ended()
    assert code == 0
    assert "Slack is out of reach" in error
