import asyncio
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from sandbox.slack.journal import Journal

MOST_CONNECTIONS = 10
LIFETIME_SECONDS = 18_060


@dataclass(kw_only=True, eq=False)
class Connection:
    """One open Socket Mode connection; `leaving` ones get nothing while another is open."""

    app_id: str
    websocket: WebSocket
    number: int
    leaving: bool = False
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, message: dict[str, Any]) -> None:
        """Send one JSON message."""
        await self.websocket.send_text(json.dumps(message, separators=(",", ":")))


class Sockets:
    """The Socket Mode connections of all apps, and the envelopes that wait for their answer."""

    journal: Journal

    def __init__(self) -> None:
        self._tickets: dict[str, str] = {}
        self._waiting: dict[str, list[asyncio.Future[Any]]] = {}
        self._turn = 0
        self._opened = 0
        self.connections: list[Connection] = []

    def ticket(self, app_id: str) -> str:
        """A ticket that admits one connection."""
        ticket = secrets.token_hex(16)
        self._tickets[ticket] = app_id
        return ticket

    def of(self, app_id: str) -> list[Connection]:
        """The open connections of an app, which serve all workspaces that have it."""
        return [connection for connection in self.connections if connection.app_id == app_id]

    def pick(self, app_id: str) -> Connection | None:
        """The connection whose turn it is; `None` where none is open."""
        there = self.of(app_id)
        staying = [connection for connection in there if not connection.leaving] or there
        if not staying:
            return None
        self._turn += 1
        return staying[self._turn % len(staying)]

    async def ask(self, connection: Connection, envelope: dict[str, Any], seconds: float) -> Any:
        """The payload of the answer to `envelope`, from whichever connection it comes; raises `TimeoutError`."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        # The same envelope may be under way twice: answers are taken in the order of the deliveries.
        asked = self._waiting.setdefault(envelope["envelope_id"], [])
        asked.append(answer)
        try:
            async with asyncio.timeout(seconds):
                await connection.send(envelope)
                return await answer
        except (RuntimeError, WebSocketDisconnect) as gone:
            raise TimeoutError from gone
        finally:
            asked.remove(answer)
            if not asked:
                self._waiting.pop(envelope["envelope_id"], None)

    async def serve(self, websocket: WebSocket) -> None:
        """Admit a connection and listen to it until it ends."""
        admitted = self._tickets.pop(websocket.query_params.get("ticket", ""), None)
        if admitted is None:
            await websocket.close(code=1008)
            return
        await websocket.accept()
        self._opened += 1
        connection = Connection(app_id=admitted, websocket=websocket, number=self._opened)
        if len(self.of(admitted)) >= MOST_CONNECTIONS:
            await connection.send({"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            await websocket.close()
            return
        await self._converse(connection)

    def cut(self, connection: Connection) -> None:
        """End the TCP connection without a word; nothing is sent to it any more."""
        self._forget(connection)
        connection.websocket.scope["sandbox.transport"].abort()

    async def disconnect(self, connection: Connection, reason: str, seconds: float) -> None:
        """Announce the end of `connection`, and close it after `seconds` if it is still there."""
        connection.leaving = True
        await connection.send({"type": "disconnect", "reason": reason, "debug_info": {"host": "sandbox"}})
        try:
            async with asyncio.timeout(seconds):
                await connection.closed.wait()
        except TimeoutError:
            await connection.websocket.close()

    async def _converse(self, connection: Connection) -> None:
        self.connections.append(connection)
        self.journal.note("socket_opened", app=connection.app_id, number=connection.number)
        try:
            await connection.send(self._hello(connection))
            while True:
                self._hear(await connection.websocket.receive_text())
        except (WebSocketDisconnect, RuntimeError, KeyError):  # gone, cut, or it sent bytes in place of text
            pass
        finally:
            self._forget(connection)

    def _forget(self, connection: Connection) -> None:
        if connection in self.connections:
            self.connections.remove(connection)
            connection.closed.set()
            self.journal.note("socket_closed", app=connection.app_id, number=connection.number)

    def _hello(self, connection: Connection) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.of(connection.app_id)),
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": LIFETIME_SECONDS},
            "connection_info": {"app_id": connection.app_id},
        }

    def _hear(self, text: str) -> None:
        try:
            message = json.loads(text)
            asked = self._waiting.get(message["envelope_id"], [])
        except (ValueError, KeyError, TypeError):
            self.journal.note("socket_nonsense", text=text)
            return
        for answer in asked:
            if not answer.done():
                answer.set_result(message.get("payload"))
                break
