"""uvicorn's own HTTP protocol; tells the application how to cut a connection, and when it has to end.

On any other server a route that waits learns of the end from ASGI's `http.disconnect` alone.
"""

import asyncio
from typing import Any, cast

from starlette.types import Receive, Scope
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

CONNECTION_EXTENSION = "headway.connection"
WRITE_BUFFER_BYTES = 16 << 10  # beyond it a send waits; the kernel holds more before that


class HttpConnection:
    """What an answer that takes long needs of its connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self.ending = asyncio.Event()
        self.abort = transport.abort


class HttpProtocol(HttpToolsProtocol):
    """Puts an `HttpConnection` into the scope of every request."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        self._connection = HttpConnection(transport)

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast(dict[str, Any], self.scope)["extensions"] = {CONNECTION_EXTENSION: self._connection}

    @override
    def shutdown(self) -> None:
        self._connection.ending.set()
        super().shutdown()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._connection.ending.set()
        super().connection_lost(exc)


def connection_of(scope: Scope) -> HttpConnection | None:
    """The connection of a request, on a server that tells."""
    found = scope.get("extensions", {}).get(CONNECTION_EXTENSION)
    return found if isinstance(found, HttpConnection) else None


async def until_gone(scope: Scope, receive: Receive) -> None:
    """Return once the client has gone, or the server wants the connection to end."""
    connection = connection_of(scope)
    if connection is not None:
        await connection.ending.wait()
        return
    while (await receive())["type"] != "http.disconnect":
        pass
