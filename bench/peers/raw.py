"""The limit in Python: a bare uvloop protocol that writes the same ready bytes to every transport.

No HTTP server, no WebSocket library, no journal and no care for who does not read. `--frame-events` joins so
many events into each write, as a server under load does.
"""

import asyncio
import json
from base64 import b64encode
from hashlib import sha1
from typing import Any, cast

import uvloop
from headway.protocol.frames import text_frame

from peers.audience import load_asked_for

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)


class Viewer(asyncio.Protocol):
    """Answers the handshake, and hears nothing after it."""

    def __init__(self, audience: "Audience") -> None:
        self._audience = audience

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._is_open = False

    def data_received(self, data: bytes) -> None:
        if self._is_open:
            return
        self._is_open = True
        key = data.split(b"Sec-WebSocket-Key: ", 1)[1].split(b"\r\n", 1)[0]
        accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
        self._transport.write(_UPGRADED + accept + b"\r\n\r\n")
        self._audience.join(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._audience.transports.discard(self._transport)


class Audience:
    """Every open transport."""

    def __init__(self) -> None:
        self.load = load_asked_for(__doc__)
        self.transports: set[asyncio.Transport] = set()
        self._gathered: list[bytes] = []

    def join(self, transport: asyncio.Transport) -> None:
        self.transports.add(transport)
        self.load.count()

    async def send(self, event: dict[str, Any]) -> None:
        """Write once enough is gathered, or with the terminal event."""
        self._gathered.append(text_frame(json.dumps(event).encode()))
        if len(self._gathered) < self.load.frame_events and event["type"] != "complete":
            return
        frames = b"".join(self._gathered)
        self._gathered.clear()
        for transport in self.transports:
            transport.write(frames)
        await asyncio.sleep(0)


async def main() -> None:
    """Serve until ended."""
    audience = Audience()
    loop = asyncio.get_running_loop()
    async with await loop.create_server(
        lambda: Viewer(audience), "127.0.0.1", audience.load.port, backlog=2_048
    ):
        await audience.load.emit(audience.send)
        await loop.create_future()


if __name__ == "__main__":
    uvloop.run(main())
