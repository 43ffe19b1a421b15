"""The `state` of an installation: it comes back from Slack once, within ten minutes, in the browser that began it."""

import hashlib
import json
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.clock import Clock
from storage import installations
from storage.database import Database
from storage.encryption import Undecryptable, Vault

PURPOSE = "slack install state"
LASTS = timedelta(minutes=10)
_BROWSER = re.compile("[A-Za-z0-9_-]{43}")


class WrongState(Exception):
    """It is not ours, too old, was used before, or was begun in another browser."""


@dataclass(frozen=True)
class States:
    """Hands them out and takes them back. One that is on its way is nowhere but in its browser."""

    database: Database
    vault: Vault
    clock: Clock

    def begin(self, browser: str) -> str:
        """A new one, bound to a browser by the secret that is in its cookie."""
        said = {"browser": _digest(browser), "until": (self.clock() + LASTS).isoformat()}
        return self.vault.seal(json.dumps(said), workspace="", purpose=PURPOSE)

    def check(self, state: str, browser: str) -> None:
        """Raise `WrongState` for one that cannot be taken back in this browser."""
        try:
            said = json.loads(self.vault.unseal(state, workspace="", purpose=PURPOSE))
        except (Undecryptable, UnicodeEncodeError):
            raise WrongState from None
        same = secrets.compare_digest(said["browser"], _digest(browser))
        if not same or datetime.fromisoformat(said["until"]) <= self.clock():
            raise WrongState

    async def take(self, state: str) -> None:
        """Take one back that was checked, once; raises `WrongState`."""
        digest, now = _digest(state), self.clock()
        if not await self.database.write(lambda session: installations.spend_state(session, digest, now=now)):
            raise WrongState


def browser_of(cookie: str | None) -> str:
    """The secret of a browser that has one, so that two of its tabs do not get in each other's way, or a new one."""
    return cookie if cookie is not None and _BROWSER.fullmatch(cookie) else secrets.token_urlsafe(32)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
