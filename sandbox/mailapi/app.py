import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from sandbox.mailapi import connection, control, creating, reading, refusals
from sandbox.mailapi.front import Front
from sandbox.mailapi.provider import Provider
from sandbox.mailapi.provisioning import DEMO_SPEED, Speed
from sandbox.mailapi.shapes import ErrorContract

_INVALID = {"model": ErrorContract, "description": "A field is missing or of the wrong type."}


class MailAPI(FastAPI):
    """A FastAPI application that keeps hold of its connections, as Starlette's outermost middleware hides them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        connection.remember(scope, send)
        await super().__call__(scope, receive, send)


def create_app(*, state: Path | None = None, speed: Speed = DEMO_SPEED) -> FastAPI:
    """The whole provider under `/api`, its control under `/_control`.

    With `state`, an SQLite file, all accounts, domains, mailboxes and tasks outlive the application; without, they
    live as long as it is served. Resets and dropped answers need uvicorn.
    """
    app = MailAPI(
        title="MailAPI sandbox",
        description="Behaves as the provider's reference says, and badly when told to.",
        lifespan=_lifespan(state, speed),
        responses={422: _INVALID},
    )
    refusals.install(app)
    app.include_router(reading.router)
    app.include_router(creating.router)
    app.include_router(control.router)
    app.add_middleware(Front)
    return app


def _lifespan(state: Path | None, speed: Speed) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        provider = Provider.open(state, speed)
        app.state.provider = provider
        with contextlib.closing(provider.db):
            async with asyncio.TaskGroup() as background:
                work = background.create_task(provider.provisioning.run())
                yield
                work.cancel()

    return lifespan
