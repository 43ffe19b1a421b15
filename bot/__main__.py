"""The `mailroom` command line."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, NoReturn, TypeVar

import structlog
import typer
from rich.console import Console

from bot import demo, doctor, key_rotation, logs, manifest, verification
from bot import settings as configuration
from bot.app import running
from bot.doctor import report
from bot.doctor.finding import Verdict
from bot.lock import AlreadyRunning, only_one
from bot.settings import Settings, SettingsError
from storage import schema
from storage.database import DatabaseUnavailable
from storage.encryption import generate_key
from storage.engines import engine_for

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

BROKEN = 1
WRONG_SETTING = 2

cli = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Mail domains and mailboxes, provisioned from Slack."
)
database = typer.Typer(no_args_is_help=True, help="The database's schema.")
keys = typer.Typer(no_args_is_help=True, help="The keys with which secrets are encrypted.")
audit = typer.Typer(no_args_is_help=True, help="Who did, decided or was refused what.")
cli.add_typer(audit, name="audit")
cli.add_typer(database, name="db")
cli.add_typer(keys, name="keys")
cli.add_typer(demo.sandboxes, name="sandbox")
cli.command(name="demo")(demo.demo)


@cli.command()
def run() -> None:
    """Run the bot until it is told to stop (SIGTERM or Ctrl-C)."""
    settings = _settings(configuration.read)
    logs.configure(settings.mailroom_log_level, settings.mailroom_log_format, settings.secrets())
    try:
        with only_one(settings.sqlite_file):
            _loop(_run(settings))
    except (SettingsError, AlreadyRunning) as error:
        _end(str(error))
    except DatabaseUnavailable as error:
        _end(_unusable(error))
    except Exception:  # logged, since what the interpreter would show has not been redacted
        log.exception("the bot has ended with an error that nobody foresaw")
        raise typer.Exit(BROKEN) from None


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    started = asyncio.Event()
    working = asyncio.create_task(_work(settings, started, stop))
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait([working, asked], return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if not started.is_set():
        working.cancel()  # a start that waits for Slack waits no longer
    with contextlib.suppress(asyncio.CancelledError):
        await working


async def _work(settings: Settings, started: asyncio.Event, stop: asyncio.Event) -> None:
    async with running(settings):
        started.set()
        await stop.wait()


@cli.command(name="doctor")
def examine(
    *,
    as_json: Annotated[
        bool, typer.Option("--json/--no-json", help="Print what was found as JSON, for machines.")
    ] = False,
) -> None:
    """Look at everything that the bot needs, and say what is wrong and what to do; works beside a running bot.

    Ends with exit code 0 when nothing is wrong, 1 when something is, and 2 for a setting that is missing or wrong.
    """
    try:
        settings = configuration.read()
    except SettingsError as error:
        if as_json:
            typer.echo(report.as_json([doctor.unsettled(str(error))]))
        _end(str(error))
    logs.configure("ERROR", settings.mailroom_log_format, settings.secrets())
    findings = _loop(doctor.examine(settings))
    if as_json:
        typer.echo(report.as_json(findings))
    else:
        report.show(findings, Console())
    if any(each.verdict is Verdict.WRONG for each in findings):
        raise typer.Exit(BROKEN)


@database.command()
def upgrade() -> None:
    """Bring the database up to date."""
    engine = engine_for(_settings(configuration.load).database_url)
    try:
        revision = schema.upgrade(engine)
    except DatabaseUnavailable as error:
        _end(_unusable(error))
    finally:
        engine.dispose()
    typer.echo(f"The database is at revision {revision}.")


@keys.command()
def generate(
    *,
    into_file: Annotated[
        bool,
        typer.Option(
            "--into-file", help="Put it in front of those in the key file beside SQLite; print nothing of it."
        ),
    ] = False,
) -> None:
    """Make a key for MAILROOM_ENCRYPTION_KEYS, or for the key file."""
    if not into_file:
        typer.echo(generate_key())
        return
    try:
        file = key_rotation.put_first(_settings(configuration.load), generate_key())
    except SettingsError as error:
        _end(str(error))
    typer.echo(f"{file} begins with a new key. Start the bot again, and then run `mailroom keys rotate`.")


@keys.command()
def rotate() -> None:
    """Encrypt what is stored with the first key, so that the others can be taken away; works beside a running bot.

    Ends with exit code 0 when nothing needs another key, 1 when something is left or unreadable, and 2 for a setting
    that is missing or wrong.
    """
    settings = _settings(configuration.load)
    try:
        outcome = _loop(key_rotation.rotate(settings))
    except DatabaseUnavailable as error:
        _end(_unusable(error))
    except SettingsError as error:
        _end(str(error))
    for line in key_rotation.lines(outcome, str(settings.key_file or "MAILROOM_ENCRYPTION_KEYS")):
        typer.echo(line)
    if not outcome.whole:
        raise typer.Exit(BROKEN)


@audit.command()
def verify(
    workspace: Annotated[str | None, typer.Option(help="The workspace's id; without it: all of them.")] = None,
    head: Annotated[
        str | None, typer.Option(help="SEQ:HASH as it was logged earlier: this entry has to be there as it was.")
    ] = None,
) -> None:
    """Find the first entry that was changed, removed or put in, and whether the end was cut off."""
    settings = _settings(configuration.load)
    try:
        found = _loop(verification.verify(settings, workspace, head))
    except DatabaseUnavailable as error:
        _end(_unusable(error))
    except SettingsError as error:
        _end(str(error))
    for each, verdict in found.items():
        typer.echo(verification.line(each, verdict))
    if not all(verdict.whole for verdict in found.values()):
        raise typer.Exit(BROKEN)


@cli.command(name="manifest")
def show_manifest(
    url: Annotated[
        str | None, typer.Option(help="Where Slack reaches the bot over HTTP; without it: Socket Mode.")
    ] = None,
    *,
    many_workspaces: Annotated[
        bool, typer.Option("--many-workspaces", help="Others install the app by themselves, at the address of --url.")
    ] = False,
) -> None:
    """Print the app manifest to paste into Slack."""
    if many_workspaces and url is None:
        _end("--url is missing: many workspaces are served over HTTP, so Slack has to know where it reaches the bot.")
    typer.echo(manifest.text(url, many_workspaces=many_workspaces), nl=False)


def _settings(read: Callable[[], Settings]) -> Settings:
    try:
        return read()
    except SettingsError as error:
        _end(str(error))


def _unusable(error: DatabaseUnavailable) -> str:
    return f"DATABASE_URL cannot be used: {str(error).rstrip('.')}."


def _end(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(WRONG_SETTING)


def _loop(work: Coroutine[Any, Any, Result]) -> Result:
    """Run on uvloop where there is one."""
    if sys.platform == "win32":
        return asyncio.run(work)
    import uvloop  # noqa: PLC0415 - not on every platform

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def main() -> None:
    """Run the command line."""
    cli()


if __name__ == "__main__":
    main()
