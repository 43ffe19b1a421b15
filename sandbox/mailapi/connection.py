"""The TCP connection below a request, which ASGI itself does not let an application touch."""

import os
import socket
import struct

from starlette.types import Receive, Scope, Send

_SCOPE_KEY = "mailapi.transport"
_LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)
"""Closing a socket with this option sends RST in place of FIN, and throws away what was not sent yet."""


def remember(scope: Scope, send: Send) -> None:
    """Keep the transport in the scope. `send` has to be the server's own, before any middleware wraps it."""
    cycle = getattr(send, "__self__", None)  # uvicorn's RequestResponseCycle
    scope[_SCOPE_KEY] = getattr(cycle, "transport", None)


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the connection, so that the client sees RST."""
    transport = scope[_SCOPE_KEY]
    if transport is None:
        raise RuntimeError("Only under uvicorn is there a connection to reset.")
    # The option belongs to the connection, so a second descriptor of it will do: uvloop lends none of its own.
    with socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno())) as twin:
        twin.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT_AT_ALL)
    transport.abort()
    await closed(receive)


async def closed(receive: Receive) -> None:
    """Wait until the connection is gone; the request's body has to be read already."""
    while (await receive())["type"] != "http.disconnect":
        pass
