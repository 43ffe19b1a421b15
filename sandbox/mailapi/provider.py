import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from fastapi import Depends, FastAPI, Request

from sandbox.mailapi import state
from sandbox.mailapi.clock import Clock
from sandbox.mailapi.faults import Faults
from sandbox.mailapi.provisioning import Provisioning, Speed
from sandbox.mailapi.record import Record


@dataclass(frozen=True)
class Provider:
    """One running provider: what it remembers, and what it was told to do wrong."""

    db: sqlite3.Connection
    clock: Clock
    provisioning: Provisioning
    faults: Faults
    record: Record

    @classmethod
    def open(cls, path: Path | None, speed: Speed) -> Self:
        """Take up the state at `path`; faults and the record of the requests begin empty."""
        db = state.open_state(path)
        clock = Clock(db)
        return cls(db=db, clock=clock, provisioning=Provisioning(db, clock, speed), faults=Faults(), record=Record())

    def reset(self) -> None:
        """Forget everything but the speed, the accounts too."""
        state.erase(self.db)
        self.clock.reset()
        self.faults.clear()
        self.record.clear()
        self.provisioning.release()


def provider_of(app: FastAPI) -> Provider:
    """The provider that the application serves; there is one while it runs."""
    provider: Provider = app.state.provider
    return provider


async def _provider(request: Request) -> Provider:
    return provider_of(request.app)


Serving = Annotated[Provider, Depends(_provider)]
"""The provider that serves the request."""
