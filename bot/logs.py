"""Logging: structured, on standard error, with the libraries that would log secrets capped."""

import logging
import sys
from typing import Literal

import structlog

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


def configure(level: str, form: Literal["console", "json"]) -> None:
    """Send our log lines and the libraries' to standard error in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if form == "json"
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
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
