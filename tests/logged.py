"""What the bot's own logging writes in this process, while it is set up as `mailroom run` does."""

import contextlib
import io
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Literal

import structlog

from bot import logs


@contextmanager
def logged(form: Literal["json", "console"], secrets: Collection[str] = ()) -> Iterator[io.StringIO]:
    """All that is logged at DEBUG and above; afterwards logging is as it was."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    quiet = {name: logging.getLogger(name).level for name in (*logs.CAPPED_AT_WARNING, *logs.CAPPED_AT_INFO)}
    written = io.StringIO()
    root.handlers = []  # those that are there would be closed
    try:
        with contextlib.redirect_stderr(written):
            logs.configure("DEBUG", form, secrets)
        root.handlers = [*handlers, *root.handlers]
        yield written
    finally:
        root.handlers, root.level = handlers, level
        for name, its in quiet.items():
            logging.getLogger(name).setLevel(its)
        structlog.configure(**before)
