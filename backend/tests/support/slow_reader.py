"""A WebSocket client that reads all the time, but slowly, and nothing reads ahead of it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

STEP_S = 0.05
RECEIVE_BUFFER_BYTES = 4_096


class SlowReader:
    """One connection; use `slow_reader`. It answers pings of the WebSocket, once it has come to read them."""

    def __init__(self, plain: socket.socket, protocol: ClientProtocol, bytes_per_s: int) -> None:
        self._plain = plain
        self._protocol = protocol
        self._bytes_per_step = round(bytes_per_s * STEP_S)

    async def say(self, text: str) -> None:
        self._protocol.send_text(text.encode())
        await self._send()

    async def texts(self) -> AsyncIterator[bytes]:
        """Every text that comes, until the server ends the connection."""
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(self._plain, self._bytes_per_step):
            self._protocol.receive_data(data)
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    yield bytes(event.data)
            await self._send()
            await asyncio.sleep(STEP_S)

    async def _send(self) -> None:
        for data in self._protocol.data_to_send():
            await asyncio.get_running_loop().sock_sendall(self._plain, data)


@asynccontextmanager
async def slow_reader(
    url: str, subprotocols: Sequence[str] = (), *, bytes_per_s: int
) -> AsyncIterator[SlowReader]:
    """Connect; the handshake's answer is read as slowly as all else."""
    uri = parse_uri(url)
    protocol = ClientProtocol(
        uri, subprotocols=[Subprotocol(each) for each in subprotocols] or None, max_size=None
    )
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, (uri.host, uri.port))
        reader = SlowReader(plain, protocol, bytes_per_s)
        protocol.send_request(protocol.connect())
        await reader._send()
        while not protocol.handshake_exc and protocol.state.name == "CONNECTING":
            protocol.receive_data(await asyncio.get_running_loop().sock_recv(plain, 256))
            protocol.events_received()
        yield reader
