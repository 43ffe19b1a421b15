from dataclasses import replace
from typing import Any

import aiohttp

from bot.doctor.finding import Finding, counted, fine, unknown, wrong
from bot.doctor.rows import Stored
from bot.settings import Settings

CHECK = "Running bot"
PATIENCE_SECONDS = 3.0
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where it listens, not where we do
_START = (
    "Start it with `mailroom run`. Where it runs elsewhere, ask there. In Socket Mode its log says “no health checks” "
    "where the port was taken: choose another MAILROOM_PORT."
)
_RESTART = "Start it again: nothing that was acknowledged is lost."
_OPERATING = "Its log says more, and docs/operating.md what each name means."


async def look(settings: Settings, stored: Stored | None) -> Finding:
    """Whether a bot runs at the address of the settings, and whether its scheduler ticks, from its `/readyz`.

    How many there are in all their own rows say.
    """
    said = await _look(settings)
    if stored is None:
        return said
    end = "." if said.found.endswith(".") else ""
    return replace(said, found=f"{said.found.removesuffix('.')}; {_in_all(len(stored.processes))}{end}")


def _in_all(count: int) -> str:
    return f"{counted(count, 'process runs', 'processes run') if count else 'no process runs'} on this database"


async def _look(settings: Settings) -> Finding:
    if settings.mailroom_port == 0:
        return unknown(CHECK, "MAILROOM_PORT is 0, so that nobody knows where to ask")
    where = _address(settings)
    try:
        said = await _asked(f"http://{where}/readyz")
    except TimeoutError:
        return wrong(CHECK, f"What listens at {where} does not answer within {PATIENCE_SECONDS:.0f} s.", _RESTART)
    except aiohttp.ClientConnectorError:
        return wrong(CHECK, f"None answers at {where}.", _START)
    except (aiohttp.ClientError, ValueError):
        said = None
    return _verdict(where, said)


def _verdict(where: str, said: Any) -> Finding:
    match said:
        case {"ready": True, "since_tick": float(since) | int(since)}:
            return fine(CHECK, f"ready at {where}; its scheduler ticked {since:.1f} s ago")
        case {"ready": False, "causes": dict(causes)}:
            named = "; ".join(f"{name}: {cause}" for name, cause in causes.items())
            return wrong(CHECK, f"It is not ready ({named}).", _OPERATING)
        case _:
            return wrong(CHECK, f"Something else answers at {where}.", _START)


def _address(settings: Settings) -> str:
    host = _EVERYWHERE.get(settings.mailroom_host, settings.mailroom_host)
    return f"[{host}]:{settings.mailroom_port}" if ":" in host else f"{host}:{settings.mailroom_port}"


async def _asked(url: str) -> Any:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
        return await answer.json()
