"""Keeps the key out of the logs: httpx and aiohttp write whole URLs, and the key is part of every URL of a read."""

import logging

TALKATIVE = (
    "httpx",
    "httpcore",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "aiohttp",
    "aiohttp.client",
    "aiohttp.internal",
)


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def silence_urls() -> None:
    """Let the HTTP libraries log warnings at most, whatever the root logger's level is; may be called repeatedly.

    The level spares the formatting; the filter stays when someone lowers the level again to look for a fault.
    """
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
        logger.addFilter(_is_warning)
