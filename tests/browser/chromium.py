"""The browser in which the page is tried: the system's own Chromium, or else Playwright's.

`python -m tests.browser.chromium` installs Playwright's where there is neither; it never fails, since the tests say
loudly what they lack.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from playwright.async_api import Browser, async_playwright

MISSING = (
    "There is no Chromium, so the page was not tried in a browser: install Debian's `chromium`, or let "
    "`.venv/bin/playwright install chromium` get one."
)
INSTALL_SECONDS = 300
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_INSTALL = (sys.executable, "-m", "playwright", "install", "--no-shell", "chromium")
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


async def find() -> str | None:
    """The path of a Chromium that starts here; `None` where there is none."""
    for name in _NAMES:
        if (path := shutil.which(name)) and _starts(path):
            return path
    async with async_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if _starts(own) else None


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A Chromium without a window."""
    path = await find()
    assert path is not None, MISSING
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield started
        await started.close()


def install() -> None:
    """See to it that there is a Chromium, within a bounded time and where that is possible."""
    if asyncio.run(find()):
        return
    print("There is no Chromium to try the page in: getting Playwright's ...", flush=True)  # noqa: T201 - for a terminal
    # What goes nowhere is given up soon: Playwright tries several times.
    environment = {"PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT": "5000", **os.environ}
    installing = subprocess.Popen(  # noqa: S603 - all of it stands above
        _INSTALL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
    )
    try:
        with suppress(subprocess.TimeoutExpired):
            installing.wait(INSTALL_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(installing.pid, signal.SIGKILL)
        installing.wait()
    print("It is there." if asyncio.run(find()) else "It cannot be had.")  # noqa: T201 - for a terminal


def _starts(path: str) -> bool:
    """Whether it runs here: there are stand-ins that only say where to get it, and systems without its libraries."""
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)  # noqa: S603 - our own
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


if __name__ == "__main__":
    install()
