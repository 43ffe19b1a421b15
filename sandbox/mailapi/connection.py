"""The TCP connection below a request, which ASGI itself does not let an application touch."""

import socket
import struct

from starlette.types import Receive, Scope, Send

_SCOPE_KEY = "mailapi.transport"
_LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)
"""Closing a socket with this option sends RST in place of FIN, and throws away what was not sent yet."""


def remember(scope: Scope, send: Send) -> None:
    """Keep the transport in the scope. `send` has to be the server's own, before any middleware wraps it."""
    cycle = getattr(send, "__self__", None)  # uvicorn's RequestResponseCycle
    transport = getattr(cycle, "transport", None)
    scope[_SCOPE_KEY] = transport
    if transport is not None:
        # uvicorn writes head and body apart. asyncio leaves Nagle's algorithm on where the listener's protocol number
        # is 0, and the body would then wait 40 ms for the client to acknowledge the head.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the connection, so that the client sees RST."""
    transport = scope[_SCOPE_KEY]
    if transport is None:
        raise RuntimeError("Only under uvicorn is there a connection to reset.")
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
    transport.abort()
    await closed(receive)


async def closed(receive: Receive) -> None:
    """Wait until the connection is gone; the request's body has to be read already."""
    while (await receive())["type"] != "http.disconnect":
        pass
