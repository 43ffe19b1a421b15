"""Logging: structured, on standard error, without secrets, with the libraries that would log them capped."""

import logging
import sys
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Any, Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

from bot.redaction import Redactor

CAPPED_AT_WARNING = (
    "httpx",
    "httpcore",
    "websockets",
    "aiohttp",
    "uvicorn.access",
    "apscheduler",
    "alembic",
    "sqlalchemy",
)
"""At INFO these log addresses, or every statement."""
CAPPED_AT_INFO = ("slack_bolt", "slack_sdk", "asyncio", "uvicorn")
"""At DEBUG these log whole payloads, URLs and tickets, so they are capped whatever our own level is."""


class _Handler(logging.StreamHandler[Any]):
    """Says of a line that cannot be written whose it was; what it held stays unsaid, since nothing has redacted it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Instead of the line with all its arguments, as `logging` would show it."""
        self.stream.write(f"a log line of {record.name} could not be written\n")


def configure(level: str, form: Literal["console", "json"], secrets: Collection[str] = ()) -> None:
    """Send our log lines and the libraries' to standard error in one form, none of them with a secret.

    `secrets` are those of this process, which are found whatever they look like.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # Tracebacks become text first, and the redactor comes last but one: it sees all that will be written.
    last: list[structlog.typing.Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _Redacting(Redactor(secrets)),
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
    handler = _Handler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last))
    handler.addFilter(_capped)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    _quieten(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def about(row: Any) -> AbstractContextManager[None]:
    """Let every line that is logged in this block say which row it is about, and which request and workspace."""
    ids = {type(row).__name__.lower(): row.id, "workspace": row.workspace_id}
    request = getattr(row, "request_id", None)
    return structlog.contextvars.bound_contextvars(**({"request": request} if request else {}), **ids)


class _Redacting:
    """Takes secrets out of a line, and from INFO on the local parts of mail addresses: DEBUG is for looking closely."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        level = str(line.get("level", "")).upper()
        addresses = logging.getLevelNamesMapping().get(level, logging.INFO) >= logging.INFO
        redacted: EventDict = self._redactor.value(line, addresses=addresses)
        return redacted


def _capped(record: logging.LogRecord) -> bool:
    """Whether a record may be written, whatever level its logger has: Bolt gives each of its own the root's."""
    if _within(record.name, CAPPED_AT_WARNING):
        return record.levelno >= logging.WARNING
    return record.levelno >= logging.INFO or not _within(record.name, CAPPED_AT_INFO)


def _within(name: str, families: tuple[str, ...]) -> bool:
    return any(name == family or name.startswith(f"{family}.") for family in families)


def _quieten(level: str) -> None:
    """Let the libraries not even put together what would not be written."""
    ours = logging.getLevelNamesMapping()[level]
    for families, least in ((CAPPED_AT_WARNING, logging.WARNING), (CAPPED_AT_INFO, logging.INFO)):
        for name in families:
            logging.getLogger(name).setLevel(max(least, ours))
